/**
 * Do watches tell what happened? The nine guarantees that etcd gives of a watch: only what was asked for (filter), in
 * order, nothing twice (unique), whole revisions at once (atomic), nothing left out (reliable), from the revision asked
 * for (resumable), nothing after a bookmark that belongs before it, and true marks of creation and previous values.
 * What happened is what all watches and acknowledged writes tell together. Near-linear.
 */

import type { FeedChange, FeedMessage, Input, Json } from '../rig/contract.ts';
import { defineChecker } from '../rig/define.ts';
import { type History, OK } from '../rig/history.ts';
import { Anomalies, count } from './anomalies.ts';
import { byCompletion, said } from './values.ts';
import { Truth } from './watch/truth.ts';
import { nameOf } from './wording.ts';

/** A write of `null` deletes. A watch is of all keys that begin with `prefix`, from revision `from` on. */
export type WatchInput = Input &
  (
    | { readonly f: 'write'; readonly key: string; readonly value: Json }
    | { readonly f: 'watch'; readonly prefix: string; readonly from: number; readonly to?: number }
  );

/** Of a write the revision that it made, 0 if none; of a watch a list of `FeedMessage`. A message without changes is a bookmark. */
export type WatchOutput = Json;

type WatchHistory = History<WatchInput, WatchOutput>;

/** One watch, and what was delivered to it. */
interface Delivery {
  readonly at: number;
  readonly prefix: string;
  readonly from: number;
  readonly messages: readonly FeedMessage[];
}

class Judge {
  readonly found: Anomalies;
  readonly truth: Truth;
  readonly deliveries: Delivery[] = [];
  readonly writes: number[] = [];
  changes = 0;
  malformed = 0;
  readonly #history: WatchHistory;

  constructor(history: WatchHistory) {
    this.#history = history;
    this.found = new Anomalies(history);
    this.truth = new Truth(history, this.found);
    for (let at = 0; at < history.length; at++) if (history.type[at] === OK) this.#take(at);
  }

