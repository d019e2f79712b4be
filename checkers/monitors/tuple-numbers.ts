/** Gives each distinct tuple of 32-bit numbers a small number, in order of first sight: an open-addressed hash table. */

export class TupleNumbers {
  readonly width: number;
  count = 0;
  /** Tuple after tuple. */
  #tuples: Int32Array;
  /** By hash, one more than the number; 0 is free. At least twice as many as there can be tuples. */
  #slots: Int32Array;

  constructor(width: number, expected = 8) {
    this.width = width;
    this.#tuples = new Int32Array(width * expected);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * expected)));
  }

  /** The part of a tuple in that place. */
  part(number: number, place: number): number {
    return this.#tuples[number * this.width + place] as number;
  }

  /** The number of the tuple in `wanted`, given now if it has none. */
  numberOf(wanted: Int32Array): number {
    const mask = this.#slots.length - 1;
    let slot = hash(wanted, 0, this.width) & mask;
    for (let found = this.#slots[slot] as number; found !== 0; found = this.#slots[slot] as number) {
      if (this.#is(found - 1, wanted)) return found - 1;
      slot = (slot + 1) & mask;
    }
    const number = this.count++;
    if (this.count * this.width > this.#tuples.length) this.#grow();
    this.#tuples.set(wanted, number * this.width);
    this.#enter(number);
    return number;
  }

  #is(number: number, wanted: Int32Array): boolean {
    const from = number * this.width;
    for (let place = 0; place < this.width; place++) if (this.#tuples[from + place] !== wanted[place]) return false;
    return true;
  }

  #enter(number: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash(this.#tuples, number * this.width, this.width) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = number + 1;
  }

  #grow(): void {
    const tuples = this.#tuples;
    this.#tuples = new Int32Array(2 * tuples.length);
    this.#tuples.set(tuples);
    this.#slots = new Int32Array(2 * this.#slots.length);
    for (let number = 0; number < this.count - 1; number++) this.#enter(number);
  }
}

function hash(parts: Int32Array, from: number, width: number): number {
  let mixed = 0;
  for (let at = from; at < from + width; at++) {
    mixed = Math.imul(mixed ^ (parts[at] as number), 0x9e3779b1);
    mixed ^= mixed >>> 15;
  }
  return mixed;
}
