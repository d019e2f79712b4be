/** Time, as the rig sees it. Virtual time makes a run on the memory cluster instant and exactly repeatable. */

export interface Clock {
  /** Nanoseconds since the clock was made; never goes back. */
  nowNs(): number;
  /** Resolves after `ms`, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `ms`, unless the returned function is called first. Cheap enough for every request. */
  after(ms: number, call: () => void): () => void;
}

/** A signal that aborts with a `TimeoutError` after `ms`, or with `parent`. Call `cancel` when it is no longer needed. */
export function deadline(clock: Clock, ms: number, parent?: AbortSignal): { signal: AbortSignal; cancel(): void } {
  const controller = new AbortController();
  const follow = () => controller.abort(parent?.reason);
  if (parent?.aborted) follow();
  parent?.addEventListener('abort', follow, { once: true });
  const disarm = clock.after(ms, () =>
    controller.abort(new DOMException(`nothing within ${ms / 1000} s`, 'TimeoutError')),
  );
  return {
    signal: controller.signal,
    cancel() {
      disarm();
      parent?.removeEventListener('abort', follow);
    },
  };
}

/** The promise's result, unless the signal aborts first: then a rejection, and what comes later is ignored. */
export function within<T>(signal: AbortSignal, promise: PromiseLike<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    const settled = () => signal.removeEventListener('abort', stop);
    promise.then(resolve, reject).then(settled, settled);
  });
}

/** What `act` comes to within `ms`; otherwise rejects with a `TimeoutError`, which `act` is told by its signal. */
export async function bounded<T>(clock: Clock, ms: number, act: (signal: AbortSignal) => PromiseLike<T>): Promise<T> {
  const limit = deadline(clock, ms);
  try {
    return await within(limit.signal, act(limit.signal));
  } finally {
    limit.cancel();
  }
}

export class RealClock implements Clock {
  readonly #begun = performance.now();

  nowNs(): number {
    return Math.round((performance.now() - this.#begun) * 1e6);
  }

  after(ms: number, call: () => void): () => void {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepUntilAborted(this, ms, signal);
  }
}

/** Stands still while anything can run; when all are asleep, jumps to the first to wake. */
export class VirtualClock implements Clock {
  #nowNs = 0;
  #order = 0;
  #ticking = false;
  /** A binary heap by time, then by order of arming. */
  readonly #timers: VirtualTimer[] = [];

  nowNs(): number {
    return this.#nowNs;
  }

  after(ms: number, call: () => void): () => void {
    const timer: VirtualTimer = { atNs: this.#nowNs + Math.round(ms * 1e6), order: this.#order++, call };
    this.#push(timer);
    this.#tick();
    return () => {
      timer.call = null;
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepUntilAborted(this, ms, signal);
  }

  /** `setImmediate` runs only after every settled promise has been served: then all are asleep. */
  #tick(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    setImmediate(() => {
      this.#ticking = false;
      for (let next = this.#pop(); next; next = this.#pop()) {
        if (!next.call) continue;
        this.#nowNs = Math.max(this.#nowNs, next.atNs);
        next.call();
        break;
      }
      if (this.#timers.length > 0) this.#tick();
    });
  }

  #push(timer: VirtualTimer): void {
    const heap = this.#timers;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!earlier(timer, heap[parent] as VirtualTimer)) break;
      heap[at] = heap[parent] as VirtualTimer;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): VirtualTimer | undefined {
    const heap = this.#timers;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && earlier(heap[child + 1] as VirtualTimer, heap[child] as VirtualTimer)) child++;
      if (!earlier(heap[child] as VirtualTimer, last)) break;
      heap[at] = heap[child] as VirtualTimer;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

interface VirtualTimer {
  readonly atNs: number;
  readonly order: number;
  call: (() => void) | null;
}

const earlier = (a: VirtualTimer, b: VirtualTimer): boolean =>
  a.atNs < b.atNs || (a.atNs === b.atNs && a.order < b.order);

function sleepUntilAborted(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const disarm = clock.after(ms, () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
    const stop = () => {
      disarm();
      resolve();
    };
    signal?.addEventListener('abort', stop, { once: true });
  });
}
