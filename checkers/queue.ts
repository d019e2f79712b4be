/**
 * Does a queue hand out every value once, in order? `queue`: first in, first out by real time, exactly once, and never
 * said to be empty while it is not. `total-queue`: exactly once in any order, judged after it was drained. For unique
 * values, near-linear, by the patterns of A. Bouajjani et al., "On Reducing Linearizability to State Reachability",
 * 2015; where dequeues of unknown outcome could explain what is missing, they get the benefit of the doubt.
 */

import type { Json } from '../rig/contract.ts';
import { defineChecker } from '../rig/define.ts';
import type { History } from '../rig/history.ts';
import { Anomalies, count, type Finding } from './anomalies.ts';
import { type Message, Messages, type QueueInput, type QueueOutput, type Span } from './queue/messages.ts';
import { byKey, type Group, judgeGroups, said } from './values.ts';
import { nameOf, outcomeOf } from './wording.ts';

export type { QueueInput, QueueOutput } from './queue/messages.ts';

/** A value that must have left the queue by `until`, as the operation `evidence` shows, although nobody saw it leave. */
type Gone = { readonly message: Message; readonly until: number; readonly evidence: number };

/** While a value was certainly in the queue; `takenAt` is null if it never left. */
interface Stay {
  readonly value: Json;
  readonly put: Span;
  readonly takenAt: number | null;
  readonly from: number;
  readonly until: number;
}

class Judge {
  readonly found: Anomalies;
  readonly totals = { enqueued: 0, dequeued: 0, unknownEnqueues: 0, unknownDequeues: 0, empties: 0, left: 0 };
  malformed = 0;
  readonly #history: History<QueueInput, QueueOutput>;
  readonly #isOrdered: boolean;

  constructor(history: History<QueueInput, QueueOutput>, isOrdered: boolean) {
    this.#history = history;
    this.#isOrdered = isOrdered;
    this.found = new Anomalies(history);
  }

