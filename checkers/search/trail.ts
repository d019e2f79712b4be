/** What a search has placed so far, in order, and what it had placed when it came furthest. */

export class Trail {
  /** Operations; `~operation` for one that was dropped. */
  readonly #entries: Int32Array;
  readonly #longest: Int32Array;
  #longestLength = 0;
  /** How far the two are the same. */
  #shared = 0;
  length = 0;

  constructor(operations: number) {
    this.#entries = new Int32Array(operations);
    this.#longest = new Int32Array(operations);
  }

  push(entry: number): void {
    this.#entries[this.length++] = entry;
  }

  pop(): number {
    if (--this.length < this.#shared) this.#shared = this.length;
    return this.#entries[this.length] as number;
  }

  /** It never came further than now. */
  remember(): void {
    this.#longest.set(this.#entries.subarray(this.#shared, this.length), this.#shared);
    this.#longestLength = this.#shared = this.length;
  }

  get entries(): Int32Array {
    return this.#entries.subarray(0, this.length);
  }

  get longest(): Int32Array {
    return this.#longest.subarray(0, this.#longestLength);
  }
}
