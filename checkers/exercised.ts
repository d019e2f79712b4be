/**
 * Was anything put to the test? Every function must have succeeded, every fault must have met load and had an
 * effect, and the cluster must have come back. Otherwise the run proves nothing, and the verdict is `unknown`.
 */

import type { FaultRecord } from '../rig/contract.ts';
import { defineChecker, unknown, valid } from '../rig/define.ts';
import { faultRecords } from '../rig/faults.ts';
import { type History, OK } from '../rig/history.ts';

export const exercised = defineChecker({
  name: 'exercised',
  check(history) {
    const faults = faultRecords(history);
    const reasons = [
      ...idleFunctions(history),
      ...idleFaults(history, faults),
      ...idleNemeses(history, faults),
      ...missedMoments(faults),
      ...missingRecovery(history, faults),
    ];
    const statistics = { functions: history.functions, faults: faults.length, reasons };
    if (reasons.length > 0) return unknown('exercised', reasons.join('; '), statistics);
    const hidden = faults.filter((fault) => wasHidden(fault, faults)).length;
    const which = faults.length === 1 ? 'the one fault' : `each of ${faults.length - hidden} faults`;
    const met = faults.length === 0 ? 'no fault was asked for' : `${which} met load and had an effect`;
    const rest = hidden === 0 ? '' : `; ${hidden} more could have none beside another fault`;
    return valid('exercised', `every function succeeded, ${met}${rest}`, statistics);
  },
});

function idleFunctions(history: History): string[] {
  if (history.length === 0) return ['no request was made'];
  const succeeded = new Set<number>();
  for (let at = 0; at < history.length; at++) if (history.type[at] === OK) succeeded.add(history.f[at] as number);
  return history.functions.filter((_, f) => !succeeded.has(f)).map((name) => `no ${name} ever succeeded`);
}

function idleFaults(history: History, faults: readonly FaultRecord[]): string[] {
  return faults.flatMap((fault) => {
    const reasons: string[] = [];
    if (fault.stuck !== null) reasons.push(`the fault "${fault.sentence}" may still be in force: ${fault.stuck}`);
    if (fault.injectedNs === null) return [...reasons, `the fault "${fault.sentence}" never came into force`];
    if (fault.releasedNs === null && fault.stuck === null)
      reasons.push(`the fault "${fault.sentence}" was never seen to be undone`);
    // What takes a while to come into force has its effect meanwhile: a restore is over when it is in force.
    if (!metLoad(history, fault.injectNs, fault.releaseNs ?? history.lastNs))
      reasons.push(`no request was made while the fault "${fault.sentence}" was in force`);
    if (fault.evidence === null) reasons.push(`nothing was observed of the fault "${fault.sentence}"`);
    else if (!fault.evidence.effective && !wasHidden(fault, faults))
      reasons.push(`the fault "${fault.sentence}" had no effect: ${fault.evidence.observed}`);
    return reasons;
  });
}

/** Nemeses of which every fault was skipped: what they would have shown was not shown. */
function idleNemeses(history: History, faults: readonly FaultRecord[]): string[] {
  const skipped = new Map(
    history.faults.flatMap((event) =>
      event.action === 'skipped'
        ? [[event.nemesis, event.evidence?.observed ?? 'no reason was recorded'] as const]
        : [],
    ),
  );
  return [...skipped]
    .filter(([nemesis]) => !faults.some((fault) => fault.nemesis === nemesis))
    .map(([nemesis, reason]) => `every fault of ${nemesis} was skipped: ${reason}`);
}

/** Nemeses whose faults were to last until some moment, which never came: the trouble that was meant was not seen. */
function missedMoments(faults: readonly FaultRecord[]): string[] {
  const anchored = faults.filter(({ evidence }) => evidence?.reached !== undefined);
  const reached = new Set(anchored.flatMap(({ nemesis, evidence }) => (evidence?.reached ? [nemesis] : [])));
  const missed = new Map(anchored.map((fault) => [fault.nemesis, fault] as const));
  return [...missed]
    .filter(([nemesis]) => !reached.has(nemesis))
    .map(([, fault]) => `the fault "${fault.sentence}" ended before that: ${fault.evidence?.observed}`);
}

/**
 * A fault can be hidden by another at the same time: nothing is kept from a node that was killed. It proves nothing,
 * and spoils nothing if its nemesis had an effect at another time.
 */
function wasHidden(fault: FaultRecord, faults: readonly FaultRecord[]): boolean {
  if (fault.evidence === null || fault.evidence.effective) return false;
  const effective = faults.filter(({ evidence }) => evidence?.effective === true);
  return (
    effective.some(({ nemesis }) => nemesis === fault.nemesis) &&
    effective.some((other) => other.nemesis !== fault.nemesis && overlap(fault, other))
  );
}

const overlap = (one: FaultRecord, other: FaultRecord): boolean =>
  (one.injectedNs ?? Infinity) <= (other.releasedNs ?? Infinity) &&
  (other.injectedNs ?? Infinity) <= (one.releasedNs ?? Infinity);

/** True if an operation was under way, or began, from `fromNs` to `untilNs`. */
function metLoad(history: History, fromNs: number, untilNs: number): boolean {
  for (let at = 0; at < history.length && (history.invokedNs[at] as number) <= untilNs; at++) {
    const endedNs = history.endedNs(at);
    if (Number.isNaN(endedNs) || endedNs >= fromNs) return true;
  }
  return false;
}

/** Only a run has phases and faults; a history from elsewhere owes no recovery. */
function missingRecovery(history: History, faults: readonly FaultRecord[]): string[] {
  const recovery = history.phases.find(({ phase }) => phase === 'recovery');
  const last = faults.reduce((latest, { releasedNs }) => Math.max(latest, releasedNs ?? 0), 0);
  if (!recovery) {
    if (faults.length === 0) return [];
    return ['the cluster was not seen to recover: the run ended before that'];
  }
  if (history.phases.some(({ phase, index }) => phase === 'final' && index > recovery.index)) return [];
  const answered = new Set<number>();
  for (let at = 0; at < history.length; at++)
    if (history.type[at] === OK && (history.invokedNs[at] as number) >= last) answered.add(history.node[at] as number);
  const silent = history.nodes.filter((_, node) => !answered.has(node));
  if (silent.length === 0) return [];
  return [`the cluster did not recover: ${silent.join(', ')} answered nothing after the last fault was undone`];
}
