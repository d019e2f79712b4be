/**
 * One direction of one connection. Until it has a sink, and while its way is shut, what comes in waits; what waits is
 * bounded, and then nothing more is read, as if no acknowledgement came.
 */

import type { Socket } from 'node:net';
import type { Random } from '../../rig/random.ts';
import type { Way } from './way.ts';

/** Of one direction of one connection. */
const MOST_WAITING_BYTES = 256 * 1024;

export class Pipe {
  readonly #source: Socket;
  readonly #way: Way;
  readonly #rng: Random;
  readonly #rejected: () => void;
  #sink: Socket | null = null;
  readonly #waiting: { readonly chunk: Buffer; dueMs: number }[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #end: 'finished' | 'reset' | null = null;
  #isOver = false;

  /** `rejected` is called when bytes came on a way that answers by a reset. */
  constructor(source: Socket, way: Way, rng: Random, rejected: () => void) {
    this.#source = source;
    this.#way = way;
    this.#rng = rng;
    this.#rejected = rejected;
    source.on('data', (chunk: Buffer) => this.#take(chunk));
    source.on('end', () => this.#finish('finished'));
    source.on('error', () => this.#finish('reset'));
    source.on('close', () => this.#finish('reset'));
  }

  into(sink: Socket): void {
    this.#sink = sink;
    sink.on('drain', () => this.#flush());
    this.changed();
  }

  /** The way is not what it was: what waited for it waits no longer than it would have to now. */
  changed(): void {
    const nowMs = performance.now();
    if (!this.#way.isSlow) for (const one of this.#waiting) one.dueMs = nowMs;
    this.#flush();
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#isOver = true;
  }

  #take(chunk: Buffer): void {
    if (this.#sink && this.#way.rejects) {
      this.#way.count('reject');
      return this.#rejected();
    }
    if (this.#sink && this.#way.isShut) this.#way.countShut();
    const size = Math.min(chunk.length, Math.floor(this.#way.largestBytes));
    for (let from = 0; from < chunk.length; from += size) {
      const piece = chunk.subarray(from, from + size);
      const dueMs = this.#sink ? this.#way.dueMs(piece.length, performance.now(), 2 * this.#rng.float() - 1) : 0;
      this.#waiting.push({ chunk: piece, dueMs });
    }
    this.#waitingBytes += chunk.length;
    this.#flush();
    if (this.#waitingBytes >= MOST_WAITING_BYTES) this.#source.pause();
  }

  /** Passes on all that is due, in order, as long as the sink takes it. */
  #flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.#sink || this.#way.isShut || this.#isOver) return;
    let isTaken = true;
    while (isTaken && this.#waiting[0] && this.#waiting[0].dueMs <= performance.now()) {
      const { chunk } = this.#waiting.shift() as { chunk: Buffer };
      this.#waitingBytes -= chunk.length;
      // A sink that is gone hears nothing; its own end travels the other way.
      isTaken = this.#sink.writable ? this.#sink.write(chunk) : true;
    }
    const [next] = this.#waiting;
    if (!next) this.#passOnEnd();
    // A sink that takes no more says when it does.
    else if (isTaken) this.#timer = setTimeout(() => this.#flush(), Math.max(1, next.dueMs - performance.now()));
    if (!isTaken) this.#source.pause();
    else if (this.#waitingBytes < MOST_WAITING_BYTES) this.#source.resume();
  }

  #finish(how: 'finished' | 'reset'): void {
    if (this.#end) return;
    this.#end = how;
    this.#flush();
  }

  #passOnEnd(): void {
    if (!this.#end) return;
    this.#isOver = true;
    if (this.#end === 'finished') this.#sink?.end();
    else this.#sink?.resetAndDestroy();
  }
}
