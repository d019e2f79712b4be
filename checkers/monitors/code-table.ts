/**
 * From codes to small numbers, emptied in no time: a hash table whose entries of an older generation are free. Small
 * whole numbers stand at their own place, so that values which were counted up lie side by side in memory.
 */

export class CodeTable {
  #codes = new Int32Array(0);
  #numbers = new Int32Array(0);
  #generations = new Int32Array(0);
  #generation = 0;

  /** Empties it, and makes room for so many codes. */
  begin(most: number): void {
    this.#generation++;
    if (this.#codes.length >= 2 * most) return;
    const size = 2 ** Math.ceil(Math.log2(4 * most));
    this.#codes = new Int32Array(size);
    this.#numbers = new Int32Array(size);
    this.#generations = new Int32Array(size);
    this.#generation = 1;
  }

  /** Enters a code, unless it is there: then returns its number, otherwise −1. */
  enter(code: number, number: number): number {
    const slot = this.#slotOf(code);
    if (this.#generations[slot] === this.#generation) return this.#numbers[slot] as number;
    this.#generations[slot] = this.#generation;
    this.#codes[slot] = code;
    this.#numbers[slot] = number;
    return -1;
  }

  /** The number of a code; −1 if it was not entered. */
  find(code: number): number {
    const slot = this.#slotOf(code);
    return this.#generations[slot] === this.#generation ? (this.#numbers[slot] as number) : -1;
  }

  /** Where the code is, or where it would go. */
  #slotOf(code: number): number {
    const mask = this.#codes.length - 1;
    let slot = code >= 0 && code <= mask ? code : (Math.imul(code, 0x9e3779b1) >>> 7) & mask;
    while (this.#generations[slot] === this.#generation && this.#codes[slot] !== code) slot = (slot + 1) & mask;
    return slot;
  }
}
