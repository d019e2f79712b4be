/**
 * What a validator found, and the verdict it adds up to: every anomaly is counted, the first of each name are told in
 * full, and nothing passes that was not put to the test.
 */

import type { Anomaly, Json, Verdict } from '../rig/contract.ts';
import { invalid, unknown, valid } from '../rig/define.ts';
import type { History } from '../rig/history.ts';

/** Anomalies of one name that are told in full; the rest are counted. */
const MOST_TOLD = 20;

export interface Finding {
  /** Whose: `set 3`, `key "x"`. */
  readonly subject: string;
  /** In words, enough to understand it without opening the history. */
  readonly explanation: string;
  /** Positions in the columns of the operations that show it; the last one invoked is drawn as the impossible one. */
  readonly operations: readonly number[];
  readonly detail?: Json;
}

export interface Conclusion {
  readonly checker: string;
  /** What is judged, as a phrase that can be said to hold: `every acknowledged element stays in the set`. */
  readonly guarantee: string;
  /** How much of it was seen: `300 elements in 40 reads`. */
  readonly seen: string;
  /** Why it could not be judged in full, a phrase each; with any of them the verdict is not `valid`. */
  readonly missing: readonly string[];
  readonly statistics: { readonly [name: string]: Json };
}

export class Anomalies {
  /** How often each was found, by name. */
  readonly counts: Record<string, number> = {};
  readonly #history: History;
  readonly #told: Anomaly[] = [];

  constructor(history: History) {
    this.#history = history;
  }

  get isEmpty(): boolean {
    return this.#told.length === 0;
  }

  /** Counts one; `tell` is asked for the story of the first of each name only. */
  add(name: string, tell: () => Finding): void {
    const count = (this.counts[name] ?? 0) + 1;
    this.counts[name] = count;
    if (count > MOST_TOLD) return;
    const { subject, explanation, operations, detail } = tell();
    const witnesses = [...new Set(operations)]
      .sort((a, b) => a - b)
      .map((at) => this.#history.invokeIndex[at] as number);
    const impossible = witnesses.slice(-1).map((index) => ({ index, reason: explanation }));
    this.#told.push({
      name,
      explanation,
      witnesses,
      counterexample: { subject, operations: witnesses, order: [], impossible },
      ...(detail === undefined ? {} : { detail }),
    });
  }

  conclude({ checker, guarantee, seen, missing, statistics }: Conclusion): Verdict {
    const all = { ...statistics, anomalies: this.counts };
    const [first, ...rest] = this.#told;
    if (first) {
      const found = Object.entries(this.counts).map(([name, times]) => `${times} ${name}`);
      return invalid(checker, `broken: ${guarantee}; found ${found.join(', ')}`, [first, ...rest], all);
    }
    if (this.#history.length === 0) return unknown(checker, `not judged: ${guarantee}; no request was made`, all);
    if (missing.length > 0) return unknown(checker, `not proven: ${guarantee}; ${missing.join('; ')}`, all);
    return valid(checker, `${guarantee}: ${seen}`, all);
  }
}

/** `1 read`, `2 reads`; `many` where the plural is another word. */
export const count = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`;
