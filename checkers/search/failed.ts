/**
 * The memo of the search: configurations from which nothing led on, in one typed array.
 *
 * A configuration fails because a like one failed that had the same rank and state and the same writes open, no
 * more reads to place, no more of the unknown operations used that mattered, and no less to spend.
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

// An entry: the next one with the same hash, what could still be spent, and the configuration.
const LINK = 0;
const LEFT = 1;
const KEY = 2;

const SPENT_FREELY = 0x7fffffff;
const FIRST_CAPACITY = 1024;

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
    this.keyLength = 2 + 2 * layout.words + layout.unknowns + layout.limitWords;
    this.#entryLength = KEY + this.keyLength;
  }

  /** An entry that shows that `key` fails when `left` may still be spent; −1 if there is none. */
  find(key: Int32Array, left: number): number {
    if (this.#count === 0) return -1;
    let entry = this.#heads[this.#hash(key, 0) & (this.#heads.length - 1)] as number;
    while (entry !== 0) {
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
    if (entries[at] !== key[0] || entries[at + 1] !== key[1]) return false;
    for (let word = 2; word < 2 + words; word++) {
      if (entries[at + word] !== key[word]) return false;
      if (((entries[at + words + word] as number) & ~(key[words + word] as number)) !== 0) return false;
    }
    const used = 2 + 2 * words;
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
    let size = 256;
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

  /** Of rank, state and open writes: what must be equal for one entry to cover another. */
  #hash(words: Int32Array, at: number): number {
    let mixed = Math.imul(words[at] as number, 0x9e3779b1) ^ Math.imul((words[at + 1] as number) + 1, 0x85ebca6b);
    for (let word = 2; word < 2 + this.#layout.words; word++)
      mixed = Math.imul(mixed ^ (words[at + word] as number), 0xc2b2ae35);
    return mixed ^ (mixed >>> 15);
  }
}
