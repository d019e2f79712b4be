/**
 * The memo of the search: configurations from which nothing led on, in one typed array.
 *
 * A configuration fails because a like one failed that had the same rank and state, no fewer writes open, no more to
 * place, no more of the unknown operations used that mattered, and no less to spend.
 */

/** How many 32-bit words the masks, the counts of unknown kinds, and the mask of the kinds that ran out take. */
export interface Layout {
  readonly words: number;
  readonly unknowns: number;
  readonly limitWords: number;
}

/** What all searches of a check may keep together, in 32-bit words. */
export interface Memory {
  left: number;
}

// A configuration: its rank, its state, a hash of the swaps open; then the mask of the writes open, the mask of what must be
// placed, how many of each unknown kind are in use, and the mask of the unknown kinds that ran out.
export const RANK = 0;
export const STATE = 1;
export const SWAPS = 2;
export const BEGIN = 3;

// An entry: the next one with the same hash, what could still be spent, and the configuration.
const LINK = 0;
const LEFT = 1;
const KEY = 2;

const SPENT_FREELY = 0x7fffffff;
const FIRST_CAPACITY = 256;
/** Entries of one hash that are looked at; the newest come first. */
const MOST_LOOKED_AT = 64;

export class FailedConfigurations {
  readonly keyLength: number;
  readonly #layout: Layout;
  readonly #memory: Memory;
  readonly #entryLength: number;
  #entries = new Int32Array(0);
  #heads = new Int32Array(0);
  #top = 1;
  #count = 0;

  constructor(layout: Layout, memory: Memory) {
    this.#layout = layout;
    this.#memory = memory;
    this.keyLength = BEGIN + 2 * layout.words + layout.unknowns + layout.limitWords;
    this.#entryLength = KEY + this.keyLength;
  }

  /** An entry that shows that `key` fails when `left` may still be spent; −1 if there is none. */
  find(key: Int32Array, left: number): number {
    if (this.#count === 0) return -1;
    let entry = this.#heads[this.#hash(key, 0) & (this.#heads.length - 1)] as number;
    for (let looks = 0; entry !== 0 && looks < MOST_LOOKED_AT; looks++) {
      if ((this.#entries[entry + LEFT] as number) >= left && this.#covers(entry + KEY, key)) return entry;
      entry = this.#entries[entry + LINK] as number;
    }
    return -1;
  }

  /** The mask of the unknown kinds that ran out below the configuration of `entry`. */
  limitsOf(entry: number): Int32Array {
    const end = entry + this.#entryLength;
    return this.#entries.subarray(end - this.#layout.limitWords, end);
  }

  /** True if something was left untried below the configuration of `entry` because it would have cost too much. */
  isSpared(entry: number): boolean {
    return this.#entries[entry + LEFT] !== SPENT_FREELY;
  }

  /** Remembers that `key` failed; `left` is what could still be spent, the largest number if that never mattered. */
  add(key: Int32Array, left: number): void {
    if (this.#top + this.#entryLength > this.#entries.length && !this.#grow()) return;
    this.#entries[this.#top + LEFT] = left;
    this.#entries.set(key, this.#top + KEY);
    this.#chain(this.#top);
    this.#top += this.#entryLength;
    this.#count++;
  }

  /** Forgets everything and gives the memory back. */
  clear(): void {
    this.#memory.left += this.#entries.length + this.#heads.length;
    this.#entries = new Int32Array(0);
    this.#heads = new Int32Array(0);
    this.#top = 1;
    this.#count = 0;
  }

  #covers(at: number, key: Int32Array): boolean {
    const { words, unknowns, limitWords } = this.#layout;
    const entries = this.#entries;
    if (entries[at + RANK] !== key[RANK] || entries[at + STATE] !== key[STATE] || entries[at + SWAPS] !== key[SWAPS])
      return false;
    for (let word = BEGIN; word < BEGIN + words; word++) {
      if (((key[word] as number) & ~(entries[at + word] as number)) !== 0) return false;
      if (((entries[at + words + word] as number) & ~(key[words + word] as number)) !== 0) return false;
    }
    const used = BEGIN + 2 * words;
    const limits = used + unknowns;
    for (let word = 0; word < limitWords; word++) {
      let mask = entries[at + limits + word] as number;
      for (; mask !== 0; mask &= mask - 1) {
        const unknown = (word << 5) + 31 - Math.clz32(mask & -mask);
        if ((entries[at + used + unknown] as number) > (key[used + unknown] as number)) return false;
      }
    }
    return true;
  }

  /** Makes room for one more entry. Out of memory, it starts anew: forgetting costs time, never correctness. */
  #grow(): boolean {
    const wanted = Math.max(FIRST_CAPACITY, 2 * this.#entries.length, 2 * this.#entryLength);
    const more = wanted - this.#entries.length;
    if (more > this.#memory.left) {
      this.#top = 1;
      this.#count = 0;
      this.#heads.fill(0);
      return this.#top + this.#entryLength <= this.#entries.length;
    }
    this.#memory.left -= more;
    const grown = new Int32Array(wanted);
    grown.set(this.#entries);
    this.#entries = grown;
    this.#rehash();
    return true;
  }

  #rehash(): void {
    let size = 32;
    while (size * this.#entryLength < this.#entries.length) size *= 2;
    this.#memory.left -= size - this.#heads.length;
    this.#heads = new Int32Array(size);
    for (let entry = 1; entry < this.#top; entry += this.#entryLength) this.#chain(entry);
  }

  #chain(entry: number): void {
    const head = this.#hash(this.#entries, entry + KEY) & (this.#heads.length - 1);
    this.#entries[entry + LINK] = this.#heads[head] as number;
    this.#heads[head] = entry;
  }

  /** Of what must be equal for one entry to cover another. */
  #hash(words: Int32Array, at: number): number {
    const mixed =
      Math.imul(words[at + RANK] as number, 0x9e3779b1) ^
      Math.imul((words[at + STATE] as number) + 1, 0x85ebca6b) ^
      Math.imul(words[at + SWAPS] as number, 0xc2b2ae35);
    return mixed ^ (mixed >>> 15);
  }
}
