/**
 * Is a lock held by one at a time? A process holds it for certain from the answer to its `acquire` until it asks for
 * `release`, or until the lease that it asked for could first have run out. `fencing`: tokens are never given twice,
 * and go up from one acquisition to the next. One pass each.
 */

import type { Input, Json, Verdict } from '../rig/contract.ts';
import { defineChecker } from '../rig/define.ts';
import { FAIL, type History, OK } from '../rig/history.ts';
import { Anomalies, count } from './anomalies.ts';
import { byCompletion, byKey, type Group, said } from './values.ts';
import { nameOf } from './wording.ts';

/**
 * Without a `key` there is one lock. Whoever never releases holds the lock for ever, unless `ttlMs` says how long the
 * lease lasts that is asked for.
 */
export type LockInput = Input &
  (
    | { readonly f: 'acquire'; readonly key?: Json; readonly ttlMs?: number }
    | { readonly f: 'release'; readonly key?: Json; readonly token?: Json }
  );

/** Of an acquire the fencing token, a number, or anything else where there are none; of a release nothing. */
export type LockOutput = Json;

type LockHistory = History<LockInput, LockOutput>;

/** When a process certainly held the lock, by events: after `from` and before `until`. */
interface Hold {
  readonly at: number;
  readonly releaseAt: number | null;
  readonly from: number;
  readonly until: number;
}

/** When leases run out, in terms of events. */
class Leases {
  readonly #history: LockHistory;
  readonly #completions: readonly number[];

