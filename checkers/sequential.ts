/**
 * Is there one order of all operations, on all keys together, that keeps the order of each process (L. Lamport, "How to
 * Make a Multiprocessor Computer That Correctly Executes Multiprocess Programs", 1979)? Operations on registers are
 * judged as transactions of their own by strong session serializability, which for these is the same. Of parts that are
 * added to a key one after the other, none may be seen without those before it, as Jepsen's workload of that name asks.
 */

import type { Anomaly, Budget, HistoryEvent, Json, Verdict } from '../rig/contract.ts';
import { defineChecker, invalid, unknown, valid } from '../rig/define.ts';
import { History, NEVER, OK } from '../rig/history.ts';
import { Anomalies, count } from './anomalies.ts';
import type { MicroOperation, TransactionInput, TransactionOutput } from './isolation/micro-operations.ts';
import { rwRegisterBy } from './isolation/rw-register.ts';
import type { RegisterInput, RegisterOutput } from './models/register.ts';
import { said } from './values.ts';
import { nameOf } from './wording.ts';

/**
 * Registers, each value written once; or `add` of the parts of a key, in their order, and `read` of all of them,
 * the last part first and `null` for one that is missing.
 */
export type SequentialInput = RegisterInput | { readonly f: 'add'; readonly key?: Json; readonly value: Json };

type SequentialHistory = History<SequentialInput, RegisterOutput>;

const NAME = 'sequential';
const GUARANTEE = 'one order of all operations that keeps the order of each process';
/** Of each key by itself, an order that processes do not agree on is a violation too. */
const byRegisters = rwRegisterBy({ model: 'strong-session-serializable', assumed: ['wfr-keys', 'sequential-keys'] });

export const sequential = defineChecker<SequentialInput, RegisterOutput>({
  name: NAME,
  check(history, budget) {
    const all = history as unknown as SequentialHistory;
    return all.functions.includes('add') ? judgeParts(all) : judgeRegisters(all, budget);
  },
});

function judgeRegisters(history: SequentialHistory, budget: Budget): Verdict {
  const events = transactionsOf(history);
  const verdict = byRegisters.check(new History(events), budget) as Verdict;
  const { validity, summary, anomalies, statistics } = verdict;
  if (validity === 'unknown') {
    const doubt = `${history.length === 0 ? 'not judged' : 'not proven'}: ${GUARANTEE}`;
    return unknown(NAME, `${doubt}; ${summary.replaceAll('transaction', 'operation')}`, statistics);
  }
  const facts = statistics as { readonly succeeded: number; readonly keys: number };
  const seen = `${count(facts.succeeded, 'operation')} on ${count(facts.keys, 'key')}`;
  if (validity === 'valid') return valid(NAME, `nothing contradicts ${GUARANTEE}: ${seen}`, statistics);
  const [first, ...rest] = anomalies as readonly [Anomaly, ...Anomaly[]];
  const names = [...new Set(anomalies.map(({ name }) => name))].join(', ');
  return invalid(NAME, `broken: ${GUARANTEE}; found ${names}`, [first, ...rest], statistics);
}

/** Each operation as a transaction with the same process, times and numbers of its events. */
function transactionsOf(history: SequentialHistory): HistoryEvent<TransactionInput, TransactionOutput>[] {
  const events: (HistoryEvent<TransactionInput, TransactionOutput> | undefined)[] = [];
  for (let at = 0; at < history.length; at++) {
    const input = history.input(at);
    const isOk = history.type[at] === OK;
    const who = { process: history.process[at] as number, node: history.nodes[history.node[at] as number] as string };
    const asked = microsOf(input, null);
    const begun = { index: history.invokeIndex[at] as number, timeNs: history.invokedNs[at] as number };
    events[begun.index] = { ...begun, ...who, type: 'invoke', input: { f: 'txn', value: asked } };
    const index = history.completeIndex[at] as number;
    if (index === NEVER) continue;
    const ended = { index, timeNs: history.completedNs[at] as number, ...who };
    const output = microsOf(input, history.output(at) ?? null);
    const refused = input.f === 'cas' && history.output(at) === false;
    events[index] = isOk && !refused ? { ...ended, type: 'ok', output } : { ...ended, type: 'fail', error: 'failed' };
  }
  return events.filter((event) => event !== undefined);
}

function microsOf(input: SequentialInput, seen: Json): MicroOperation[] {
  const key = input.key ?? 'the register';
  if (input.f === 'read') return [['r', key, seen]];
  if (input.f === 'write') return [['w', key, input.value]];
  if (input.f !== 'cas') return [];
  return [
    ['r', key, input.from],
    ['w', key, input.to],
  ];
}

function judgeParts(history: SequentialHistory): Verdict {
  const found = new Anomalies(history);
  let [reads, malformed, added] = [0, 0, 0];
  for (let at = 0; at < history.length; at++) {
    const { f, key = null } = history.input(at);
    if (history.type[at] !== OK) continue;
    if (f === 'add') added++;
    if (f !== 'read') continue;
    const parts = history.output(at) ?? null;
    if (!Array.isArray(parts)) malformed++;
    else if (++reads > 0) judgeRead(found, history, at, key, parts as readonly Json[]);
  }
  const missing = malformed > 0 ? [`${count(malformed, 'read')} did not show the parts of a key`] : [];
  if (reads === 0) missing.push('no parts were read');
  if (added === 0) missing.push('no part was added');
  return found.conclude({
    checker: NAME,
    guarantee: 'no part of a key is seen without those that were added before it',
    seen: `${count(reads, 'read')} of ${count(added, 'part')}`,
    missing,
    statistics: { reads, added },
  });
}

/** The parts stand in the order in which they were looked for: the last that was added first. */
function judgeRead(found: Anomalies, history: SequentialHistory, at: number, key: Json, parts: readonly Json[]): void {
  const first = parts.findIndex((part) => part !== null);
  const gap = first < 0 ? -1 : parts.indexOf(null, first);
  if (gap < 0) return;
  found.add('nonsequential-read', () => ({
    subject: `key ${said(key)}`,
    explanation: `${nameOf(history, at)} saw part ${said(parts[first] as Json)} of key ${said(key)}, and after that not the one that was added ${count(gap - first, 'part')} before it`,
    operations: [at],
  }));
}
