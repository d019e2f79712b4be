/**
 * Reads values of JSON straight from their bytes, as codes. It gives up on everything that it does not know to be valid
 * and plain: escapes, bytes beyond ASCII, spaces in odd places, whole numbers that no double holds.
 */

import { LEAST_LOOKED_AT, type Mark, markOf } from './marks.ts';
import { hashStep } from './short-texts.ts';
import { DEEPEST, FALSE, LONGEST_INTERNED, NULL, TRUE, type ValueCoder } from './values.ts';

/** Instead of a code: a list, an object or a long text, from `rangeFrom` to `rangeTo`. */
export const RANGE = 0x7fffffff;
/** Instead of a code: not plain, or not JSON. */
export const BAD = 0x7ffffffe;

export const SPACE = 0x20;
const QUOTE = 0x22;
export const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const BACKSLASH = 0x5c;
export const [BEGIN_LIST, END_LIST, BEGIN_OBJECT, END_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d] as const;
export const NULL_MARK = markOf('null');
const [TRUE_MARK, FALSE_MARK] = [markOf('true'), markOf('false')];

/** Of a whole number that any double holds. */
const SHORT_DIGITS = 15;

const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57;

export const isNumber = (number: number): boolean => !Number.isNaN(number);

/** Whether it is a number, and not a whole one that was perhaps rounded. */
const isExact = (number: number): boolean =>
  isNumber(number) && (Number.isSafeInteger(number) || !Number.isInteger(number));

export class ValueScanner {
  /** Where the last value that was a `RANGE` stands. */
  protected rangeFrom = 0;
  protected rangeTo = 0;
  protected bytes: Buffer = Buffer.alloc(0);
  /** Where reading is. */
  protected at = 0;
  readonly #coder: ValueCoder;
  #view = new DataView(this.bytes.buffer);
  /** Where the bytes begin in the view. */
  #base = 0;

  constructor(coder: ValueCoder) {
    this.#coder = coder;
  }