  judge({ subject, positions }: Group): void {
    const messages = new Messages(this.#history, positions);
    this.malformed += messages.malformed;
    this.totals.unknownDequeues += messages.unknownTakes.length + (messages.unknownDrainFrom < Infinity ? 1 : 0);
    this.totals.empties += messages.empties.length;
    for (const message of messages.all) {
      this.totals.enqueued += message.acknowledged;
      this.totals.unknownEnqueues += message.puts.length - message.acknowledged;
      this.totals.dequeued += message.takes.length;
      this.#judgeTakes(subject, message);
    }
    if (this.#isOrdered) {
      this.#judgeOrder(subject, messages);
      this.#judgeDrains(subject, messages);
      this.#judgeEmpties(subject, messages);
    }
    this.#judgeLoss(subject, messages);
  }

  /** What was taken must have been put in before, and as often. */
  #judgeTakes(subject: string, message: Message): void {
    const { puts, refused, takes } = message;
    const [take] = takes;
    if (!take) return;
    const began = Math.min(...puts.map(({ from }) => from));
    const early = takes.find(({ until }) => until < began);
    if (early) {
      const [refusal] = refused.filter(({ from }) => from < early.until);
      this.#tell('unexpected', subject, message, [...(refusal ? [refusal.at] : []), early.at], () =>
        refusal
          ? `was taken by ${this.#name(early)}, although it was refused for certain (${this.#name(refusal)}: ${outcomeOf(this.#history, refusal.at)})`
          : `was taken by ${this.#name(early)}, before anybody asked to put it in`,
      );
    } else if (takes.length > puts.length) {
      const by = takes.map((one) => this.#name(one)).join(', and by ');
      const times = puts.length === 1 ? 'once' : `${puts.length} times`;
      this.#tell(
        'duplicated',
        subject,
        message,
        [...puts, ...takes].map(({ at }) => at),
        () =>
          takes.length > 4
            ? `was put in ${times} and taken ${takes.length} times`
            : `was put in ${times} (${puts.map((put) => this.#name(put)).join(', ')}) and taken ${takes.length} times: by ${by}`,
      );
    }
  }

  /** Walks values in the order in which they were put in, with the latest taken of those wholly put in before. */
  #judgeOrder(subject: string, { all }: Messages): void {
    const moved = all.flatMap((message) => {
      const put = Messages.put(message);
      const [take] = message.takes;
      return put && take && message.takes.length === 1 && take.until > put.from ? [{ message, put, take }] : [];
    });
    const begun = [...moved].sort((a, b) => a.put.from - b.put.from);
    const ended = [...moved].sort((a, b) => a.put.until - b.put.until);
    let next = 0;
    let last: (typeof moved)[number] | null = null;
    for (const one of begun) {
      for (let other = ended[next]; other && other.put.until < one.put.from; other = ended[++next])
        if (!last || other.take.from > last.take.from) last = other;
      if (!last || last.take.from <= one.take.until) continue;
      const first = last;
      this.#tell(
        'out-of-order',
        subject,
        one.message,
        [first.put.at, one.put.at, one.take.at, first.take.at],
        () =>
          `was put in (${this.#name(one.put)}) after ${said(first.message.value)} was (${this.#name(first.put)}), but was taken (${this.#name(one.take)}) before it was (${this.#name(first.take)})`,
      );
    }
  }

  /** Within one drain too, what was put in first comes first. */
  #judgeDrains(subject: string, { drains }: Messages): void {
    for (const { at, taken } of drains) {
      let latest: { readonly message: Message; readonly put: Span } | null = null;
      for (const message of taken) {
        const put = Messages.put(message);
        if (!put || message.takes.length > 1) continue;
        if (latest && put.until < latest.put.from) {
          const earlier = latest;
          this.#tell('out-of-order', subject, message, [put.at, earlier.put.at, at], () => {
            const other = said(earlier.message.value);
            return `was put in (${this.#name(put)}) before ${other} was (${this.#name(earlier.put)}), but comes after it in ${nameOf(this.#history, at)}`;
          });
        }
        if (!latest || put.from > latest.put.from) latest = { message, put };
      }
    }
  }

  /** A queue may be called empty only at a moment at which no value was certainly in it. */
  #judgeEmpties(subject: string, messages: Messages): void {
    const covers: { from: number; until: number; readonly stays: Stay[] }[] = [];
    /** From here on the queue is never empty again: who says so shows a loss, which is told as such. */
    let filled = Infinity;
    for (const stay of staysIn(messages)) {
      if (stay.until === Infinity) filled = Math.min(filled, stay.from);
      const cover = covers.at(-1);
      if (cover && stay.from < cover.until) {
        cover.until = Math.max(cover.until, stay.until);
        cover.stays.push(stay);
      } else covers.push({ from: stay.from, until: stay.until, stays: [stay] });
    }
    let next = 0;
    for (const empty of messages.empties) {
      while (covers[next] && (covers[next] as { until: number }).until <= empty.from) next++;
      const cover = covers[next];
      if (empty.isDrain || empty.from > filled) continue;
      if (cover && cover.from < empty.from && cover.until > empty.until)
        this.found.add('false-empty', () => this.#falseEmpty(subject, empty, cover.stays));
    }
  }

  #falseEmpty(subject: string, empty: Span, stays: readonly Stay[]): Finding {
    const inside = stays.filter((stay) => stay.from < empty.until && stay.until > empty.from);
    const whole = inside.find((stay) => stay.from < empty.from && stay.until > empty.until);
    const told = whole ? [whole] : inside.slice(0, 4);
    const values = told
      .map(({ value, put, takenAt }) => {
        const taken = takenAt === null ? 'never taken' : `taken by ${nameOf(this.#history, takenAt)}`;
        return `${said(value)} (put in by ${this.#name(put)}, ${taken})`;
      })
      .join(', then ');
    return {
      subject,
      explanation: `${this.#name(empty)} found ${subject} empty, although it was never empty meanwhile: it held ${values}`,
      operations: [...told.flatMap(({ put, takenAt }) => (takenAt === null ? [put.at] : [put.at, takenAt])), empty.at],
    };
  }

  /**
   * Values that must be gone, though nobody saw them go, are lost, unless dequeues of unknown outcome took them: the
   * i-th by its deadline needs i such dequeues before it.
   */
  #judgeLoss(subject: string, messages: Messages): void {
    const unseen = messages.all.filter(({ acknowledged, takes }) => acknowledged > takes.length);
    if (unseen.length === 0) return;
    const gone = this.#gone(messages, unseen);
    this.totals.left += unseen.length - gone.length;
    gone.sort((a, b) => a.until - b.until);
    let takers = 0;
    let explained = 0;
    for (const { message, until, evidence } of gone) {
      if (messages.unknownDrainFrom < until) break;
      while (takers < messages.unknownTakes.length && (messages.unknownTakes[takers] as number) < until) takers++;
      if (explained < takers) {
        explained++;
        continue;
      }
      const doubt =
        takers === 0 ? '' : `; ${count(takers, 'dequeue')} of unknown outcome can account for other values only`;
      const [put] = message.puts;
      this.#tell('lost', subject, message, [...(put ? [put.at] : []), evidence], () => {
        const why = `${nameOf(this.#history, evidence)} shows that it is gone`;
        return `was acknowledged${put ? ` (${this.#name(put)})` : ''} and never taken, although ${why}${doubt}`;
      });
    }
  }

  /** Of the values that nobody saw leave, those that must have left: the queue was empty, or a later value was out. */
  #gone({ all, empties }: Messages, unseen: readonly Message[]): Gone[] {
    const proofs = empties.map(({ at, from, until }) => ({ at, after: from, until }));
    if (this.#isOrdered)
      for (const message of all) {
        const put = Messages.put(message);
        const [take] = message.takes;
        if (put && take) proofs.push({ at: take.at, after: put.from, until: take.until });
      }
    proofs.sort((a, b) => b.after - a.after);
    const waiting = unseen
      .map((message) => ({ message, put: Math.max(...message.puts.map(({ until }) => until)) }))
      .sort((a, b) => b.put - a.put);
    const gone: Gone[] = [];
    let next = 0;
    let earliest: (typeof proofs)[number] | null = null;
    for (const { message, put } of waiting) {
      for (let proof = proofs[next]; proof && proof.after > put; proof = proofs[++next])
        if (!earliest || proof.until < earliest.until) earliest = proof;
      if (earliest) gone.push({ message, until: earliest.until, evidence: earliest.at });
    }
    return gone;
  }

  #name(span: Span): string {
    return nameOf(this.#history, span.at);
  }

  #tell(name: string, subject: string, { value }: Message, operations: readonly number[], what: () => string): void {
    this.found.add(name, () => ({
      subject: `${subject}, value ${said(value)}`,
      explanation: `value ${said(value)} of ${subject} ${what()}`,
      operations,
    }));
  }
}

