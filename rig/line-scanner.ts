/**
 * Reads one line of JSON straight from its bytes: the lines that our journal and Jepsen's generators write, with their
 * fields in any order, sooner where a line before it had the same. It gives up on every line it does not know to be
 * valid and plain (escapes, bytes beyond ASCII, names twice), which the caller then hands to `JSON.parse`; so it
 * decides nothing, it only saves time.
 */

import { FIELD, LAST_NUMBER } from './line-fields.ts';
import { ELSEWHERE, type Ending, type Form, LineShapes, NO_SLOT, OTHER_FORM, PLAIN, SWAP } from './line-shapes.ts';
import { type Mark, markOf } from './marks.ts';
import {
  BAD,
  BEGIN_LIST,
  BEGIN_OBJECT,
  COMMA,
  END_LIST,
  END_OBJECT,
  isNumber,
  NULL_MARK,
  RANGE,
  SPACE,
  ValueScanner,
} from './value-scanner.ts';
import { ABSENT, NULL, type ValueCoder, WHOLE } from './values.ts';

const NAMES = Object.keys(FIELD).map((name) => markOf(`"${name}":`));
/** Beside the fields: a field of another name, and the last argument of a swap. */
const [OTHER_FIELD, TO] = [NAMES.length, NAMES.length + 1] as const;

/** Arguments of the common forms of an input, in the order in which they stand, and where they are put. */
const ARGUMENTS = ['f', 'key', 'value', 'from', 'to'].map((name) => markOf(`"${name}":`));
const PLACES = [FIELD.f, FIELD.key, FIELD.value, FIELD.value, TO, OTHER_FIELD] as const;
/** Which arguments the forms have, a bit for each: f, with key, with value; f with from and to, with key. */
const [PLAIN_FORMS, SWAP_FORMS]: readonly [readonly number[], readonly number[]] = [
  [0b00001, 0b00011, 0b00101, 0b00111],
  [0b11001, 0b11011],
];

/** Fields that hold one of a few texts, which belong to the shape of a line. */
const TEXTS: ReadonlySet<number> = new Set([FIELD.type, FIELD.node, FIELD.error, FIELD.f]);

const NULL_BEGIN = 0x6e;

/** The most digits of a whole number that is its own code, and of any that is exact. */
const [CODE_DIGITS, EXACT_DIGITS] = [9, 15] as const;

export class LineScanner extends ValueScanner {
  /** Which fields were there: bit `FIELD[name]`. */
  has = 0;
  /** Codes of texts. */
  type = ABSENT;
  node = ABSENT;
  error = ABSENT;
  f = ABSENT;
  pairFirst = ABSENT;
  pairSecond = ABSENT;
  valueFrom = 0;
  valueTo = 0;
  outputFrom = 0;
  outputTo = 0;
  /** The codes of the types of events. */
  readonly types: { readonly [type in 'invoke' | 'ok' | 'fail' | 'info']: number };
  /** What was read last for each place: a number, or else a code. */
  readonly #found = new Float64Array(TO + 1);
  readonly #shapes = new LineShapes();
  #form: Form = PLAIN;
  #inputFrom = 0;
  #inputTo = 0;

  constructor(coder: ValueCoder) {
    super(coder);
    const code = (text: string) => coder.codeOfText(text);
    this.types = { invoke: code('invoke'), ok: code('ok'), fail: code('fail'), info: code('info') };
  }

  get index(): number {
    return this.#found[FIELD.index] as number;
  }

  get timeNs(): number {
    return this.#found[FIELD.timeNs] as number;
  }

  get dueNs(): number {
    return this.#found[FIELD.dueNs] as number;
  }

  get time(): number {
    return this.#found[FIELD.time] as number;
  }

  get process(): number {
    return this.#found[FIELD.process] as number;
  }

  /** The code of a text. */
  get detail(): number {
    return this.#found[FIELD.detail] as number;
  }

