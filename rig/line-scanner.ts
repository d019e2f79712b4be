/**
 * Reads one line of JSON straight from its bytes: the lines that our journal and Jepsen's generators write, with their
 * fields in any order. It gives up on every line it does not know to be valid and plain (escapes, bytes beyond
 * ASCII, names twice), which the caller then hands to `JSON.parse`; so it decides nothing, it only saves time.
 */

import { FIELD } from './line-fields.ts';
import { type Mark, markOf } from './marks.ts';
import { hashStep } from './short-texts.ts';
import { ABSENT, DEEPEST, FALSE, LONGEST_INTERNED, NULL, TRUE, type ValueCoder, WHOLE } from './values.ts';

const OTHER_FIELD = 14;

const NAMES = Object.keys(FIELD).map((name) => markOf(`"${name}":`));

/** Arguments of the common forms of an input, in the order in which they stand. */
const ARGUMENTS = ['f', 'key', 'value', 'from', 'to'].map((name) => markOf(`"${name}":`));
const [F, KEY, VALUE, TO] = [0, 1, 2, 4] as const;
const OTHER_ARGUMENT = 5;

/** Instead of a code: a list, an object or a long text, from `rangeFrom` to `rangeTo`. */
export const RANGE = 0x7fffffff;
/** Instead of a code: not plain, or not JSON. */
export const BAD = 0x7ffffffe;

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const BACKSLASH = 0x5c;
const [BEGIN_LIST, END_LIST, BEGIN_OBJECT, END_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d] as const;
const [NULL_MARK, TRUE_MARK, FALSE_MARK] = [markOf('null'), markOf('true'), markOf('false')];
const [INVOKE_MARK, OK_MARK] = [markOf('"invoke"'), markOf('"ok"')];
const [FAIL_MARK, INFO_MARK] = [markOf('"fail"'), markOf('"info"')];

const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57;

export class LineScanner {
  /** Which fields were there: bit `FIELD[name]`. */
  has = 0;
  index = 0;
  /** Of `timeNs` or `time`. */
  timeNs = 0;
  dueNs = 0;
  process = 0;
  /** Codes of texts. */
  type = ABSENT;
  node = ABSENT;
  error = ABSENT;
  detail = ABSENT;
  f = ABSENT;
  /** Codes; `value` and `output` may be a `RANGE`. `to` is `WHOLE` if the input has no common form. */
  key = ABSENT;
  value = ABSENT;
  to = ABSENT;
  output = ABSENT;
  pairFirst = ABSENT;
  pairSecond = ABSENT;
  valueFrom = 0;
  valueTo = 0;
  outputFrom = 0;
  outputTo = 0;
  /** Where the last value that was a `RANGE` stands. */
  rangeFrom = 0;
  rangeTo = 0;
  /** The codes of the types of events. */
  readonly types: { readonly [type in 'invoke' | 'ok' | 'fail' | 'info']: number };
  readonly #coder: ValueCoder;
  #bytes: Buffer = Buffer.alloc(0);
  #view = new DataView(this.#bytes.buffer);
  /** Where the bytes begin in the view. */
  #base = 0;
  #at = 0;
  /** By field, the one that came after it in the line before. */
  readonly #after = new Uint8Array(OTHER_FIELD + 1);
  readonly #afterArgument = Uint8Array.of(KEY, VALUE, 0, TO, 0, 0);

  constructor(coder: ValueCoder) {
    this.#coder = coder;
    const code = (text: string) => coder.codeOfText(text);
    this.types = { invoke: code('invoke'), ok: code('ok'), fail: code('fail'), info: code('info') };
  }