/** By their beginning. What nobody saw leave stays for ever, unless an unknown dequeue may have taken it. */
function staysIn({ all, unknownTakes, unknownDrainFrom }: Messages): Stay[] {
  const isCertain = unknownTakes.length === 0 && unknownDrainFrom === Infinity;
  return all
    .flatMap((message): Stay[] => {
      const put = Messages.put(message);
      const [take] = message.takes;
      if (!put || message.takes.length > 1 || (!take && !isCertain)) return [];
      const until = take ? take.from : Infinity;
      const stay = { value: message.value, put, takenAt: take ? take.at : null, from: put.until, until };
      return put.until < until ? [stay] : [];
    })
    .sort((a, b) => a.from - b.from);
}

const define = (checker: string, isOrdered: boolean) =>
  defineChecker<QueueInput, QueueOutput>({
    name: checker,
    check(history, budget) {
      const judge = new Judge(history, isOrdered);
      const groups = byKey(history, 'queue');
      const missing = judgeGroups(groups, budget, (group) => judge.judge(group));
      const { totals, malformed } = judge;
      if (malformed > 0) missing.push(`${count(malformed, 'answer')} could not be understood`);
      if (totals.enqueued === 0) missing.push('no enqueue was acknowledged');
      if (totals.dequeued === 0) missing.push('nothing was dequeued');
      if (!isOrdered && totals.left > 0)
        missing.push(`${count(totals.left, 'acknowledged value')} may still be in a queue that was not drained`);
      return judge.found.conclude({
        checker,
        guarantee: isOrdered
          ? 'every value leaves a queue once, first in, first out, and none is lost'
          : 'every acknowledged value leaves a queue exactly once, in any order',
        seen: `${count(totals.enqueued, 'acknowledged value')}, ${totals.dequeued} taken, in ${count(groups.length, 'queue')}`,
        missing,
        statistics: { queues: groups.length, ...totals },
      });
    },
  });

export const queue = define('queue', true);

export const totalQueue = define('total-queue', false);