  constructor(history: LockHistory) {
    this.#history = history;
    this.#completions = byCompletion(
      history,
      Array.from({ length: history.length }, (_, at) => at),
    );
  }

  /** Just after the last event within `ttlMs` of the invocation of `at`: the lease began no earlier. */
  end(at: number, ttlMs: number): number {
    const { invokedNs, invokeIndex, completedNs, completeIndex, length } = this.#history;
    const untilNs = (invokedNs[at] as number) + ttlMs * 1e6;
    const invoked = lastWhere(length, (one) => (invokedNs[one] as number) <= untilNs);
    const completed = lastWhere(
      this.#completions.length,
      (place) => (completedNs[this.#completions[place] as number] as number) <= untilNs,
    );
    const answered = completed < 0 ? -1 : (completeIndex[this.#completions[completed] as number] as number);
    return Math.max(invokeIndex[invoked] as number, answered) + 0.5;
  }
}

/** The last of 0, 1, … below `length` that holds, where all that hold come first; −1 if none does. */
function lastWhere(length: number, holds: (at: number) => boolean): number {
  let low = -1;
  let high = length;
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** In the order in which they began. */
function holdsOf(history: LockHistory, leases: Leases, positions: readonly number[]): Hold[] {
  const holds: Hold[] = [];
  /** By process, the acquisition that was not released yet. */
  const open = new Map<number, number>();
  const close = (process: number, releaseAt: number | null) => {
    const at = open.get(process);
    if (at === undefined) return;
    open.delete(process);
    const input = history.input(at);
    const ttlMs = input.f === 'acquire' ? input.ttlMs : undefined;
    const released = releaseAt === null ? Infinity : (history.invokeIndex[releaseAt] as number);
    const expired = typeof ttlMs === 'number' ? leases.end(at, ttlMs) : Infinity;
    const from = history.completeIndex[at] as number;
    const until = Math.min(released, expired);
    if (from < until) holds.push({ at, releaseAt, from, until });
  };
  for (const at of positions) {
    const process = history.process[at] as number;
    if (history.input(at).f === 'release') {
      // A release that was refused changed nothing.
      if (history.type[at] !== FAIL) close(process, at);
    } else if (history.type[at] === OK) {
      close(process, null);
      open.set(process, at);
    }
  }
  for (const process of open.keys()) close(process, null);
  return holds.sort((a, b) => a.from - b.from);
}

function judgeExclusion(found: Anomalies, history: LockHistory, leases: Leases, { subject, positions }: Group): number {
  const holds = holdsOf(history, leases, positions);
  let last: Hold | null = null;
  for (const hold of holds) {
    if (last && last.until > hold.from) {
      const first = last;
      found.add('mutual-exclusion', () => ({
        subject,
        explanation: `${subject} was held by two at once: it was acquired by ${nameOf(history, first.at)}, ${endOf(history, first)}, and was acquired again by ${nameOf(history, hold.at)}`,
        operations: [first.at, ...(first.releaseAt === null ? [] : [first.releaseAt]), hold.at],
      }));
    }
    if (!last || hold.until > last.until) last = hold;
  }
  return holds.length;
}

function endOf(history: LockHistory, { releaseAt, until }: Hold): string {
  if (releaseAt !== null && history.invokeIndex[releaseAt] === until)
    return `who asked to release it only later (${nameOf(history, releaseAt)})`;
  return until === Infinity ? 'who never released it' : 'whose lease had not run out';
}

type Token = { readonly at: number; readonly token: number };

/** Walks the events in order; returns how many tokens were seen. */
function judgeTokens(found: Anomalies, history: LockHistory, { subject, positions }: Group): number {
  const acquired = positions.filter(
    (at) => history.input(at).f === 'acquire' && history.type[at] === OK && typeof history.output(at) === 'number',
  );
  const completed = byCompletion(history, acquired);
  const given = new Map<number, number>();
  let highest: Token | null = null;
  let next = 0;
  for (const at of acquired) {
    for (; next < completed.length; next++) {
      const done = completed[next] as number;
      if ((history.completeIndex[done] as number) > (history.invokeIndex[at] as number)) break;
      const token = history.output(done) as number;
      if (!highest || token > highest.token) highest = { at: done, token };
    }
    const token = history.output(at) as number;
    const other = given.get(token);
    given.set(token, at);
    const before = other === undefined ? highest : { at: other, token };
    if (!before || token > before.token) continue;
    const name = other === undefined ? 'nonmonotonic-token' : 'duplicate-token';
    found.add(name, () => ({
      subject,
      explanation: `${subject} was acquired with token ${said(before.token)} by ${nameOf(history, before.at)}, and ${other === undefined ? 'after that ' : ''}with token ${said(token)} by ${nameOf(history, at)}: a store that trusts tokens would take the ${other === undefined ? 'later holder for an old one' : 'two for one'}`,
      operations: [before.at, at],
    }));
  }
  return acquired.length;
}

export const lock = defineChecker<LockInput, LockOutput>({
  name: 'lock',
  check(history) {
    const found = new Anomalies(history);
    const groups = byKey(history, 'lock');
    const leases = new Leases(history);
    let holds = 0;
    for (const group of groups) holds += judgeExclusion(found, history, leases, group);
    return conclude(found, 'lock', 'no two processes hold a lock at once', holds, 'certain hold', groups.length);
  },
});

export const fencing = defineChecker<LockInput, LockOutput>({
  name: 'fencing',
  check(history) {
    const found = new Anomalies(history);
    const groups = byKey(history, 'lock');
    let tokens = 0;
    let texts = 0;
    for (const group of groups) {
      tokens += judgeTokens(found, history, group);
      texts += group.positions.filter((at) => typeof history.output(at) === 'string').length;
    }
    const guarantee = 'every acquisition of a lock has a higher token than those before it';
    const missing =
      texts > 0 ? [`${count(texts, 'token')} could not be compared: they are no numbers, or too large`] : [];
    return conclude(found, 'fencing', guarantee, tokens, 'token', groups.length, missing);
  },
});

/** It takes two to break either guarantee. */
function conclude(
  found: Anomalies,
  checker: string,
  guarantee: string,
  seen: number,
  what: string,
  locks: number,
  missing: readonly string[] = [],
): Verdict {
  return found.conclude({
    checker,
    guarantee,
    seen: `${count(seen, what)} of ${count(locks, 'lock')}`,
    missing: seen < 2 ? [...missing, `there was ${seen === 0 ? 'no' : 'only one'} ${what}`] : missing,
    statistics: { locks, [`${what.split(' ').at(-1)}s`]: seen },
  });
}
