/** Codes of a history's values, made such that equal codes mean equal values without exception. */

import type { Json } from '../../rig/contract.ts';
import type { History } from '../../rig/history.ts';
import { ABSENT, codeOfInterned, FALSE, isKept, MOST_PLAIN, NULL, TRUE } from '../../rig/values.ts';

/** Below every code that a history gives. */
const FIRST_FOREIGN = -(2 ** 31) + 1;

export class Codes {
  readonly #history: History;
  /** Of lists, objects and long texts, by their text; of other values that the history does not hold. */
  readonly #byText = new Map<string, number>();
  #interned: ReadonlyMap<string | number, number> | undefined;
  readonly #foreign: Json[] = [];

  constructor(history: History) {
    this.#history = history;
  }

  /** The one code of all that equal the value of `code`. */
  canonical(code: number): number {
    if (!isKept(code)) return code;
    const text = JSON.stringify(this.#history.values.of(code));
    const first = this.#byText.get(text);
    if (first === undefined) this.#byText.set(text, code);
    return first ?? code;
  }

  /** The canonical code of any value; `ABSENT` for none. */
  of(value: Json | undefined): number {
    if (value === undefined) return ABSENT;
    if (value === null) return NULL;
    if (typeof value === 'boolean') return value ? TRUE : FALSE;
    if (typeof value === 'number' && value >= 0 && value <= MOST_PLAIN && (value | 0) === value) return value;
    const found = typeof value === 'object' ? undefined : this.#internedCodes().get(value);
    if (found !== undefined) return found;
    const text = JSON.stringify(value);
    const known = this.#byText.get(text) ?? FIRST_FOREIGN + this.#foreign.push(value) - 1;
    this.#byText.set(text, known);
    return known;
  }

  /** The value of a code; `undefined` for `ABSENT`. */
  valueOf(code: number): Json | undefined {
    const isForeign = code < FIRST_FOREIGN + this.#foreign.length;
    return isForeign ? this.#foreign[code - FIRST_FOREIGN] : this.#history.values.of(code);
  }

  #internedCodes(): ReadonlyMap<string | number, number> {
    const { interned } = this.#history.values.parts;
    return (this.#interned ??= new Map(interned.map((value, number) => [value, codeOfInterned(number)])));
  }
}
