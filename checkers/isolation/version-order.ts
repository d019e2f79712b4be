/** Pairs of writes of one key of which the one is known to be older: for each write a chain of those before it. */

import { twice } from './twice.ts';

/** How much of a chain is looked at: a pair that is stored twice does no harm. */
const MOST_LOOKED_AT = 64;

export class VersionOrder {
  /** By write, the last link of its chain; 0 is none. */
  readonly #last: Int32Array;
  #older = new Int32Array(64);
  #before = new Int32Array(64);
  #count = 0;

  constructor(writes: number) {
    this.#last = new Int32Array(writes);
  }

  /** False if the pair is known. */
  add(older: number, newer: number): boolean {
    const last = this.#last[newer] as number;
    for (let link = last, left = MOST_LOOKED_AT; link > 0 && left > 0; link = this.#before[link] as number, left--)
      if (this.#older[link] === older) return false;
    const link = ++this.#count;
    if (link === this.#older.length) {
      this.#older = twice(this.#older);
      this.#before = twice(this.#before);
    }
    this.#older[link] = older;
    this.#before[link] = last;
    this.#last[newer] = link;
    return true;
  }
}