  /** Reads the line at `from`, which ends with a newline; returns where the next begins, −1 if it is not plain. */
  scan(bytes: Buffer, from: number): number {
    if (bytes !== this.#bytes) this.#look(bytes);
    this.#at = from + 1;
    this.has = 0;
    this.key = ABSENT;
    this.value = ABSENT;
    this.to = ABSENT;
    if (bytes[from] !== BEGIN_OBJECT) return -1;
    let last = OTHER_FIELD;
    for (;;) {
      const field = this.#field(NAMES, this.#after[last] as number);
      if (field < 0 || (field !== OTHER_FIELD && (this.has & (1 << field)) !== 0)) return -1;
      this.#after[last] = field;
      last = field;
      this.has |= 1 << field;
      if (!this.#read(field)) return -1;
      const ended = this.#separator(END_OBJECT);
      if (ended < 0) return -1;
      if (ended === 0) continue;
      if (bytes[this.#at] === 13) this.#at++;
      return bytes[this.#at] === 10 ? this.#at + 1 : -1;
    }
  }

  #look(bytes: Buffer): void {
    this.#bytes = bytes;
    if (bytes.buffer !== this.#view.buffer) this.#view = new DataView(bytes.buffer);
    this.#base = bytes.byteOffset;
  }

  /** Reads the list at `from` as a pair of codes, `pairFirst` and `pairSecond`; false if it is anything else. */
  pair(bytes: Buffer, from: number): boolean {
    if (bytes !== this.#bytes) this.#look(bytes);
    this.#at = from + 1;
    if (bytes[from] !== BEGIN_LIST || bytes[this.#at] === END_LIST) return false;
    this.pairFirst = this.#code();
    if (this.#separator(END_LIST) !== 0) return false;
    this.pairSecond = this.#code();
    return this.#separator(END_LIST) === 1 && this.pairFirst < BAD && this.pairSecond < BAD;
  }

  #read(field: number): boolean {
    switch (field) {
      case FIELD.index:
        return isNumber((this.index = this.#number()));
      case FIELD.timeNs:
      case FIELD.time:
        return isNumber((this.timeNs = this.#number()));
      case FIELD.dueNs:
        return isNumber((this.dueNs = this.#number()));
      case FIELD.process:
        return isNumber((this.process = this.#number()));
      case FIELD.type:
        return (this.type = this.#type()) < BAD;
      case FIELD.node:
        return (this.node = this.#text()) < BAD;
      case FIELD.error:
        return (this.error = this.#text()) < BAD;
      case FIELD.detail:
        return (this.detail = this.#text()) < BAD;
      case FIELD.f:
        return (this.f = this.#text()) < BAD;
      case FIELD.key:
        return (this.key = this.#code()) < BAD;
      case FIELD.input:
        return this.#input();
      case FIELD.value:
        this.value = this.#code();
        this.valueFrom = this.rangeFrom;
        this.valueTo = this.rangeTo;
        return this.value !== BAD;
      case FIELD.output:
        this.output = this.#code();
        this.outputFrom = this.rangeFrom;
        this.outputTo = this.rangeTo;
        return this.output !== BAD;
      default:
        return this.#code() !== BAD;
    }
  }

  /** `{"f":…,"key":…,"value":…}` or `{"f":…,"key":…,"from":…,"to":…}` as codes; any other as a whole. */
  #input(): boolean {
    const begin = this.#at++;
    if (this.#bytes[begin] !== BEGIN_OBJECT) return false;
    let seen = 0;
    let isCommon = true;
    for (let ended = 0, last = OTHER_ARGUMENT; ended === 0; ) {
      const argument = this.#field(ARGUMENTS, this.#afterArgument[last] as number);
      if (argument < 0 || (argument !== OTHER_ARGUMENT && (seen & (1 << argument)) !== 0)) return false;
      this.#afterArgument[last] = argument;
      last = argument;
      // In any other order they would be given back in another order than they came in.
      if (seen >> argument !== 0) isCommon = false;
      seen |= 1 << argument;
      const code = argument === F ? this.#text() : this.#code();
      if (code === BAD) return false;
      if (argument === F) this.f = code;
      else if (argument === KEY) this.key = code;
      else if (argument === TO) this.to = code;
      else if (argument !== OTHER_ARGUMENT) {
        this.value = code;
        this.valueFrom = this.rangeFrom;
        this.valueTo = this.rangeTo;
      }
      ended = this.#separator(END_OBJECT);
      if (ended < 0) return false;
    }
    if ((seen & 1) === 0 || this.f >= BAD || this.key >= BAD) return false;
    if (isCommon && (seen === 1 || seen === 3 || seen === 5 || seen === 7)) return true;
    if (isCommon && (seen === 25 || seen === 27)) return this.value < BAD && this.to < BAD;
    this.value = RANGE;
    this.to = WHOLE;
    this.valueFrom = begin;
    this.valueTo = this.#at;
    return true;
  }

  /** After a value: 0 if another follows, 1 if the object or list ends here, −1 if it is neither. */
  #separator(end: number): number {
    const bytes = this.#bytes;
    let at = this.#at;
    while (bytes[at] === SPACE) at++;
    const byte = bytes[at++];
    if (byte === COMMA) while (bytes[at] === SPACE) at++;
    this.#at = at;
    return byte === COMMA ? 0 : byte === end ? 1 : -1;
  }

  /** The field whose name is here; `names.length` if it is none of them, −1 if it is not plain. */
  #field(names: readonly Mark[], likely: number): number {
    let field = likely;
    if (likely >= names.length || !this.#passes(names[likely] as Mark)) {
      field = 0;
      while (field < names.length && !this.#passes(names[field] as Mark)) field++;
      if (field === names.length && !this.#otherName()) return -1;
    }
    while (this.#bytes[this.#at] === SPACE) this.#at++;
    return field;
  }

  /** Passes what is expected, if it is here. */
  #passes({ length, offsets, words }: Mark): boolean {
    const at = this.#at;
    if (at + length > this.#bytes.length) return false;
    const base = this.#base + at;
    for (let place = 0; place < words.length; place++)
      if (this.#view.getInt32(base + (offsets[place] as number), true) !== words[place]) return false;
    this.#at = at + length;
    return true;
  }

  #type(): number {
    if (this.#passes(INVOKE_MARK)) return this.types.invoke;
    if (this.#passes(OK_MARK)) return this.types.ok;
    if (this.#passes(FAIL_MARK)) return this.types.fail;
    return this.#passes(INFO_MARK) ? this.types.info : this.#text();
  }

  #otherName(): boolean {
    return this.#bytes[this.#at] === QUOTE && this.#passesText() && this.#bytes[this.#at++] === 0x3a;
  }

  /** The value here as a code, `RANGE` or `BAD`. */
  #code(): number {
    const bytes = this.#bytes;
    const from = this.#at;
    const first = bytes[from] as number;
    if (isDigit(first)) {
      let at = from + 1;
      let number = first - 48;
      for (let byte = bytes[at] as number; isDigit(byte); byte = bytes[++at] as number)
        number = number * 10 + byte - 48;
      const after = bytes[at] as number;
      this.#at = at;
      if (at - from <= 9 && after !== DOT && (after | 0x20) !== 0x65 && (first !== 48 || at - from === 1))
        return number;
    }
    switch (first) {
      case QUOTE:
        return this.#text();
      case BEGIN_LIST:
      case BEGIN_OBJECT:
        // One less than is allowed: the object around it may count too.
        if (!this.#passesValue(DEEPEST - 1)) return BAD;
        this.rangeFrom = from;
        this.rangeTo = this.#at;
        return RANGE;
      case 0x6e:
        return this.#passes(NULL_MARK) ? NULL : BAD;
      case 0x74:
        return this.#passes(TRUE_MARK) ? TRUE : BAD;
      case 0x66:
        return this.#passes(FALSE_MARK) ? FALSE : BAD;
      default: {
        this.#at = from;
        const number = this.#number();
        return isNumber(number) ? this.#coder.codeOfNumber(number) : BAD;
      }
    }
  }

  /** The text here as a code; a `RANGE` if it is long, `BAD` if it is none or not plain. */
  #text(): number {
    const bytes = this.#bytes;
    const from = this.#at + 1;
    if (bytes[from - 1] !== QUOTE) return BAD;
    let hash = 0;
    let at = from;
    for (let byte = bytes[at] as number; byte !== QUOTE; byte = bytes[++at] as number) {
      if (byte < SPACE || byte >= 0x80 || byte === BACKSLASH) return BAD;
      hash = hashStep(hash, byte);
    }
    this.#at = at + 1;
    if (at - from <= LONGEST_INTERNED) return this.#coder.codeOfBytes(bytes, from, at, hash);
    this.rangeFrom = from - 1;
    this.rangeTo = at + 1;
    return RANGE;
  }

  /** The number here; `NaN` if there is none. */
  #number(): number {
    const bytes = this.#bytes;
    const from = this.#at;
    let at = bytes[from] === MINUS ? from + 1 : from;
    const begin = at;
    let number = 0;
    for (let byte = bytes[at] as number; isDigit(byte); byte = bytes[++at] as number) number = number * 10 + byte - 48;
    if (at === begin || (bytes[begin] === 48 && at > begin + 1)) return Number.NaN;
    const after = bytes[at] as number;
    if (at - begin <= 15 && after !== DOT && (after | 0x20) !== 0x65) {
      this.#at = at;
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
    this.#at = at;
    return Number(bytes.toString('latin1', from, at));
  }

  /** Passes a plain and valid value. */
  #passesValue(depth: number): boolean {
    const bytes = this.#bytes;
    const first = bytes[this.#at] as number;
    if (isDigit(first) || first === MINUS) return isNumber(this.#number());
    switch (first) {
      case QUOTE:
        return this.#passesText();
      case BEGIN_LIST:
        return depth > 0 && this.#passesItems(END_LIST, depth);
      case BEGIN_OBJECT:
        return depth > 0 && this.#passesItems(END_OBJECT, depth);
      case 0x6e:
        return this.#passes(NULL_MARK);
      case 0x74:
        return this.#passes(TRUE_MARK);
      case 0x66:
        return this.#passes(FALSE_MARK);
      default:
        return false;
    }
  }

  #passesItems(end: number, depth: number): boolean {
    const bytes = this.#bytes;
    this.#at++;
    if (bytes[this.#at] === end) {
      this.#at++;
      return true;
    }
    for (;;) {
      if (end === END_OBJECT) {
        if (!this.#otherName()) return false;
        if (bytes[this.#at] === SPACE) this.#at++;
      }
      if (!this.#passesValue(depth - 1)) return false;
      const ended = this.#separator(end);
      if (ended !== 0) return ended > 0;
    }
  }

  /** Passes the plain text whose quote is here. */
  #passesText(): boolean {
    const bytes = this.#bytes;
    let at = this.#at + 1;
    for (let byte = bytes[at] as number; byte !== QUOTE; byte = bytes[++at] as number)
      if (byte < SPACE || byte >= 0x80 || byte === BACKSLASH) return false;
    this.#at = at + 1;
    return true;
  }
}

const isNumber = (number: number): boolean => !Number.isNaN(number);