  #take(at: number): void {
    const input = this.#history.input(at);
    const output = this.#history.output(at) ?? null;
    if (input.f === 'write') {
      if (typeof output !== 'number' || typeof input.key !== 'string') this.malformed++;
      else if (output > 0) {
        this.writes.push(at);
        this.truth.learn({ key: input.key, value: input.value, revision: output }, at);
      }
      return;
    }
    const isWatch = typeof input.prefix === 'string' && typeof input.from === 'number';
    const messages = isWatch ? messagesIn(output) : null;
    if (!messages) this.malformed++;
    else this.deliveries.push({ at, prefix: input.prefix, from: input.from, messages });
    for (const { changes } of messages ?? []) for (const change of changes) this.truth.learn(change, at);
  }

  /** What is acknowledged later has a higher revision. */
  judgeWrites(): void {
    const { invokeIndex, completeIndex } = this.#history;
    const revisionOf = (at: number) => this.#history.output(at) as number;
    const completed = byCompletion(this.#history, this.writes);
    let next = 0;
    let highest = -1;
    for (const at of this.writes) {
      for (; next < completed.length; next++) {
        const done = completed[next] as number;
        if ((completeIndex[done] as number) > (invokeIndex[at] as number)) break;
        if (highest < 0 || revisionOf(done) > revisionOf(highest)) highest = done;
      }
      if (highest < 0 || revisionOf(at) > revisionOf(highest)) continue;
      const before = highest;
      this.found.add('nonmonotonic-revision', () => ({
        subject: 'the store',
        explanation: `${nameOf(this.#history, before)} was acknowledged with revision ${revisionOf(before)}, and ${nameOf(this.#history, at)}, which began after that, with revision ${revisionOf(at)}`,
        operations: [before, at],
      }));
    }
  }

  judgeDelivery(delivery: Delivery): void {
    const { prefix, from, messages } = delivery;
    const told = new Set<string>();
    const latest = new Map<string, FeedChange>();
    let last: { readonly change: FeedChange; readonly message: number } | null = null;
    let bookmark = -1;
    for (const [message, { revision, changes }] of messages.entries()) {
      if (changes.length === 0) bookmark = Math.max(bookmark, revision);
      for (const change of changes) {
        this.changes++;
        const name = `${change.revision} ${change.key}`;
        const say = (guarantee: string, what: string) => this.#tell(guarantee, delivery, change, what);
        if (!change.key.startsWith(prefix)) say('filter', `does not begin with ${said(prefix)}`);
        if (change.revision < from) say('resumable', `was asked for from revision ${from} on`);
        if (change.revision <= bookmark) say('bookmarkable', `came after the bookmark of revision ${bookmark}`);
        if (told.has(name)) say('unique', 'was delivered before');
        else if (last && change.revision < last.change.revision)
          say('ordered', `came after the change of ${said(last.change.key)} at revision ${last.change.revision}`);
        else if (last && change.revision === last.change.revision && message !== last.message)
          say('atomic', `came in another message than ${said(last.change.key)} of the same revision`);
        this.#judgeMarks(delivery, change, latest.get(change.key));
        told.add(name);
        latest.set(change.key, change);
        last = { change, message };
      }
    }
    if (last) this.#judgeReliable(delivery, told, Math.max(last.change.revision, bookmark));
  }

  /** `before` is what the same watch had delivered of the key. */
  #judgeMarks(delivery: Delivery, change: FeedChange, before: FeedChange | undefined): void {
    const { created, previous, value } = change;
    if (before && before.revision < change.revision) {
      const isNew = before.value === null && value !== null;
      if (created !== isNew)
        this.#tell(
          'is-create',
          delivery,
          change,
          `is ${created ? '' : 'not '}marked as a creation, after ${state(before)}`,
        );
      if (previous !== undefined && JSON.stringify(previous) !== JSON.stringify(before.value))
        this.#tell('prev-kv', delivery, change, `gives ${said(previous)} as the value before, after ${state(before)}`);
    } else if (!before && created && previous !== undefined)
      this.#tell(
        'prev-kv',
        delivery,
        change,
        `is marked as a creation and gives ${said(previous)} as the value before`,
      );
  }

  #judgeReliable(delivery: Delivery, told: ReadonlySet<string>, until: number): void {
    for (const { change, at } of this.truth.missing(delivery, told, until)) {
      this.found.add('reliable', () => ({
        subject: `key ${said(change.key)}`,
        explanation: `the watch of ${nameOf(this.#history, delivery.at)} from revision ${delivery.from} to ${until} was not told that ${said(change.key)} became ${said(change.value)} at revision ${change.revision}, as ${nameOf(this.#history, at)} was`,
        operations: [at, delivery.at],
      }));
    }
  }

  #tell(guarantee: string, { at }: Delivery, { key, value, revision }: FeedChange, what: string): void {
    this.found.add(guarantee, () => ({
      subject: `key ${said(key)}`,
      explanation: `in the watch of ${nameOf(this.#history, at)}, the change of ${said(key)} to ${said(value)} at revision ${revision} ${what}`,
      operations: [at],
    }));
  }
}

const state = ({ value, revision }: FeedChange): string =>
  value === null ? `it was deleted at revision ${revision}` : `it became ${said(value)} at revision ${revision}`;

function messagesIn(output: Json): readonly FeedMessage[] | null {
  if (!Array.isArray(output)) return null;
  const messages = output as readonly (Partial<FeedMessage> | null)[];
  const isSound = messages.every(
    (message) =>
      typeof message?.revision === 'number' &&
      Array.isArray(message.changes) &&
      message.changes.every((change) => typeof change?.key === 'string' && typeof change.revision === 'number'),
  );
  return isSound ? (messages as readonly FeedMessage[]) : null;
}

export const watch = defineChecker<WatchInput, WatchOutput>({
  name: 'watch',
  check(history, budget) {
    const judge = new Judge(history);
    const { deliveries, writes, malformed } = judge;
    const missing: string[] = [];
    judge.judgeWrites();
    for (const delivery of deliveries) {
      if (budget.exhausted()) {
        missing.push(`${budget.reason()} ran out`);
        break;
      }
      judge.judgeDelivery(delivery);
    }
    const unseen = judge.truth.unwatched(deliveries);
    if (malformed > 0) missing.push(`${count(malformed, 'answer')} could not be understood`);
    if (judge.changes === 0) missing.push('no watch was told of a change');
    if (unseen > 0) missing.push(`${count(unseen, 'acknowledged write')} were watched by nobody`);
    return judge.found.conclude({
      checker: 'watch',
      guarantee: 'every watch is told of every change, once, in order and as it was',
      seen: `${count(judge.changes, 'change')} told to ${count(deliveries.length, 'watch', 'watches')} of ${count(writes.length, 'acknowledged write')}`,
      missing,
      statistics: { watches: deliveries.length, changes: judge.changes, writes: writes.length, unwatched: unseen },
    });
  },
});
