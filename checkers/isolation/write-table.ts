/** Finds a write by its key and value: open addressing in one typed array, which grows by doubling. */

/** Words of an entry: key + 1 (0: free), code of the value, number of the write. */
const WORDS = 4;

const FEWEST_SLOTS = 2 ** 10;
/** Slots made for what was only expected. */
const MOST_SLOTS = 2 ** 24;

export class WriteTable {
  #slots = FEWEST_SLOTS;
  #words: Int32Array;
  #used = 0;

  /** `expected`: how many writes there may be; more is fine. */
  constructor(expected: number) {
    while (this.#slots < MOST_SLOTS && this.#slots < 1.5 * expected) this.#slots *= 2;
    this.#words = new Int32Array(this.#slots * WORDS);
  }

  /** The number of the write of `code` to `key`; −1 if there is none. */
  find(key: number, code: number): number {
    const at = this.#locate(key, code);
    return this.#words[at] === 0 ? -1 : (this.#words[at + 2] as number);
  }

  /** Stores the write, unless there is one of the same value to the same key: that one is returned, otherwise −1. */
  add(key: number, code: number, write: number): number {
    const at = this.#locate(key, code);
    if (this.#words[at] !== 0) return this.#words[at + 2] as number;
    this.#put(at, key, code, write);
    if (4 * ++this.#used > 3 * this.#slots) this.#double();
    return -1;
  }

  /** Puts the write in the place of an earlier one of the same value to the same key. */
  replace(key: number, code: number, write: number): void {
    this.#put(this.#locate(key, code), key, code, write);
  }

  #put(at: number, key: number, code: number, write: number): void {
    const words = this.#words;
    words[at] = key + 1;
    words[at + 1] = code;
    words[at + 2] = write;
  }

  /** Neighbouring values of one key lie side by side: histories visit them in turn. */
  #locate(key: number, code: number): number {
    const words = this.#words;
    const mask = this.#slots - 1;
    let hash = Math.imul(key, 0x9e3779b1) ^ Math.imul((code >> 4) + 0x7f4a7c15, 0x85ebca6b);
    hash ^= hash >>> 15;
    let slot = ((hash << 3) ^ ((code >> 1) & 7)) & mask;
    for (;;) {
      const at = slot * WORDS;
      if (words[at] === 0 || (words[at] === key + 1 && words[at + 1] === code)) return at;
      slot = (slot + 1) & mask;
    }
  }

  #double(): void {
    const old = this.#words;
    this.#slots *= 2;
    this.#words = new Int32Array(this.#slots * WORDS);
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at] === 0) continue;
      const key = (old[at] as number) - 1;
      const code = old[at + 1] as number;
      this.#put(this.#locate(key, code), key, code, old[at + 2] as number);
    }
  }
}
