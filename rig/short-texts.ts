/** Gives each distinct short ASCII text a small number, found by its bytes: no text is made for one that is known. */

const FIRST_SLOTS = 256;

export class ShortTexts {
  #count = 0;
  /** Where the bytes of each text begin; one entry more than there are texts. */
  #starts = new Int32Array(FIRST_SLOTS);
  #hashes = new Int32Array(FIRST_SLOTS);
  #bytes = new Uint8Array(16 * FIRST_SLOTS);
  /** By hash, one more than the number; 0 is free. Twice as many as there can be texts. */
  #slots = new Int32Array(2 * FIRST_SLOTS);

  /** The number of the text in `bytes`, given now if it has none. `hash` is its `hashOf`. */
  numberOfBytes(bytes: Uint8Array, from: number, to: number, hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = spread(hash) & mask;
    for (let found = this.#slots[slot] as number; found !== 0; found = this.#slots[slot] as number) {
      if (this.#hashes[found - 1] === hash && this.#is(found - 1, bytes, from, to)) return found - 1;
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = this.#count + 1;
    return this.#add(bytes, from, to, hash);
  }

  /** The same for a text; −1 if not all of it is ASCII. */
  numberOf(text: string): number {
    const bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit >= 0x80) return -1;
      bytes[at] = unit;
    }
    return this.numberOfBytes(bytes, 0, text.length, hashOf(bytes, 0, text.length));
  }

  #is(number: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = this.#starts[number] as number;
    if ((this.#starts[number + 1] as number) - start !== to - from) return false;
    const known = this.#bytes;
    for (let at = from, of = start; at < to; at++, of++) if (known[of] !== bytes[at]) return false;
    return true;
  }

  #add(bytes: Uint8Array, from: number, to: number, hash: number): number {
    const number = this.#count++;
    const start = this.#starts[number] as number;
    const end = start + to - from;
    if (end > this.#bytes.length) this.#bytes = twice(this.#bytes);
    for (let at = from, of = start; at < to; at++, of++) this.#bytes[of] = bytes[at] as number;
    this.#starts[number + 1] = end;
    this.#hashes[number] = hash;
    if (this.#count + 1 === this.#starts.length) this.#grow();
    return number;
  }

  #grow(): void {
    this.#starts = twice(this.#starts);
    this.#hashes = twice(this.#hashes);
    this.#slots = new Int32Array(2 * this.#slots.length);
    const mask = this.#slots.length - 1;
    for (let number = 0; number < this.#count; number++) {
      let slot = spread(this.#hashes[number] as number) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = number + 1;
    }
  }
}

/** One step of a text's hash, begun with 0. */
export const hashStep = (hash: number, byte: number): number => (Math.imul(hash, 31) + byte) | 0;

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0;
  for (let at = from; at < to; at++) hash = hashStep(hash, bytes[at] as number);
  return hash;
}

/** The low bits of the step's hash alone are poor. */
function spread(hash: number): number {
  const mixed = Math.imul(hash, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

function twice<A extends Int32Array | Uint8Array>(column: A): A {
  const grown = new (column.constructor as new (length: number) => A)(2 * column.length);
  grown.set(column);
  return grown;
}
