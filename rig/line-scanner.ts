/**
 * Reads one line of JSON straight from its bytes: the lines that our journal and Jepsen's generators write, with their
 * fields in any order, sooner where a line before it had the same. It gives up on every line it does not know to be
 * valid and plain (escapes, bytes beyond ASCII, names twice), which the caller then hands to `JSON.parse`; so it
 * decides nothing, it only saves time.
 */

import { FIELD } from './line-fields.ts';
import { ELSEWHERE, type Ending, LineShapes, NO_SLOT } from './line-shapes.ts';
import { type Mark, markOf } from './marks.ts';
import {
  BAD,
  BEGIN_LIST,
  BEGIN_OBJECT,
  END_LIST,
  END_OBJECT,
  isNumber,
  RANGE,
  SPACE,
  ValueScanner,
} from './value-scanner.ts';
import { ABSENT, type ValueCoder, WHOLE } from './values.ts';

/** What may stand behind a name beside the fields: the arguments of a swap, and what is of no interest. */
const [FROM_SLOT, TO_SLOT, OTHER_FIELD] = [15, 16, 14] as const;

const NAMES = Object.keys(FIELD).map((name) => markOf(`"${name}":`));

/** Arguments of the common forms of an input, in the order in which they stand. */
const ARGUMENTS = ['f', 'key', 'value', 'from', 'to'].map((name) => markOf(`"${name}":`));
const F = 0;
const SLOTS = [NO_SLOT, FIELD.key, FIELD.value, FROM_SLOT, TO_SLOT, OTHER_FIELD] as const;
const OTHER_ARGUMENT = 5;

/** Fields that hold one of a few texts, which belong to the shape of a line. */
const TEXTS: ReadonlySet<number> = new Set([FIELD.type, FIELD.node, FIELD.error, FIELD.f]);

export class LineScanner extends ValueScanner {
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
  /** The codes of the types of events. */
  readonly types: { readonly [type in 'invoke' | 'ok' | 'fail' | 'info']: number };
  readonly #shapes = new LineShapes();
  #inputFrom = 0;
  #inputTo = 0;

  constructor(coder: ValueCoder) {
    super(coder);
    const code = (text: string) => coder.codeOfText(text);
    this.types = { invoke: code('invoke'), ok: code('ok'), fail: code('fail'), info: code('info') };
  }

  /** Reads the line at `from`, which ends with a newline; returns where the next begins, −1 if it is not plain. */
  scan(bytes: Buffer, from: number): number {
    this.look(bytes);
    const next = this.#recall(from);
    return next < 0 ? this.#study(from) : next;
  }

  /** Reads a line of a shape that is known. */
  #recall(from: number): number {
    this.#begin(from);
    let step = this.#shapes.first;
    while (step !== null) {
      if (!this.passes(step.mark)) {
        step = step.or;
        continue;
      }
      if (step.inputBegins !== ELSEWHERE) this.#inputFrom = this.at + step.inputBegins;
      if (step.inputEnds !== ELSEWHERE) this.#inputTo = this.at + step.inputEnds;
      if (step.end !== null) {
        this.#ends(step.end);
        return this.at;
      }
      if (step.slot !== NO_SLOT && !this.#read(step.slot)) return -1;
      step = step.next;
    }
    return -1;
  }

  #begin(at: number): void {
    this.at = at;
    this.key = ABSENT;
    this.value = ABSENT;
    this.to = ABSENT;
  }

  #ends({ has, type, node, error, f, isWhole }: Ending): void {
    this.has = has;
    this.type = type;
    this.node = node;
    this.error = error;
    this.f = f;
    if (!isWhole) return;
    this.value = RANGE;
    this.to = WHOLE;
    this.valueFrom = this.#inputFrom;
    this.valueTo = this.#inputTo;
  }

  /** Reads a line field by field, and learns its shape. */
  #study(from: number): number {
    const bytes = this.bytes;
    this.#begin(from + 1);
    this.has = 0;
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
    const isWhole = (has & (1 << FIELD.input)) !== 0 && this.to === WHOLE;
    this.#shapes.learn(bytes, from, ++this.at, { has, type, node, error, f, isWhole });
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

  #read(field: number): boolean {
    switch (field) {
      case FIELD.index:
        return isNumber((this.index = this.number()));
      case FIELD.timeNs:
      case FIELD.time:
        return isNumber((this.timeNs = this.number()));
      case FIELD.dueNs:
        return isNumber((this.dueNs = this.number()));
      case FIELD.process:
        return isNumber((this.process = this.number()));
      case FIELD.type:
        return (this.type = this.text()) < BAD;
      case FIELD.node:
        return (this.node = this.text()) < BAD;
      case FIELD.error:
        return (this.error = this.text()) < BAD;
      case FIELD.detail:
        return (this.detail = this.text()) < BAD;
      case FIELD.f:
        return (this.f = this.text()) < BAD;
      case FIELD.key:
        return (this.key = this.code()) < BAD;
      case FROM_SLOT:
        return (this.value = this.code()) < BAD;
      case TO_SLOT:
        return (this.to = this.code()) < BAD;
      case FIELD.input:
        return this.#input();
      case FIELD.value:
        this.value = this.code();
        this.valueFrom = this.rangeFrom;
        this.valueTo = this.rangeTo;
        return this.value !== BAD;
      case FIELD.output:
        this.output = this.code();
        this.outputFrom = this.rangeFrom;
        this.outputTo = this.rangeTo;
        return this.output !== BAD;
      default:
        return this.code() !== BAD;
    }
  }

  /** `{"f":…,"key":…,"value":…}` or `{"f":…,"key":…,"from":…,"to":…}` as codes; any other as a whole. */
  #input(): boolean {
    const begin = this.at++;
    if (this.bytes[begin] !== BEGIN_OBJECT) return false;
    let seen = 0;
    let isCommon = true;
    for (let ended = 0; ended === 0; ) {
      const argument = this.#field(ARGUMENTS);
      if (argument < 0 || (argument !== OTHER_ARGUMENT && (seen & (1 << argument)) !== 0)) return false;
      // In any other order they would be given back in another order than they came in.
      if (seen >> argument !== 0) isCommon = false;
      seen |= 1 << argument;
      const from = this.at;
      if (!this.#argument(argument)) return false;
      this.#shapes.step(argument === F ? this.at : from, SLOTS[argument] as number, this.at);
      ended = this.separator(END_OBJECT);
      if (ended < 0) return false;
    }
    this.#shapes.input(begin, this.at);
    if ((seen & 1) === 0 || this.f >= BAD || this.key >= BAD) return false;
    if (isCommon && (seen === 1 || seen === 3 || seen === 5 || seen === 7)) return true;
    if (isCommon && (seen === 25 || seen === 27)) return this.value < BAD && this.to < BAD;
    this.value = RANGE;
    this.to = WHOLE;
    this.valueFrom = begin;
    this.valueTo = this.at;
    return true;
  }

  #argument(argument: number): boolean {
    const slot = SLOTS[argument] as number;
    const code = argument === F ? this.text() : this.code();
    if (code === BAD) return false;
    if (argument === F) this.f = code;
    else if (slot === FIELD.key) this.key = code;
    else if (slot === TO_SLOT) this.to = code;
    else if (slot !== OTHER_FIELD) {
      this.value = code;
      this.valueFrom = this.rangeFrom;
      this.valueTo = this.rangeTo;
    }
    return true;
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
