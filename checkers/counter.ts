/**
 * Is every read of a counter within what its adds allow? Each acknowledged add counts, a refused one does not, and one
 * whose outcome is unknown may count or not. While nothing is taken away, reads never go back. Bounds, not a search:
 * a wrong order of adds within them is not noticed. Near-linear.
 */

import type { Input, Json } from '../rig/contract.ts';
import { defineChecker } from '../rig/define.ts';
import { FAIL, type History, OK } from '../rig/history.ts';
import { Anomalies, count } from './anomalies.ts';
import { byCompletion, byKey, type Group, judgeGroups } from './values.ts';
import { nameOf } from './wording.ts';

/** `value` is how much to add, a negative number to take away; without one it is 1. Without a `key` there is one counter. */
export type CounterInput = Input &
  (
    | { readonly f: 'add' | 'increment' | 'decrement'; readonly key?: Json; readonly value?: number }
    | { readonly f: 'read'; readonly key?: Json }
  );

/** What a read saw, a number (`null` is 0); the output of an add means nothing. */
export type CounterOutput = Json;

type Seen = { readonly at: number; readonly value: number };

/** What was certain when a read began. */
interface Beginning {
  readonly plus: number;
  readonly minus: number;
  /** The highest value that a read had already returned. */
  readonly highest: Seen | null;
}

class Judge {
  readonly found: Anomalies;
  readonly totals = { reads: 0, adds: 0, unknownAdds: 0 };
  malformed = 0;
  readonly #history: History<CounterInput, CounterOutput>;

  constructor(history: History<CounterInput, CounterOutput>) {
    this.#history = history;
    this.found = new Anomalies(history);
  }

  /** Walks the events of one counter in their order, with four sums: added and taken away, for certain and at most. */
  judge({ subject, positions }: Group): void {
    const { invokeIndex, completeIndex, type } = this.#history;
    const completions = byCompletion(this.#history, positions).filter((at) => type[at] === OK);
    const grows = positions.every((at) => this.#delta(at) >= 0);
    const certain = { plus: 0, minus: 0 };
    const possible = { plus: 0, minus: 0 };
    const beginnings = new Map<number, Beginning>();
    let highest: Seen | null = null;
    let next = 0;
    const completeUntil = (index: number) => {
      for (; next < completions.length && (completeIndex[completions[next] as number] as number) < index; next++) {
        const at = completions[next] as number;
        const beginning = beginnings.get(at);
        if (!beginning) add(certain, this.#delta(at));
        else {
          const value = this.#value(at);
          if (value === null) continue;
          this.#judgeRead(subject, { at, value }, beginning, possible);
          if (grows) this.#judgeOrder(subject, { at, value }, beginning.highest);
          if (!highest || value > highest.value) highest = { at, value };
          beginnings.delete(at);
        }
      }
    };
    for (const at of positions) {
      completeUntil(invokeIndex[at] as number);
      if (this.#history.input(at).f === 'read') {
        if (type[at] === OK) beginnings.set(at, { ...certain, highest });
      } else if (type[at] !== FAIL) {
        this.totals.adds++;
        if (type[at] !== OK) this.totals.unknownAdds++;
        add(possible, this.#delta(at));
      }
    }
    completeUntil(Infinity);
  }

  #judgeRead(
    subject: string,
    { at, value }: Seen,
    certain: Beginning,
    possible: { plus: number; minus: number },
  ): void {
    this.totals.reads++;
    const low = certain.plus + possible.minus;
    const high = possible.plus + certain.minus;
    if (value >= low && value <= high) return;
    const allowed = low === high ? `exactly ${low}` : `between ${low} and ${high}`;
    const why =
      value < low
        ? `adds of ${certain.plus} in all were acknowledged before it began`
        : `adds of no more than ${possible.plus} in all had been asked for when it ended`;
    this.found.add(value < low ? 'lost-add' : 'excess-add', () => ({
      subject,
      explanation: `${subject} was read as ${value} by ${nameOf(this.#history, at)}, but must then have been ${allowed}: ${why}`,
      operations: [at],
      detail: { value, low, high },
    }));
  }

  #judgeOrder(subject: string, { at, value }: Seen, highest: Seen | null): void {
    if (!highest || value >= highest.value) return;
    this.found.add('nonmonotonic-read', () => ({
      subject,
      explanation: `${subject} was read as ${highest.value} by ${nameOf(this.#history, highest.at)}, and after that as ${value} by ${nameOf(this.#history, at)}, although nothing is ever taken away`,
      operations: [highest.at, at],
    }));
  }

  /** How much an add adds; 0 for a read. */
  #delta(at: number): number {
    const input = this.#history.input(at);
    if (input.f === 'read') return 0;
    const delta = Number(input.value ?? 1);
    if (!Number.isFinite(delta)) return 0;
    return input.f === 'decrement' ? -delta : delta;
  }

  #value(at: number): number | null {
    const value = this.#history.output(at) ?? 0;
    if (typeof value === 'number') return value;
    this.malformed++;
    return null;
  }
}

const add = (sums: { plus: number; minus: number }, delta: number): void => {
  if (delta > 0) sums.plus += delta;
  else sums.minus += delta;
};

export const counter = defineChecker<CounterInput, CounterOutput>({
  name: 'counter',
  check(history, budget) {
    const judge = new Judge(history);
    const groups = byKey(history, 'counter');
    const missing = judgeGroups(groups, budget, (group) => judge.judge(group));
    const { totals, malformed } = judge;
    if (malformed > 0) missing.push(`${count(malformed, 'read')} did not answer with a number`);
    if (totals.reads === 0) missing.push('nothing was read');
    if (totals.adds === totals.unknownAdds) missing.push('no add was acknowledged');
    return judge.found.conclude({
      checker: 'counter',
      guarantee: 'every read of a counter is within the bounds that its adds allow',
      seen: `${count(totals.reads, 'read')} after ${count(totals.adds, 'add')} to ${count(groups.length, 'counter')}, ${totals.unknownAdds} of unknown outcome`,
      missing,
      statistics: { counters: groups.length, ...totals },
    });
  },
});
