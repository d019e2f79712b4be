/**
 * One direction of a link between two parties whose bytes pass through the rig: what becomes of them, and how many met
 * that. Nothing of a byte stream can be lost, since TCP would not lose it; it can wait, come late, come slowly, or end.
 */

import type { Act } from './impairment.ts';

export class Way {
  /** Chunks and connections that met each kind of impairment. */
  readonly counts = new Map<Act['do'], number>();
  #acts: readonly Act[] = [];
  #freeMs = 0;
  #latestMs = 0;

  set(acts: readonly Act[]): void {
    this.#acts = acts;
    this.#freeMs = 0;
    this.#latestMs = 0;
  }

  /** Nothing arrives, or, where the answer is a reset, nothing is even taken. */
  get isShut(): boolean {
    return this.#has('drop') || this.#has('reject');
  }

  get rejects(): boolean {
    return this.#has('reject') && !this.#has('drop');
  }

  get isShutToNew(): boolean {
    return this.isShut || this.#has('drop-new');
  }

  /** Whether bytes may have to wait though the way is not shut. */
  get isSlow(): boolean {
    return this.#has('delay') || this.#has('limit');
  }

  /** No more than this much is passed on at once. */
  get largestBytes(): number {
    const limit = this.#find('limit');
    return limit ? Math.max(1_024, limit.bytesPerSecond / 20) : Infinity;
  }

  count(act: Act['do']): void {
    this.counts.set(act, (this.counts.get(act) ?? 0) + 1);
  }

  /** Notes what keeps something from arriving on a way that is shut. */
  countShut(): void {
    this.count(this.#has('drop') ? 'drop' : this.#has('reject') ? 'reject' : 'drop-new');
  }

  /** When this many bytes that come now arrive; in order, as TCP would have it. `jitter` is from -1 to 1. */
  dueMs(bytes: number, nowMs: number, jitter: number): number {
    let dueMs = nowMs;
    const limit = this.#find('limit');
    if (limit) {
      if (this.#freeMs > nowMs) this.count('limit');
      this.#freeMs = Math.max(nowMs, this.#freeMs) + (bytes / limit.bytesPerSecond) * 1_000;
      dueMs = this.#freeMs;
    }
    const delay = this.#find('delay');
    if (delay) {
      this.count('delay');
      dueMs += delay.ms + delay.jitterMs * jitter;
    }
    this.#latestMs = Math.max(this.#latestMs, dueMs);
    return this.#latestMs;
  }

  #has(act: Act['do']): boolean {
    return this.#acts.some((one) => one.do === act);
  }

  #find<D extends Act['do']>(act: D): Extract<Act, { do: D }> | undefined {
    return this.#acts.find((one): one is Extract<Act, { do: D }> => one.do === act);
  }
}
