/**
 * What becomes of each element of a grow-only set, over all its reads. `set-full`: once an element is acknowledged or
 * seen, every later read has it. `set-eventual`: an old read may lack it for a while, but not for good. Both: nothing
 * twice, nothing that nobody added. Linear in the length of the reads.
 */

import type { Input, Json } from '../rig/contract.ts';
import { defineChecker } from '../rig/define.ts';
import { FAIL, type History, OK } from '../rig/history.ts';
import { Anomalies, count } from './anomalies.ts';
import { byKey, type Group, said, Values } from './values.ts';
import { nameOf, outcomeOf } from './wording.ts';

/** Without a `key` there is one set. Elements are told apart by their value. */
export type SetInput = Input &
  ({ readonly f: 'add'; readonly key?: Json; readonly value: Json } | { readonly f: 'read'; readonly key?: Json });

/** What a read saw, a list of elements in any order (`null` is the empty set); the output of an add means nothing. */
export type SetOutput = Json;

/** One set, judged: what is known of each element, by its number. Indices are of events; `Infinity` is never. */
class Elements {
  readonly values = new Values();
  /** Invocation of the first add that may have taken effect, and of the first that certainly did not. */
  readonly addedFrom: number[] = [];
  readonly refusedFrom: number[] = [];
  readonly addAt: number[] = [];
  /** Completion of the first acknowledged add. */
  readonly acknowledged: number[] = [];
  /** Completion of the first add or read that proves it was in the set, and the position of that operation. */
  readonly known: number[] = [];
  readonly knownAt: number[] = [];
  /** Latest completion of a read that has it, and how many of the last invoked reads have it, without a gap. */
  readonly lastSeen: number[] = [];
  readonly streak: number[] = [];
  /** The number of the read that saw it last, to notice a second sight in one read. */
  readonly stamp: number[] = [];

  of(value: Json): number {
    const element = this.values.of(value);
    if (element === this.addedFrom.length) {
      for (const column of [this.addedFrom, this.refusedFrom, this.acknowledged, this.known]) column.push(Infinity);
      for (const column of [this.addAt, this.knownAt, this.lastSeen, this.stamp]) column.push(-1);
      this.streak.push(0);
    }
    return element;
  }

  learn(element: number, index: number, at: number): void {
    if (index >= (this.known[element] as number)) return;
    this.known[element] = index;
    this.knownAt[element] = at;
  }
}

class Judge {
  readonly found: Anomalies;
  readonly totals = { elements: 0, acknowledged: 0, stable: 0, lost: 0, stale: 0, neverRead: 0, reads: 0 };
  malformed = 0;
  worstStaleMs = 0;
  readonly #history: History<SetInput, SetOutput>;
  readonly #mayBeStale: boolean;

  constructor(history: History<SetInput, SetOutput>, mayBeStale: boolean) {
    this.#history = history;
    this.#mayBeStale = mayBeStale;
    this.found = new Anomalies(history);
  }

  judge({ subject, positions }: Group): void {
    const elements = new Elements();
    const reads: number[] = [];
    for (const at of positions) {
      const input = this.#history.input(at);
      if (input.f === 'add') this.#add(elements, elements.of(input.value ?? null), at);
      else if (input.f === 'read' && this.#history.type[at] === OK) {
        const output = this.#history.output(at) ?? [];
        if (Array.isArray(output)) reads.push(at);
        else this.malformed++;
      }
    }
    this.totals.reads += reads.length;
    for (let fromEnd = 0; fromEnd < reads.length; fromEnd++)
      this.#read(subject, elements, reads[reads.length - 1 - fromEnd] as number, fromEnd);
    for (let element = 0; element < elements.values.size; element++) this.#conclude(subject, elements, element, reads);
  }

