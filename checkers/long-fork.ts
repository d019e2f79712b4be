/**
 * Do all readers see writes of different keys happen in one order? Of any two reads of the same keys one must have seen
 * all that the other had: otherwise time forked (parallel snapshot isolation allows it, snapshot isolation does not).
 * Every key is written once. Near-linear: reads in order of how much they saw must be a chain.
 */

import type { Input, Json } from '../rig/contract.ts';
import { defineChecker } from '../rig/define.ts';
import { FAIL, type History, OK } from '../rig/history.ts';
import { Anomalies, count } from './anomalies.ts';
import { said, Values } from './values.ts';
import { nameOf } from './wording.ts';

/** A list of micro-operations, `["r", key, null]` and `["w", key, value]`. */
export type LongForkInput = Input & { readonly f: 'read' | 'write' | 'txn'; readonly value?: Json };

/** The same list, with what each `r` saw; `null` is a key that nobody has written. */
export type LongForkOutput = Json;

type Micro = readonly Json[];

interface Read {
  readonly at: number;
  /** By key, in the order of the keys of its group, whether it was seen written. */
  readonly seen: readonly boolean[];
  readonly count: number;
}

interface Group {
  readonly keys: readonly Json[];
  readonly reads: Read[];
}

const isMicro = (one: Json): one is Micro => Array.isArray(one) && one.length >= 2;

function micros(list: Json | undefined, f: string): readonly Micro[] {
  return Array.isArray(list) ? (list as readonly Json[]).filter(isMicro).filter(([name]) => name === f) : [];
}

/** Reads by the keys that they read together, keys in the order of their text. */
function groupsOf(history: History<LongForkInput, LongForkOutput>): readonly Group[] {
  const groups = new Map<string, Group>();
  for (let at = 0; at < history.length; at++) {
    if (history.type[at] !== OK) continue;
    const byKey = new Map<string, { key: Json; seen: boolean }>();
    for (const [, key = null, value] of micros(history.output(at), 'r'))
      byKey.set(JSON.stringify(key), { key, seen: (value ?? null) !== null });
    if (byKey.size < 2) continue;
    const sorted = [...byKey].sort(([a], [b]) => (a < b ? -1 : 1));
    const name = sorted.map(([text]) => text).join(' ');
    const group = groups.get(name) ?? { keys: sorted.map(([, { key }]) => key), reads: [] };
    groups.set(name, group);
    const seen = sorted.map(([, one]) => one.seen);
    group.reads.push({ at, seen, count: seen.filter(Boolean).length });
  }
  return [...groups.values()];
}

function judge(found: Anomalies, history: History, { keys, reads }: Group): void {
  const [first, ...rest] = [...reads].sort((a, b) => a.count - b.count);
  let less = first;
  for (const more of rest) {
    const before = less as Read;
    less = more;
    const only = before.seen.findIndex((seen, key) => seen && !more.seen[key]);
    if (only < 0) continue;
    const other = more.seen.findIndex((seen, key) => seen && !before.seen[key]);
    const [one, two] = [said(keys[only]), said(keys[other])];
    found.add('long-fork', () => ({
      subject: `keys ${keys.map(said).join(', ')}`,
      explanation: `${nameOf(history, before.at)} saw key ${one} written but not yet key ${two}, while ${nameOf(history, more.at)} saw key ${two} written but not yet key ${one}: no order of the two writes explains both`,
      operations: [before.at, more.at],
    }));
  }
}

/** Keys that were written more than once: seeing them written says too little. */
function rewritten(history: History<LongForkInput, LongForkOutput>): number {
  const keys = new Values();
  const again = new Set<number>();
  for (let at = 0; at < history.length; at++) {
    if (history.type[at] === FAIL) continue;
    for (const [, key = null] of micros(history.input(at).value, 'w')) {
      const size = keys.size;
      const number = keys.of(key);
      if (number < size) again.add(number);
    }
  }
  return again.size;
}

export const longFork = defineChecker<LongForkInput, LongForkOutput>({
  name: 'long-fork',
  check(history) {
    const found = new Anomalies(history);
    const groups = groupsOf(history);
    for (const group of groups) judge(found, history, group);
    const comparable = groups.filter(({ reads }) => reads.length > 1).length;
    const telling = groups.reduce(
      (sum, { keys, reads }) => sum + reads.filter((read) => read.count > 0 && read.count < keys.length).length,
      0,
    );
    const again = rewritten(history);
    const missing = comparable === 0 ? ['no two reads were of the same keys'] : [];
    if (comparable > 0 && telling === 0) missing.push('no read saw some of its keys written and others not');
    if (again > 0) missing.push(`${count(again, 'key')} were written more than once`);
    return found.conclude({
      checker: 'long-fork',
      guarantee: 'all readers see the writes of different keys in one order',
      seen: `${count(telling, 'read')} of ${count(groups.length, 'group')} of keys saw some of them written`,
      missing,
      statistics: { groups: groups.length, telling, rewrittenKeys: again },
    });
  },
});
