/**
 * Seeded chance: the only source of randomness in the rig. Streams are forked by name, so what one consumer
 * draws never depends on how many others there are. Generator: sfc32 (C. Doty-Humphrey, PractRand); seeding and
 * names are mixed with the finaliser of MurmurHash3 (A. Appleby).
 */

export class Random {
  readonly #seed: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** `seed` is any string or number; equal seeds give equal streams on every machine. */
  constructor(seed: string | number) {
    this.#seed = String(seed);
    const mix = hash(this.#seed);
    this.#a = mix();
    this.#b = mix();
    this.#c = mix();
    for (let warmUp = 0; warmUp < 12; warmUp++) this.#next();
  }

  /** An independent stream that depends on this stream's seed and the name alone, not on what was drawn before. */
  fork(name: string): Random {
    return new Random(`${this.#seed}/${name}`);
  }

  /** Uniform in [0, 1). */
  float(): number {
    return this.#next() / 2 ** 32;
  }

  /** Uniform among min, min + 1, …, max. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.float() * (max - min + 1));
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /** The gap to the next arrival of a Poisson process, in units of its mean gap. */
  exponential(): number {
    return -Math.log(1 - this.float());
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('cannot pick from nothing');
    return items[this.integer(0, items.length - 1)] as T;
  }

  /** A new array in uniformly random order (Fisher and Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.integer(0, last);
      [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
    }
    return shuffled;
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }
}

/** A source of well-mixed 32-bit numbers for one text. */
function hash(text: string): () => number {
  let state = 0x9e3779b9 ^ text.length;
  for (let at = 0; at < text.length; at++) {
    state = Math.imul(state ^ text.charCodeAt(at), 0xcc9e2d51);
    state = (state << 15) | (state >>> 17);
  }
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return mixed ^ (mixed >>> 16);
  };
}
