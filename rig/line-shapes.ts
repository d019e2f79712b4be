/**
 * The lines of a history repeat a few shapes: the same fields in the same order, with the same texts in some of them.
 * What was found out about a line is kept here as a tree of what may come next, so that the next line of its shape
 * need only be compared with it, and its numbers and values be read.
 */

import { type Mark, markOf } from './marks.ts';

/** Instead of a slot: what follows is no value, but the next step. */
export const NO_SLOT = -1;

/** Some bytes that a line may go on with, and what comes after them. */
export interface Step {
  readonly text: string;
  readonly mark: Mark;
  /** Which value stands behind them. */
  readonly slot: number;
  /** Where the input begins and where it ends, behind the bytes; `ELSEWHERE` unless it is within them. */
  readonly inputBegins: number;
  readonly inputEnds: number;
  /** What is known of a line that ends with them. */
  readonly end: Ending | null;
  /** What may come after them, and what may stand here instead of them. */
  next: Step | null;
  or: Step | null;
}

/** Of an input: with a value at most, with `from` and `to`, or any other. */
export const [PLAIN, SWAP, OTHER_FORM] = [0, 1, 2] as const;
export type Form = typeof PLAIN | typeof SWAP | typeof OTHER_FORM;

/** What all lines of a shape have in common: the fields that are there, and the codes of their texts. */
export interface Ending {
  readonly has: number;
  readonly type: number;
  readonly node: number;
  readonly error: number;
  readonly f: number;
  readonly form: Form;
}

/** Behind the bytes nothing is at a place above 0. */
export const ELSEWHERE = 1;

/** More than this are not learned, so that hostile lines cost no more than others. */
const MOST_STEPS = 2048;
const MOST_INSTEAD = 32;

export class LineShapes {
  /** What a line may begin with. */
  first: Step | null = null;
  #count = 0;
  /** Of the line at hand: where each step ends, and the slot behind it; where the value there ends. */
  readonly #ends: number[] = [];
  readonly #slots: number[] = [];
  readonly #valueEnds: number[] = [];
  #inputBegin = -1;
  #inputEnd = -1;

  /** A line begins. */
  begin(): void {
    this.#ends.length = 0;
    this.#slots.length = 0;
    this.#valueEnds.length = 0;
    this.#inputBegin = -1;
    this.#inputEnd = -1;
  }

  /** Bytes end at `end` that are to be the same in all lines of the shape; a value from there to `valueEnd` is not. */
  step(end: number, slot: number, valueEnd: number): void {
    this.#ends.push(end);
    this.#slots.push(slot);
    this.#valueEnds.push(valueEnd);
  }

  input(begin: number, end: number): void {
    this.#inputBegin = begin;
    this.#inputEnd = end;
  }

  /** The line from `begin` to `next` is as it was told, and ends so. */
  learn(bytes: Buffer, begin: number, next: number, end: Ending): void {
    let before: Step | null = null;
    let from = begin;
    for (let place = 0; place <= this.#ends.length; place++) {
      const isLast = place === this.#ends.length;
      const to = isLast ? next : (this.#ends[place] as number);
      const behind = (at: number) => (at >= from && at <= to ? at - to : ELSEWHERE);
      const slot = isLast ? NO_SLOT : (this.#slots[place] as number);
      const text = bytes.toString('latin1', from, to);
      const found = this.#after(before, {
        text,
        mark: markOf(text),
        slot,
        inputBegins: behind(this.#inputBegin),
        inputEnds: behind(this.#inputEnd),
        end: isLast ? end : null,
        next: null,
        or: null,
      });
      if (found === null) return;
      before = found;
      from = isLast ? next : (this.#valueEnds[place] as number);
    }
  }

  /** The step after `before` that is as `wanted`, which is put there if there is none yet and there is room. */
  #after(before: Step | null, wanted: Step): Step | null {
    let last: Step | null = null;
    let others = 0;
    for (let step = before === null ? this.first : before.next; step !== null; step = step.or) {
      if (step.text === wanted.text && step.slot === wanted.slot && (step.end === null) === (wanted.end === null))
        return step;
      last = step;
      others++;
    }
    if (others === MOST_INSTEAD || this.#count === MOST_STEPS) return null;
    this.#count++;
    if (last !== null) last.or = wanted;
    else if (before !== null) before.next = wanted;
    else this.first = wanted;
    return wanted;
  }
}