  /** A code; `ABSENT` if there is none, as those that follow. */
  get key(): number {
    return this.#found[FIELD.key] as number;
  }

  /** A code or a `RANGE`; `from` of a swap. */
  get value(): number {
    return this.#found[FIELD.value] as number;
  }

  /** A code; `WHOLE` if the input has no common form, and then the value is all of it. */
  get to(): number {
    return this.#found[TO] as number;
  }

  /** A code or a `RANGE`. */
  get output(): number {
    return this.#found[FIELD.output] as number;
  }

  /** Reads the line at `from`, which ends with a newline; returns where the next begins, −1 if it is not plain. */
  scan(bytes: Buffer, from: number): number {
    this.look(bytes);
    const next = this.#recall(from);
    return next < 0 ? this.#study(from) : next;
  }

  /** Reads a line of a shape that is known. What it reads most, short whole numbers and null, it reads itself. */
  #recall(from: number): number {
    const { bytes } = this;
    const found = this.#found;
    this.#begin(from);
    let step = this.#shapes.first;
    for (let at = from; step !== null; ) {
      if (!this.holds(step.mark, at)) {
        step = step.or;
        continue;
      }
      at += step.mark.length;
      if (step.inputBegins !== ELSEWHERE) this.#inputFrom = at + step.inputBegins;
      if (step.inputEnds !== ELSEWHERE) this.#inputTo = at + step.inputEnds;
      if (step.end !== null) return this.#ends(step.end) ? at : -1;
      const { slot } = step;
      step = step.next;
      if (slot === NO_SLOT) continue;
      const begin = at;
      let number = 0;
      let byte = bytes[at] as number;
      for (; byte >= 48 && byte <= 57; byte = bytes[++at] as number) number = number * 10 + byte - 48;
      const digits = at - begin;
      const isPlain = (byte === COMMA || byte === END_OBJECT) && digits > 0 && (bytes[begin] !== 48 || digits === 1);
      if (isPlain && digits <= (slot <= LAST_NUMBER ? EXACT_DIGITS : CODE_DIGITS)) found[slot] = number;
      else if (byte === NULL_BEGIN && slot >= FIELD.key && this.holds(NULL_MARK, begin)) {
        found[slot] = NULL;
        at = begin + NULL_MARK.length;
      } else {
        this.at = begin;
        if (!this.#read(slot)) return -1;
        at = this.at;
      }
    }
    return -1;
  }