  #add(elements: Elements, element: number, at: number): void {
    const { invokeIndex, completeIndex, type } = this.#history;
    const begin = invokeIndex[at] as number;
    if (type[at] === FAIL) {
      elements.refusedFrom[element] = Math.min(elements.refusedFrom[element] as number, begin);
      if (elements.addAt[element] === -1) elements.addAt[element] = at;
      return;
    }
    if (elements.addedFrom[element] === Infinity) elements.addAt[element] = at;
    elements.addedFrom[element] = Math.min(elements.addedFrom[element] as number, begin);
    if (type[at] !== OK) return;
    const end = completeIndex[at] as number;
    elements.acknowledged[element] = Math.min(elements.acknowledged[element] as number, end);
    elements.learn(element, end, at);
  }

  /** Takes the reads from the last invoked to the first. */
  #read(subject: string, elements: Elements, at: number, fromEnd: number): void {
    const complete = this.#history.completeIndex[at] as number;
    for (const value of (this.#history.output(at) ?? []) as readonly Json[]) {
      const element = elements.of(value);
      if (elements.stamp[element] === at) {
        this.#tell('duplicated', subject, value, [at, elements.addAt[element] as number], () => {
          const times = (this.#history.output(at) as readonly Json[]).filter(
            (one) => JSON.stringify(one) === JSON.stringify(value),
          ).length;
          return `is in the set ${times} times, in the read of ${nameOf(this.#history, at)}`;
        });
        continue;
      }
      elements.stamp[element] = at;
      if (elements.streak[element] === fromEnd) elements.streak[element] = fromEnd + 1;
      elements.lastSeen[element] = Math.max(elements.lastSeen[element] as number, complete);
      if ((elements.addedFrom[element] as number) > complete) this.#unexpected(subject, elements, element, at);
      else elements.learn(element, complete, at);
    }
  }

  #unexpected(subject: string, elements: Elements, element: number, at: number): void {
    const refused = (elements.refusedFrom[element] as number) < (this.#history.completeIndex[at] as number);
    const addAt = elements.addAt[element] as number;
    const value = elements.values.all[element] as Json;
    const seen = `in the read of ${nameOf(this.#history, at)}`;
    this.#tell(refused ? 'aborted-read' : 'phantom', subject, value, [addAt, at], () =>
      refused
        ? `was refused for certain (${nameOf(this.#history, addAt)}: ${outcomeOf(this.#history, addAt)}), and yet is in the set, ${seen}`
        : `is in the set, ${seen}, before anybody asked to add it`,
    );
  }

  #conclude(subject: string, elements: Elements, element: number, reads: readonly number[]): void {
    const { invokeIndex, invokedNs, completedNs } = this.#history;
    const known = elements.known[element] as number;
    const acknowledged = (elements.acknowledged[element] as number) < Infinity;
    this.totals.elements++;
    if (acknowledged) this.totals.acknowledged++;
    if (known === Infinity) return;
    const absentAt = reads[reads.length - 1 - (elements.streak[element] as number)];
    const lastSeen = elements.lastSeen[element] as number;
    if (absentAt === undefined || (invokeIndex[absentAt] as number) < known) {
      if (lastSeen >= 0 || (elements.streak[element] as number) > 0) this.totals.stable++;
      else if (acknowledged) this.totals.neverRead++;
      return;
    }
    const knownAt = elements.knownAt[element] as number;
    const isLost = lastSeen < (invokeIndex[absentAt] as number);
    const value = elements.values.all[element] as Json;
    if (isLost) this.totals.lost++;
    else {
      this.totals.stale++;
      const staleMs = ((invokedNs[absentAt] as number) - (completedNs[knownAt] as number)) / 1e6;
      this.worstStaleMs = Math.max(this.worstStaleMs, staleMs);
      if (this.#mayBeStale) return;
    }
    this.#tell(
      isLost ? 'lost' : 'stale',
      subject,
      value,
      [elements.addAt[element] as number, knownAt, absentAt],
      () => {
        const proof = nameOf(this.#history, knownAt);
        const was =
          this.#history.input(knownAt).f === 'add' ? `acknowledged (${proof})` : `seen by the read of ${proof}`;
        const then = `was ${was}, but is missing from the read of ${nameOf(this.#history, absentAt)}, which began after that`;
        return isLost ? `${then}; no later read has it` : `${then}; another read has it again`;
      },
    );
  }

  #tell(name: string, subject: string, value: Json, operations: readonly number[], what: () => string): void {
    this.found.add(name, () => ({
      subject: `${subject}, element ${said(value)}`,
      explanation: `element ${said(value)} of ${subject} ${what()}`,
      operations: operations.filter((at) => at >= 0),
    }));
  }
}

const define = (checker: string, mayBeStale: boolean) =>
  defineChecker<SetInput, SetOutput>({
    name: checker,
    check(history, budget) {
      const judge = new Judge(history, mayBeStale);
      const groups = byKey(history, 'set');
      const isDone = groups.every((group) => {
        if (budget.exhausted()) return false;
        judge.judge(group);
        return true;
      });
      const { totals, malformed, worstStaleMs } = judge;
      const missing: string[] = [];
      if (!isDone) missing.push(`${budget.reason()} ran out`);
      if (malformed > 0) missing.push(`${count(malformed, 'read')} did not answer with a list`);
      if (totals.acknowledged === 0) missing.push('no add was acknowledged');
      if (totals.neverRead > 0)
        missing.push(
          `${totals.neverRead} of ${count(totals.acknowledged, 'acknowledged element')} were never read after`,
        );
      return judge.found.conclude({
        checker,
        guarantee: mayBeStale
          ? 'every acknowledged element comes to stay in the set, and nothing else is there or is there twice'
          : 'every acknowledged element is in the set from then on, and nothing else is there or is there twice',
        seen: `${count(totals.elements, 'element')} in ${count(totals.reads, 'read')} of ${count(groups.length, 'set')}`,
        missing,
        statistics: { sets: groups.length, ...totals, worstStaleMs },
      });
    },
  });

export const setFull = define('set-full', false);

export const setEventual = define('set-eventual', true);