  /** Reads from these bytes from now on. */
  protected look(bytes: Buffer): void {
    if (bytes === this.bytes) return;
    this.bytes = bytes;
    if (bytes.buffer !== this.#view.buffer) this.#view = new DataView(bytes.buffer);
    this.#base = bytes.byteOffset;
  }

  /** After a value: 0 if another follows, 1 if the object or list ends here, −1 if it is neither. */
  protected separator(end: number): number {
    const bytes = this.bytes;
    let at = this.at;
    while (bytes[at] === SPACE) at++;
    const byte = bytes[at++];
    if (byte === COMMA) while (bytes[at] === SPACE) at++;
    this.at = at;
    return byte === COMMA ? 0 : byte === end ? 1 : -1;
  }

  /** Passes what is expected, if it is here. */
  protected passes(mark: Mark): boolean {
    if (!this.holds(mark, this.at)) return false;
    this.at += mark.length;
    return true;
  }

  /** Whether a mark is there; false too if the bytes end close behind it. */
  protected holds({ eights, words, length }: Mark, at: number): boolean {
    if (at + length > this.bytes.length || at + LEAST_LOOKED_AT > this.bytes.length) return false;
    const view = this.#view;
    const begin = this.#base + at;
    const last = eights.length - 1;
    if (last < 0)
      return (
        (view.getInt32(begin, true) & (words[1] as number)) === words[0] &&
        (view.getInt32(begin + 4, true) & (words[3] as number)) === words[2]
      );
    for (let place = 0; place < last; place++)
      if (view.getFloat64(begin + 8 * place, true) !== eights[place]) return false;
    return view.getFloat64(begin + length - 8, true) === eights[last];
  }

  protected otherName(): boolean {
    return this.bytes[this.at] === QUOTE && this.#passesText() && this.bytes[this.at++] === 0x3a;
  }

  /** The value here as a code, `RANGE` or `BAD`. */
  protected code(): number {
    const bytes = this.bytes;
    const from = this.at;
    const first = bytes[from] as number;
    if (isDigit(first)) {
      let at = from + 1;
      let number = first - 48;
      for (let byte = bytes[at] as number; isDigit(byte); byte = bytes[++at] as number)
        number = number * 10 + byte - 48;
      const after = bytes[at] as number;
      this.at = at;
      if (at - from <= 9 && after !== DOT && (after | 0x20) !== 0x65 && (first !== 48 || at - from === 1))
        return number;
    }
    switch (first) {
      case QUOTE:
        return this.text();
      case BEGIN_LIST:
      case BEGIN_OBJECT:
        // One less than is allowed: the object around it may count too.
        if (!this.#passesValue(DEEPEST - 1)) return BAD;
        this.rangeFrom = from;
        this.rangeTo = this.at;
        return RANGE;
      case 0x6e:
        return this.passes(NULL_MARK) ? NULL : BAD;
      case 0x74:
        return this.passes(TRUE_MARK) ? TRUE : BAD;
      case 0x66:
        return this.passes(FALSE_MARK) ? FALSE : BAD;
      default: {
        this.at = from;
        const number = this.number();
        return isExact(number) ? this.#coder.codeOfNumber(number) : BAD;
      }
    }
  }

  /** The text here as a code; a `RANGE` if it is long, `BAD` if it is none or not plain. */
  protected text(): number {
    const bytes = this.bytes;
    const from = this.at + 1;
    if (bytes[from - 1] !== QUOTE) return BAD;
    let hash = 0;
    let at = from;
    for (let byte = bytes[at] as number; byte !== QUOTE; byte = bytes[++at] as number) {
      if (byte < SPACE || byte >= 0x80 || byte === BACKSLASH) return BAD;
      hash = hashStep(hash, byte);
    }
    this.at = at + 1;
    if (at - from <= LONGEST_INTERNED) return this.#coder.codeOfBytes(bytes, from, at, hash);
    this.rangeFrom = from - 1;
    this.rangeTo = at + 1;
    return RANGE;
  }

  /** The number here; `NaN` if there is none. */
  protected number(): number {
    const bytes = this.bytes;
    const from = this.at;
    let at = bytes[from] === MINUS ? from + 1 : from;
    const begin = at;
    let number = 0;
    for (let byte = bytes[at] as number; isDigit(byte); byte = bytes[++at] as number) number = number * 10 + byte - 48;
    if (at === begin || (bytes[begin] === 48 && at > begin + 1)) return Number.NaN;
    const after = bytes[at] as number;
    if (at - begin <= 15 && after !== DOT && (after | 0x20) !== 0x65) {
      this.at = at;
      return begin === from ? number : -number;
    }
    if (after === DOT) {
      const fraction = at + 1;
      for (at = fraction; isDigit(bytes[at] as number); at++);
      if (at === fraction) return Number.NaN;
    }
    if (((bytes[at] as number) | 0x20) === 0x65) {
      at++;
      if (bytes[at] === MINUS || bytes[at] === 0x2b) at++;
      const exponent = at;
      for (; isDigit(bytes[at] as number); at++);
      if (at === exponent) return Number.NaN;
    }
    this.at = at;
    return Number(bytes.toString('latin1', from, at));
  }

  /** Passes a plain and valid value. */
  #passesValue(depth: number): boolean {
    const bytes = this.bytes;
    const first = bytes[this.at] as number;
    if (isDigit(first) || first === MINUS) return isExact(this.number());
    switch (first) {
      case QUOTE:
        return this.#passesText();
      case BEGIN_LIST:
        return depth > 0 && this.#passesItems(END_LIST, depth);
      case BEGIN_OBJECT:
        return depth > 0 && this.#passesItems(END_OBJECT, depth);
      case 0x6e:
        return this.passes(NULL_MARK);
      case 0x74:
        return this.passes(TRUE_MARK);
      case 0x66:
        return this.passes(FALSE_MARK);
      default:
        return false;
    }
  }

  /** Of a list or an object that begins here. What they hold most, short whole numbers, it passes itself. */
  #passesItems(end: number, depth: number): boolean {
    const bytes = this.bytes;
    let at = this.at + 1;
    if (bytes[at] === end) {
      this.at = at + 1;
      return true;
    }
    for (;;) {
      if (end === END_OBJECT) {
        this.at = at;
        if (!this.otherName()) return false;
        at = bytes[this.at] === SPACE ? this.at + 1 : this.at;
      }
      const begin = at;
      let byte = bytes[at] as number;
      for (; byte >= 48 && byte <= 57; byte = bytes[++at] as number);
      const digits = at - begin;
      const isShort = digits > 0 && digits <= SHORT_DIGITS && (digits === 1 || bytes[begin] !== 48);
      if (!isShort || (byte !== COMMA && byte !== end)) {
        this.at = begin;
        if (!this.#passesValue(depth - 1)) return false;
        at = this.at;
      }
      if (bytes[at] === COMMA && bytes[at + 1] !== SPACE) {
        at++;
        continue;
      }
      this.at = at;
      const ended = this.separator(end);
      if (ended !== 0) return ended > 0;
      at = this.at;
    }
  }

  /** Passes the plain text whose quote is here. */
  #passesText(): boolean {
    const bytes = this.bytes;
    let at = this.at + 1;
    for (let byte = bytes[at] as number; byte !== QUOTE; byte = bytes[++at] as number)
      if (byte < SPACE || byte >= 0x80 || byte === BACKSLASH) return false;
    this.at = at + 1;
    return true;
  }
}
