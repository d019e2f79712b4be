/**
 * Walks the micro-operations of a transaction in its JSON text, without making values of it: whole numbers are read
 * as they stand, known names are recognised by their bytes, and only what is neither is parsed.
 */

import type { Json } from '../../rig/contract.ts';
import { microFunction } from '../vocabulary.ts';
import { NO_CODE, type ValueCodes } from './interner.ts';
import { twice } from './twice.ts';

const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;
const OPEN = 91;
const BACKSLASH = 92;
const CLOSE = 93;
const LETTER_N = 110;
const LETTER_R = 114;
const BRACE = 123;
const CLOSE_BRACE = 125;

/** Digits of a number that certainly is its own code. */
const MOST_DIGITS = 9;
const LONGEST_NAME = 32;
const NAMES = 1024;

/** What `next` found. */
export const END = 0;
export const MICRO = 1;
export const MALFORMED = 2;

/** Walks the micro-operations of one transaction after the other. */
export interface TransactionReader {
  readonly isRead: boolean;
  /** Of a write, whether it may have come to nothing though its transaction happened. */
  readonly isConditional: boolean;
  /** The key's code. */
  readonly key: number;
  /** The value's code; `NO_CODE` for `null`. Nothing is said here of a list that was read. */
  readonly value: number;
  /** Elements of the list that was read, as codes, and how many there are; −1 if it was no list. */
  readonly list: Int32Array;
  readonly length: number;
  /** Begins with the text at `from`, one line of valid JSON; false if it is no list. `isKnown`: results are in it. */
  begin(bytes: Buffer, from: number, isKnown: boolean): boolean;
  /** Goes on to the next micro-operation. */
  next(): number;
}

export class TransactionCursor implements TransactionReader {
  isRead = false;
  readonly isConditional = false;
  key = 0;
  value = NO_CODE;
  list = new Int32Array(64);
  length = -1;
  readonly #codes: ValueCodes;
  readonly #write: string;
  readonly #writeName: Uint8Array;
  readonly #readsLists: boolean;
  readonly #names: (string | undefined)[] = [];
  readonly #nameCodes = new Int32Array(NAMES);
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(codes: ValueCodes, writeName: string, readsLists: boolean) {
    this.#codes = codes;
    this.#write = writeName;
    this.#writeName = Buffer.from(`"${writeName}"`);
    this.#readsLists = readsLists;
  }

  begin(bytes: Buffer, from: number): boolean {
    this.#bytes = bytes;
    this.#at = from;
    return this.#take(OPEN);
  }

