/**
 * Is a log a log? Every offset holds one value and every value one offset; what is acknowledged is read by who reads
 * past it; readers go forward and skip nothing; senders' offsets go up. Names are those of Jepsen's Kafka workload.
 * Near-linear.
 */

import type { Json } from '../rig/contract.ts';
import { defineChecker } from '../rig/define.ts';
import { Anomalies, count } from './anomalies.ts';
import {
  type Entry,
  type Log,
  type LogHistory,
  type LogInput,
  type LogOutput,
  logsIn,
  type Poll,
  type Send,
} from './log/evidence.ts';
import { byCompletion, said, Values } from './values.ts';
import { nameOf } from './wording.ts';

export type { LogInput, LogOutput } from './log/evidence.ts';

/** A value of one log: who sent it, and where it was found. */
interface Sent {
  readonly sends: Send[];
  readonly offsets: Map<number, number>;
  /** The first poll that has it. */
  polledAt: number | null;
}

class Judge {
  readonly found: Anomalies;
  readonly totals = { acknowledged: 0, unknown: 0, polled: 0, unseen: 0 };
  readonly #history: LogHistory;

  constructor(history: LogHistory) {
    this.#history = history;
    this.found = new Anomalies(history);
  }

  judge(log: Log): void {
    const values = new Values();
    const sent: Sent[] = [];
    const of = (value: Json) => (sent[values.of(value)] ??= { sends: [], offsets: new Map(), polledAt: null });
    const byOffset = new Map<number, { readonly value: Json; readonly at: number }>();
    const learn = (offset: number, value: Json, at: number) => {
      const one = of(value);
      if (!one.offsets.has(offset)) one.offsets.set(offset, at);
      const other = byOffset.get(offset);
      if (!other) byOffset.set(offset, { value, at });
      else if (values.of(other.value) !== values.of(value))
        this.#tell(
          'inconsistent-offsets',
          log,
          [other.at, at],
          () =>
            `offset ${offset} holds ${said(other.value)} by ${this.#name(other.at)}, and ${said(value)} by ${this.#name(at)}`,
        );
    };
    for (const send of log.sends) {
      of(send.value).sends.push(send);
      if (send.outcome === 'ok') this.totals.acknowledged++;
      if (send.outcome === 'info') this.totals.unknown++;
      if (send.offset !== null && send.outcome === 'ok') learn(send.offset, send.value, send.at);
    }
    let furthest = -1;
    for (const { at, entries } of log.polls)
      for (const [offset, value] of entries) {
        learn(offset, value, at);
        of(value).polledAt ??= at;
        furthest = Math.max(furthest, offset);
      }
    for (const [number, one] of sent.entries()) this.#judgeValue(log, values.all[number] as Json, one, furthest);
    this.#judgeOrder(log);
    const offsets = [...byOffset.keys()].sort((a, b) => a - b);
    this.#judgePolls(log, offsets);
  }

  #judgeValue(log: Log, value: Json, { sends, offsets, polledAt }: Sent, furthest: number): void {
    if (polledAt !== null) this.totals.polled++;
    const possible = sends.filter(({ outcome }) => outcome !== 'fail');
    if (possible.length === 0 && polledAt !== null) {
      const [refused] = sends;
      this.#tell(refused ? 'aborted-read' : 'phantom', log, [...(refused ? [refused.at] : []), polledAt], () =>
        refused
          ? `${said(value)} was refused for certain (${this.#name(refused.at)}), and yet ${this.#name(polledAt)} has it`
          : `${this.#name(polledAt)} has ${said(value)}, which nobody sent`,
      );
    }
    if (offsets.size > Math.max(1, possible.length))
      this.#tell(
        'duplicate',
        log,
        [...offsets.values()],
        () =>
          `${said(value)} is at offsets ${[...offsets].map(([offset, at]) => `${offset} (${this.#name(at)})`).join(', ')}, though it was sent ${count(possible.length, 'time')}`,
      );
    const acknowledged = sends.find(({ outcome }) => outcome === 'ok');
    if (!acknowledged || polledAt !== null) return;
    const { at, offset } = acknowledged;
    if (offset === null || offset >= furthest) this.totals.unseen++;
    else
      this.#tell(
        'lost-write',
        log,
        [at],
        () =>
          `${said(value)} was acknowledged at offset ${offset} (${this.#name(at)}), and no poll has it, though polls went on to offset ${furthest}`,
      );
  }

  /** What was acknowledged before a send began has a lower offset. */
  #judgeOrder(log: Log): void {
    const { invokeIndex, completeIndex, process } = this.#history;
    const placed = log.sends.filter(({ outcome, offset }) => outcome === 'ok' && offset !== null);
    const byPosition = new Map(placed.map((send) => [send.at, send]));
    const completed = byCompletion(this.#history, byPosition.keys());
    let highest: Send | null = null;
    let next = 0;
    for (const send of placed) {
      for (; next < completed.length; next++) {
        const done = completed[next] as number;
        if ((completeIndex[done] as number) > (invokeIndex[send.at] as number)) break;
        const one = byPosition.get(done) as Send;
        if (!highest || (one.offset as number) > (highest.offset as number)) highest = one;
      }
      if (!highest || (send.offset as number) > (highest.offset as number) || highest.at === send.at) continue;
      const before = highest;
      const isOwn = process[before.at] === process[send.at];
      this.#tell(
        isOwn ? 'nonmonotonic-send' : 'reordered-send',
        log,
        [before.at, send.at],
        () =>
          `${said(before.value)} was acknowledged at offset ${before.offset} (${this.#name(before.at)}), and ${said(send.value)}, sent after that, at offset ${send.offset} (${this.#name(send.at)})`,
      );
    }
  }

  /** Each reader goes on from where it was. */
  #judgePolls(log: Log, offsets: readonly number[]): void {
    const places = new Map(offsets.map((offset, place) => [offset, place]));
    const lasts = new Map<number, { readonly offset: number; readonly at: number }>();
    for (const { at, entries, from, isMoved } of log.polls) {
      const process = this.#history.process[at] as number;
      let last = isMoved || from !== null ? null : (lasts.get(process) ?? null);
      if (from !== null) this.#judgeStart(log, { at, entries, from, isMoved }, offsets);
      for (const [offset] of entries) {
        const before = last;
        last = { offset, at };
        lasts.set(process, last);
        if (!before) continue;
        const internal = before.at === at ? 'int-' : '';
        const skipped = offsets[(places.get(before.offset) as number) + 1] as number;
        if (offset <= before.offset)
          this.#tell(
            `${internal}nonmonotonic-poll`,
            log,
            [before.at, at],
            () =>
              `process ${process} read offset ${before.offset} (${this.#name(before.at)}) and then offset ${offset} (${this.#name(at)})`,
          );
        else if (skipped < offset)
          this.#tell(
            `${internal}poll-skip`,
            log,
            [before.at, at],
            () =>
              `process ${process} read offset ${before.offset} (${this.#name(before.at)}) and then offset ${offset} (${this.#name(at)}), though there is something at offset ${skipped}`,
          );
      }
    }
  }

  #judgeStart(log: Log, { at, entries, from }: Poll, offsets: readonly number[]): void {
    const [first] = entries as readonly [Entry?, ...Entry[]];
    if (!first || from === null) return;
    const wanted = offsets.find((offset) => offset >= from);
    if (wanted === undefined || first[0] === wanted) return;
    this.#tell(
      first[0] < from ? 'nonmonotonic-poll' : 'poll-skip',
      log,
      [at],
      () =>
        `${this.#name(at)} asked from offset ${from} on and got offset ${first[0]} first, though the next is ${wanted}`,
    );
  }

  #name(at: number): string {
    return nameOf(this.#history, at);
  }

  #tell(name: string, { key }: Log, operations: readonly number[], what: () => string): void {
    const subject = key === null ? 'the log' : `log ${said(key)}`;
    this.found.add(name, () => ({ subject, explanation: `in ${subject}, ${what()}`, operations }));
  }
}

export const log = defineChecker<LogInput, LogOutput>({
  name: 'log',
  check(history, budget) {
    const judge = new Judge(history);
    const { logs, malformed } = logsIn(history);
    const missing: string[] = [];
    for (const one of logs) {
      if (budget.exhausted()) {
        missing.push(`${budget.reason()} ran out`);
        break;
      }
      judge.judge(one);
    }
    const { totals } = judge;
    if (malformed > 0) missing.push(`${count(malformed, 'answer')} could not be understood`);
    if (totals.acknowledged === 0) missing.push('no send was acknowledged');
    if (totals.polled === 0) missing.push('nothing was polled');
    else if (totals.unseen > 0)
      missing.push(`${count(totals.unseen, 'acknowledged value')} at the end of a log were polled by nobody`);
    return judge.found.conclude({
      checker: 'log',
      guarantee: 'every acknowledged value is in its log once, and readers see the log in order and skip nothing',
      seen: `${count(totals.acknowledged, 'acknowledged value')} in ${count(logs.length, 'log')}, ${totals.polled} polled`,
      missing,
      statistics: { logs: logs.length, ...totals },
    });
  },
});
