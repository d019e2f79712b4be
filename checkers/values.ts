/** Values of any JSON as small numbers, and operations by the key they are about: what the validators' columns stand on. */

import type { Budget, Input, Json } from '../rig/contract.ts';
import type { History } from '../rig/history.ts';

/** Gives each distinct value a small number, in order of first sight. */
export class Values {
  readonly all: Json[] = [];
  readonly #numbers = new Map<Json, number>();
  /** Lists and objects, by their text. */
  readonly #byText = new Map<string, number>();

  get size(): number {
    return this.all.length;
  }

  /** The number of a value, given now if it has none yet. */
  of(value: Json): number {
    const known = this.find(value);
    if (known !== undefined) return known;
    const number = this.all.push(value) - 1;
    if (typeof value === 'object' && value !== null) this.#byText.set(JSON.stringify(value), number);
    else this.#numbers.set(value, number);
    return number;
  }

  find(value: Json): number | undefined {
    return typeof value === 'object' && value !== null
      ? this.#byText.get(JSON.stringify(value))
      : this.#numbers.get(value);
  }
}

/** The operations on one key. */
export interface Group {
  /** `key "a"`; `fallback` of `byKey` where operations name no key. */
  readonly subject: string;
  readonly key: Json;
  /** Positions in the columns, ascending. */
  readonly positions: readonly number[];
}

/** Every operation by the `key` of its input; those without one are together, called `fallback`. */
export function byKey<In extends Input, Out extends Json>(history: History<In, Out>, fallback: string): Group[] {
  const keys = new Values();
  const groups: (Group & { readonly positions: number[] })[] = [];
  for (let at = 0; at < history.length; at++) {
    const key = history.input(at)['key'] ?? null;
    const number = keys.of(key);
    if (number === groups.length)
      groups.push({ key, subject: key === null ? fallback : `${fallback} ${said(key)}`, positions: [] });
    groups[number]?.positions.push(at);
  }
  return groups;
}

/** Judges group after group while the budget lasts; returns what is missing because it did not. */
export function judgeGroups(groups: readonly Group[], budget: Budget, judge: (group: Group) => void): string[] {
  for (const group of groups) {
    if (budget.exhausted()) return [`${budget.reason()} ran out`];
    judge(group);
  }
  return [];
}

const LONGEST_SAID = 60;

/** A value as it stands in a sentence, cut where it is long. */
export function said(value: Json | undefined): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > LONGEST_SAID ? `${text.slice(0, LONGEST_SAID)}…` : text;
}

/** Up to `most` of them, and how many more. */
export function listed(values: readonly Json[], most = 8): string {
  const more = values.length > most ? ` and ${values.length - most} more` : '';
  return `${values.slice(0, most).map(said).join(', ')}${more}`;
}

/** The position of each operation that completed, in the order of completion. */
export function byCompletion(history: History, positions: Iterable<number>): number[] {
  const completed: number[] = [];
  for (const at of positions) if (Number.isFinite(history.completedNs[at] as number)) completed.push(at);
  return completed.sort((a, b) => (history.completeIndex[a] as number) - (history.completeIndex[b] as number));
}
