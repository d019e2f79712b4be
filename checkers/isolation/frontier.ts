/**
 * Which writes of a key were the last to be done by some event: those done that no other write done began after. There
 * are never more than were under way at once.
 */

import { NEVER } from '../../rig/history.ts';
import { twice } from './twice.ts';

export class Frontier {
  /** The first `count` of these are the last to be done. */
  latest = new Int32Array(16);
  count = 0;
  #open = new Int32Array(16);
  #openCount = 0;
  #lastBegun = -1;
  readonly #begun: Int32Array;
  readonly #done: Int32Array;

  /** By write, the events at which its transaction began, and at which it was certain to have happened. */
  constructor(begun: Int32Array, done: Int32Array) {
    this.#begun = begun;
    this.#done = done;
  }

  clear(): void {
    this.count = 0;
    this.#openCount = 0;
    this.#lastBegun = -1;
  }

  add(write: number): void {
    if (this.#done[write] === NEVER) return;
    if (this.#openCount === this.#open.length) this.#open = twice(this.#open);
    this.#open[this.#openCount++] = write;
  }

  /** Goes on to a later event. */
  advance(event: number): void {
    const before = this.count;
    const open = this.#open;
    const done = this.#done;
    let kept = 0;
    for (let at = 0; at < this.#openCount; at++) {
      const write = open[at] as number;
      if ((done[write] as number) >= event) open[kept++] = write;
      else {
        if (this.count === this.latest.length) this.latest = twice(this.latest);
        this.latest[this.count++] = write;
        const begun = this.#begun[write] as number;
        if (begun > this.#lastBegun) this.#lastBegun = begun;
      }
    }
    this.#openCount = kept;
    if (this.count === before) return;
    let last = 0;
    for (let at = 0; at < this.count; at++) {
      const write = this.latest[at] as number;
      if ((done[write] as number) > this.#lastBegun) this.latest[last++] = write;
    }
    this.count = last;
  }
}
