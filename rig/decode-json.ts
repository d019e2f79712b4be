/**
 * Decodes the JSON of a list straight from bytes, which for lists of lists, small numbers and short names takes a
 * fraction of what making a text and parsing that takes. Anything else it leaves to `JSON.parse`.
 */

import type { Json } from './contract.ts';

const NEWLINE = 10;
const QUOTE = 34;
const COMMA = 44;
const OPEN = 91;
const CLOSE = 93;
const NAMES = 256;
const LONGEST_NAME = 24;

/** The value that begins at `from` in bytes that hold valid JSON and, after it, a newline. */
export function decodeJson(bytes: Buffer, from: number): Json {
  if (bytes[from] === OPEN) {
    const decoder = new Decoder(bytes, from);
    const list = decoder.list();
    if (!decoder.isLost) return list;
  }
  return JSON.parse(bytes.toString('utf8', from, bytes.indexOf(NEWLINE, from))) as Json;
}

/** Names met lately, by their hash. */
const names: string[] = Array.from({ length: NAMES }, () => '');

class Decoder {
  /** It met something that it does not decode. */
  isLost = false;
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** The list whose bracket is here. */
  list(): Json[] {
    const bytes = this.#bytes;
    const list: Json[] = [];
    this.#at++;
    if (bytes[this.#at] === CLOSE) {
      this.#at++;
      return list;
    }
    while (!this.isLost) {
      list.push(this.#value());
      const after = bytes[this.#at++];
      if (after === CLOSE) return list;
      if (after !== COMMA) this.isLost = true;
      else if (bytes[this.#at] === 0x20) this.#at++;
    }
    return list;
  }

  #value(): Json {
    const bytes = this.#bytes;
    const first = bytes[this.#at] as number;
    if (first >= 48 && first <= 57) return this.#number();
    if (first === OPEN) return this.list();
    if (first === QUOTE) return this.#name();
    if (first === 110) {
      this.#at += 4;
      return null;
    }
    this.isLost = true;
    return null;
  }

  #number(): number {
    const bytes = this.#bytes;
    const from = this.#at;
    let at = from;
    let number = 0;
    let digit = (bytes[at] as number) - 48;
    while (digit >= 0 && digit <= 9) {
      number = number * 10 + digit;
      digit = (bytes[++at] as number) - 48;
    }
    // A fraction or an exponent shows as what is neither a comma nor a bracket.
    if (at - from > 15) this.isLost = true;
    this.#at = at;
    return number;
  }

  #name(): string {
    const bytes = this.#bytes;
    const from = this.#at + 1;
    let at = from;
    let hash = 0;
    for (let byte = bytes[at] as number; byte !== QUOTE; byte = bytes[++at] as number) {
      if (byte === 92 || byte >= 0x80 || at - from === LONGEST_NAME) {
        this.isLost = true;
        return '';
      }
      hash = (hash * 31 + byte) & (NAMES - 1);
    }
    this.#at = at + 1;
    const known = names[hash] as string;
    if (known.length === at - from && isAt(known, bytes, from)) return known;
    return (names[hash] = bytes.toString('latin1', from, at));
  }
}

function isAt(name: string, bytes: Buffer, from: number): boolean {
  for (let at = 0; at < name.length; at++) if (name.charCodeAt(at) !== bytes[from + at]) return false;
  return true;
}