  #begin(at: number): void {
    this.at = at;
    this.#found[FIELD.key] = ABSENT;
    this.#found[FIELD.value] = ABSENT;
    this.#found[TO] = ABSENT;
  }

  /** Whether the line is taken. */
  #ends({ has, type, node, error, f, form }: Ending): boolean {
    this.has = has;
    this.type = type;
    this.node = node;
    this.error = error;
    this.f = f;
    return this.#isInput(form);
  }

  /** Of an input from `inputFrom` to `inputTo`. */
  #isInput(form: Form): boolean {
    if (form === PLAIN) return true;
    if (form === SWAP) return this.value < BAD && this.to < BAD;
    this.#found[FIELD.value] = RANGE;
    this.#found[TO] = WHOLE;
    this.valueFrom = this.#inputFrom;
    this.valueTo = this.#inputTo;
    return true;
  }

  /** Reads a line field by field, and learns its shape. */
  #study(from: number): number {
    const bytes = this.bytes;
    this.#begin(from + 1);
    this.has = 0;
    this.#form = PLAIN;
    if (bytes[from] !== BEGIN_OBJECT) return -1;
    this.#shapes.begin();
    for (let ended = 0; ended === 0; ) {
      const field = this.#field(NAMES);
      if (field < 0 || (field !== OTHER_FIELD && (this.has & (1 << field)) !== 0)) return -1;
      this.has |= 1 << field;
      const begin = this.at;
      if (!this.#read(field)) return -1;
      if (TEXTS.has(field)) this.#shapes.step(this.at, NO_SLOT, this.at);
      else if (field !== FIELD.input) this.#shapes.step(begin, field, this.at);
      ended = this.separator(END_OBJECT);
      if (ended < 0) return -1;
    }
    if (bytes[this.at] === 13) this.at++;
    if (bytes[this.at] !== 10) return -1;
    const { has, type, node, error, f } = this;
    this.#shapes.learn(bytes, from, ++this.at, { has, type, node, error, f, form: this.#form });
    return this.at;
  }

  /** Reads the list at `from` as a pair of codes, `pairFirst` and `pairSecond`; false if it is anything else. */
  pair(bytes: Buffer, from: number): boolean {
    this.look(bytes);
    this.at = from + 1;
    if (bytes[from] !== BEGIN_LIST || bytes[this.at] === END_LIST) return false;
    this.pairFirst = this.code();
    if (this.separator(END_LIST) !== 0) return false;
    this.pairSecond = this.code();
    return this.separator(END_LIST) === 1 && this.pairFirst < BAD && this.pairSecond < BAD;
  }

  /** Reads what stands at a place; false if it is not plain. */
  #read(place: number): boolean {
    if (place <= LAST_NUMBER) return isNumber((this.#found[place] = this.number()));
    switch (place) {
      case FIELD.type:
        return (this.type = this.text()) < BAD;
      case FIELD.node:
        return (this.node = this.text()) < BAD;
      case FIELD.error:
        return (this.error = this.text()) < BAD;
      case FIELD.f:
        return (this.f = this.text()) < BAD;
      case FIELD.detail:
        return (this.#found[place] = this.text()) < BAD;
      case FIELD.key:
        return (this.#found[place] = this.code()) < BAD;
      case FIELD.value:
        this.#found[place] = this.code();
        this.valueFrom = this.rangeFrom;
        this.valueTo = this.rangeTo;
        return this.value !== BAD;
      case FIELD.output:
        this.#found[place] = this.code();
        this.outputFrom = this.rangeFrom;
        this.outputTo = this.rangeTo;
        return this.output !== BAD;
      case FIELD.input:
        return this.#input();
      default:
        return (this.#found[place] = this.code()) !== BAD;
    }
  }

  /** `{"f":…,"key":…,"value":…}` or `{"f":…,"key":…,"from":…,"to":…}` as codes; any other as a whole. */
  #input(): boolean {
    this.#inputFrom = this.at++;
    if (this.bytes[this.#inputFrom] !== BEGIN_OBJECT) return false;
    let seen = 0;
    let isOrdered = true;
    for (let ended = 0; ended === 0; ) {
      const argument = this.#field(ARGUMENTS);
      if (argument < 0 || (argument < ARGUMENTS.length && (seen & (1 << argument)) !== 0)) return false;
      // In any other order they would be given back in another order than they came in.
      if (seen >> argument !== 0) isOrdered = false;
      seen |= 1 << argument;
      const place = PLACES[argument] as number;
      const begin = this.at;
      if (!this.#read(place)) return false;
      if (place === FIELD.f) this.#shapes.step(this.at, NO_SLOT, this.at);
      else this.#shapes.step(begin, place, this.at);
      ended = this.separator(END_OBJECT);
      if (ended < 0) return false;
    }
    this.#inputTo = this.at;
    this.#shapes.input(this.#inputFrom, this.at);
    if ((seen & 1) === 0) return false;
    this.#form = OTHER_FORM;
    if (isOrdered && PLAIN_FORMS.includes(seen)) this.#form = PLAIN;
    if (isOrdered && SWAP_FORMS.includes(seen)) this.#form = SWAP;
    return this.#isInput(this.#form);
  }

  /** The field whose name is here; `names.length` if it is none of them, −1 if it is not plain. */
  #field(names: readonly Mark[]): number {
    let field = 0;
    while (field < names.length && !this.passes(names[field] as Mark)) field++;
    if (field === names.length && !this.otherName()) return -1;
    while (this.bytes[this.at] === SPACE) this.at++;
    return field;
  }
}
