/**
 * Is no write visible without the writes that were acknowledged before it began? A read that has the later of two
 * successive elements but not the earlier shows time reversed; strict serializability forbids it. Linear in the reads.
 */

import { defineChecker } from '../rig/define.ts';
import type { Input, Json } from '../rig/contract.ts';
import { FAIL, type History, OK } from '../rig/history.ts';
import { Anomalies, count } from './anomalies.ts';
import { byKey, type Group, said, Values } from './values.ts';
import { nameOf } from './wording.ts';

/** Each value is written, or added, once. Without a `key` all are read together. */
export type CausalReverseInput = Input &
  (
    | { readonly f: 'write' | 'add'; readonly key?: Json; readonly value: Json }
    | { readonly f: 'read'; readonly key?: Json }
  );

/** Of a read the list of all values, in any order. */
export type CausalReverseOutput = Json;

type ThisHistory = History<CausalReverseInput, CausalReverseOutput>;

function judge(
  found: Anomalies,
  history: ThisHistory,
  { subject, positions }: Group,
): { reads: number; writes: number } {
  const values = new Values();
  const writes: number[] = [];
  const reads: number[] = [];
  for (const at of positions) {
    const input = history.input(at);
    if (input.f === 'read') {
      if (history.type[at] === OK && Array.isArray(history.output(at) ?? [])) reads.push(at);
    } else if (history.type[at] !== FAIL && values.of(input.value ?? null) === writes.length) writes.push(at);
  }
  const { invokeIndex, completeIndex, type } = history;
  const acknowledged = writes
    .map((at, number) => ({ at, number }))
    .filter(({ at }) => type[at] === OK)
    .sort((a, b) => (completeIndex[a.at] as number) - (completeIndex[b.at] as number));
  const stamp = new Int32Array(writes.length).fill(-1);
  for (const at of reads) {
    let latest = -1;
    for (const value of (history.output(at) ?? []) as readonly Json[]) {
      const number = values.find(value);
      if (number === undefined) continue;
      stamp[number] = at;
      const write = writes[number] as number;
      if (latest < 0 || (invokeIndex[write] as number) > (invokeIndex[latest] as number)) latest = write;
    }
    if (latest < 0) continue;
    // In the order of acknowledgement all are there up to the first that is missing.
    const absent = acknowledged.find(({ number }) => stamp[number] !== at);
    if (!absent || (completeIndex[absent.at] as number) > (invokeIndex[latest] as number)) continue;
    const valueOf = (write: number) => {
      const input = history.input(write);
      return said(input.f === 'read' ? null : input.value);
    };
    found.add('causal-reverse', () => ({
      subject,
      explanation: `${nameOf(history, at)} has ${valueOf(latest)} but not ${valueOf(absent.at)}, although ${valueOf(absent.at)} had been acknowledged (${nameOf(history, absent.at)}) before ${valueOf(latest)} was asked for (${nameOf(history, latest)})`,
      operations: [absent.at, latest, at],
    }));
  }
  return { reads: reads.length, writes: acknowledged.length };
}

export const causalReverse = defineChecker<CausalReverseInput, CausalReverseOutput>({
  name: 'causal-reverse',
  check(history) {
    const found = new Anomalies(history);
    const totals = { reads: 0, writes: 0 };
    for (const group of byKey(history, 'set')) {
      const { reads, writes } = judge(found, history, group);
      totals.reads += reads;
      totals.writes += writes;
    }
    const missing = totals.reads === 0 ? ['nothing was read'] : [];
    if (totals.writes < 2) missing.push('fewer than two writes were acknowledged');
    return found.conclude({
      checker: 'causal-reverse',
      guarantee: 'no write is seen without those that were acknowledged before it began',
      seen: `${count(totals.reads, 'read')} of ${count(totals.writes, 'acknowledged write')}`,
      missing,
      statistics: totals,
    });
  },
});
