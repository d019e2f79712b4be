/**
 * Do all nodes come to say the same once nothing is asked of them and nothing is wrong? Compares the last reads of each
 * key through each node, made after the last change was asked for or answered and the last fault was undone. One pass.
 */

import type { Input, Json } from '../rig/contract.ts';
import { defineChecker } from '../rig/define.ts';
import { type History, INFO, OK } from '../rig/history.ts';
import { Anomalies, count } from './anomalies.ts';
import { byKey, type Group, said, Values } from './values.ts';
import { nameOf } from './wording.ts';

/** Whatever is no `read` changes its key. */
export type ConvergenceInput = Input & {
  readonly f: string;
  readonly key?: Json;
  readonly value?: Json;
  readonly to?: Json;
};

/** Of a read anything that can be compared. */
export type ConvergenceOutput = Json;

type AnyHistory = History<ConvergenceInput, ConvergenceOutput>;

/** The event after which the key is at rest. */
function quietAfter(history: AnyHistory, positions: readonly number[]): number {
  let quiet = -1;
  for (const { index } of history.faults) quiet = Math.max(quiet, index);
  for (const at of positions) {
    if (history.input(at).f === 'read') continue;
    const completed = history.completeIndex[at] as number;
    quiet = Math.max(quiet, history.type[at] === INFO ? (history.invokeIndex[at] as number) : completed);
  }
  return quiet;
}

/** The last read through each node. */
function lastReads(history: AnyHistory, positions: readonly number[]): readonly number[] {
  const quiet = quietAfter(history, positions);
  const lasts = new Map<number, number>();
  for (const at of positions)
    if (history.input(at).f === 'read' && history.type[at] === OK && (history.invokeIndex[at] as number) > quiet)
      lasts.set(history.node[at] as number, at);
  return [...lasts.values()];
}

/** Whether a difference may come from a request of unknown outcome that took effect between the reads. */
function mayStillChange(history: AnyHistory, positions: readonly number[], values: Values): boolean {
  return positions.some((at) => {
    if (history.type[at] !== INFO || history.input(at).f === 'read') return false;
    const { f, value, to } = history.input(at);
    const isKnown = f === 'write' || f === 'put' || f === 'cas';
    return !isKnown || values.find(to ?? value ?? null) !== undefined;
  });
}

type Outcome = 'agreed' | 'diverged' | 'undecided' | 'unread';

function judge(found: Anomalies, history: AnyHistory, { subject, positions }: Group): Outcome {
  const reads = lastReads(history, positions);
  if (reads.length < 2) return 'unread';
  const values = new Values();
  const firsts: number[] = [];
  for (const at of reads) {
    const number = values.of(history.output(at) ?? null);
    firsts[number] ??= at;
  }
  if (values.size === 1) return 'agreed';
  if (mayStillChange(history, positions, values)) return 'undecided';
  found.add('divergence', () => ({
    subject,
    explanation: `${subject} was at rest, and yet the last reads differ: ${firsts.map((at, number) => `${said(values.all[number])} (${nameOf(history, at)})`).join(', ')}`,
    operations: firsts,
  }));
  return 'diverged';
}

export const convergence = defineChecker<ConvergenceInput, ConvergenceOutput>({
  name: 'convergence',
  check(history) {
    const found = new Anomalies(history);
    const counts: Record<Outcome, number> = { agreed: 0, diverged: 0, undecided: 0, unread: 0 };
    for (const group of byKey(history, 'key')) counts[judge(found, history, group)]++;
    const missing: string[] = [];
    if (counts.agreed === 0) missing.push('no key was read through two nodes after the last change and the last fault');
    if (counts.undecided > 0)
      missing.push(
        `${count(counts.undecided, 'key')} differed in what a request of unknown outcome may have written late`,
      );
    return found.conclude({
      checker: 'convergence',
      guarantee: 'all nodes come to say the same of every key',
      seen: `${count(counts.agreed, 'key')} read alike through every node asked, ${counts.unread} not read through two`,
      missing,
      statistics: counts,
    });
  },
});
