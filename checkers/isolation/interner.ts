/** Gives keys and values of any JSON type small numbers: whole numbers directly, everything else by its text. */

import type { Json } from '../../rig/contract.ts';

/** Whole numbers below this, either way, are their own code. */
const DIRECT = 2 ** 30;

/** No value has this code. */
export const NO_CODE = -(2 ** 31);

/** Codes that no value has either: of a row that is there, whichever it is, and of what is left where one was deleted. */
export const PRESENT_CODE = -1;
export const TOMBSTONE_CODE = -3;

/** Codes of values: equal codes for equal JSON. Small whole numbers are even, everything else is odd. */
export class ValueCodes {
  readonly #codes = new Map<number | string, number>();
  readonly #values: Json[] = [];

  codeOf(value: Json): number {
    if (typeof value === 'number' && value === (value | 0) && value < DIRECT && value > -DIRECT) return value * 2;
    const name = typeof value === 'number' ? value : JSON.stringify(value);
    let code = this.#codes.get(name);
    if (code === undefined) {
      code = 2 * this.#values.length + 1;
      this.#codes.set(name, code);
      this.#values.push(value);
    }
    return code;
  }

  valueOf(code: number): Json {
    return code & 1 ? (this.#values[code >> 1] as Json) : code >> 1;
  }
}

/** Keys numbered from 0 in order of first sight. */
export class Keys {
  readonly values: Json[] = [];
  readonly #large = new Map<number, number>();
  /** By code, where that is a small number: one more than the number of the key. */
  #small = new Int32Array(1024);

  /** `codes` gave the key its code, and still knows it. */
  numberOf(code: number, codes: ValueCodes): number {
    if (code >= 0 && code < MOST_SMALL) {
      if (code >= this.#small.length) this.#grow(code);
      const found = this.#small[code] as number;
      if (found > 0) return found - 1;
      return (this.#small[code] = this.values.push(codes.valueOf(code))) - 1;
    }
    let number = this.#large.get(code);
    if (number === undefined) {
      number = this.values.push(codes.valueOf(code)) - 1;
      this.#large.set(code, number);
    }
    return number;
  }

  #grow(code: number): void {
    let length = this.#small.length;
    while (length <= code) length *= 2;
    const grown = new Int32Array(Math.min(length, MOST_SMALL));
    grown.set(this.#small);
    this.#small = grown;
  }
}

const MOST_SMALL = 2 ** 22;