  next(): number {
    if (this.#take(CLOSE)) return END;
    this.#take(COMMA);
    if (!this.#take(OPEN) || !this.#takeFunction() || !this.#take(COMMA)) return MALFORMED;
    this.key = this.#plain();
    this.length = -1;
    this.value = NO_CODE;
    // A read may be asked for without a value.
    if (this.isRead && this.#take(CLOSE)) return MICRO;
    if (!this.#take(COMMA)) return MALFORMED;
    this.#skipSpaces();
    const first = this.#bytes[this.#at];
    if (first === LETTER_N) {
      this.#at += 4;
      this.value = NO_CODE;
    } else if (first === OPEN && this.isRead && this.#readsLists) this.#takeList();
    else this.value = this.#plain();
    return this.#take(CLOSE) ? MICRO : MALFORMED;
  }

  #skipSpaces(): void {
    while ((this.#bytes[this.#at] as number) <= 32) this.#at++;
  }

  #take(byte: number): boolean {
    const bytes = this.#bytes;
    if (bytes[this.#at] !== byte) {
      this.#skipSpaces();
      if (bytes[this.#at] !== byte) return false;
    }
    this.#at++;
    return true;
  }

  #takeFunction(): boolean {
    this.#skipSpaces();
    const bytes = this.#bytes;
    const at = this.#at;
    this.isRead = bytes[at] === QUOTE && bytes[at + 1] === LETTER_R && bytes[at + 2] === QUOTE;
    if (this.isRead) {
      this.#at += 3;
      return true;
    }
    const name = this.#writeName;
    for (let offset = 0; offset < name.length; offset++)
      if (bytes[at + offset] !== name[offset]) return this.#takeOtherName();
    this.#at += name.length;
    return true;
  }

  /** A function by one of its other names. */
  #takeOtherName(): boolean {
    if (this.#bytes[this.#at] !== QUOTE) return false;
    const end = endOfValue(this.#bytes, this.#at);
    const own = microFunction(JSON.parse(this.#bytes.toString('utf8', this.#at, end)) as Json);
    this.isRead = own === 'r';
    this.#at = end;
    return this.isRead || own === this.#write;
  }

  #takeList(): void {
    const bytes = this.#bytes;
    this.length = 0;
    this.#at++;
    while (!this.#take(CLOSE)) {
      this.#take(COMMA);
      // Small numbers without spaces, which is what most lists hold.
      let at = this.#at;
      let after = COMMA;
      while (after === COMMA) {
        const from = at;
        let number = 0;
        let byte = bytes[at] as number;
        while (byte >= ZERO && byte <= NINE) {
          number = number * 10 + byte - ZERO;
          byte = bytes[++at] as number;
        }
        if (at === from || at - from > MOST_DIGITS || (byte !== COMMA && byte !== CLOSE)) break;
        this.#push(2 * number);
        this.#at = at;
        after = byte;
        if (byte === COMMA) at++;
      }
      if (after === CLOSE) continue;
      this.#take(COMMA);
      this.#push(this.#plain());
    }
  }

  #push(code: number): void {
    const { list, length } = this;
    if (length === list.length) this.list = twice(list);
    this.list[length] = code;
    this.length = length + 1;
  }

  /** The code of any value. */
  #plain(): number {
    this.#skipSpaces();
    const bytes = this.#bytes;
    const from = this.#at;
    let at = from;
    let byte = bytes[at] as number;
    if (byte === QUOTE) return this.#name();
    if (byte === MINUS) byte = bytes[++at] as number;
    let number = 0;
    while (byte >= ZERO && byte <= NINE) {
      number = number * 10 + byte - ZERO;
      byte = bytes[++at] as number;
    }
    // A fraction or an exponent shows as what ends no number.
    const ends = byte === COMMA || byte === CLOSE || byte <= 32;
    if (at === from || at - from > MOST_DIGITS || !ends) return this.#other();
    this.#at = at;
    return 2 * (bytes[from] === MINUS ? -number : number);
  }

  /** The code of a text, which is remembered if it is short. */
  #name(): number {
    const bytes = this.#bytes;
    const from = this.#at;
    let at = from + 1;
    let hash = 0;
    for (let byte = bytes[at] as number; byte !== QUOTE; byte = bytes[++at] as number) {
      if (byte === BACKSLASH || byte >= 0x80 || at - from > LONGEST_NAME) return this.#other();
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    const place = (hash ^ (hash >>> 12)) & (NAMES - 1);
    const known = this.#names[place] ?? '';
    this.#at = at + 1;
    if (known.length === at - from - 1 && isAt(known, bytes, from + 1)) return this.#nameCodes[place] as number;
    const name = bytes.toString('latin1', from + 1, at);
    this.#names[place] = name;
    return (this.#nameCodes[place] = this.#codes.codeOf(name));
  }

  #other(): number {
    const from = this.#at;
    this.#at = endOfValue(this.#bytes, from);
    return this.#codes.codeOf(JSON.parse(this.#bytes.toString('utf8', from, this.#at)) as Json);
  }
}

function isAt(name: string, bytes: Buffer, from: number): boolean {
  for (let at = 0; at < name.length; at++) if (name.charCodeAt(at) !== bytes[from + at]) return false;
  return name.length > 0;
}

/** Where the JSON value that begins at `from` ends. */
export function endOfValue(bytes: Buffer, from: number): number {
  let depth = 0;
  let isText = false;
  for (let at = from; ; at++) {
    const byte = bytes[at] as number;
    if (isText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (byte === OPEN || byte === BRACE) depth++;
    else if (depth === 0 && (byte === COMMA || byte === CLOSE || byte === CLOSE_BRACE || byte === 10)) return at;
    else if (byte === CLOSE || byte === CLOSE_BRACE) depth--;
  }
}
