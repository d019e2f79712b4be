/**
 * No key stays taken: whoever reserved it and died must not keep others from it for ever. Judged where nothing was
 * broken: a key that was asked for again and again for a while of calm, and was in use every time, is stuck.
 */

import { FAIL, type History, INFO } from '../../rig/history.ts';
import type { Asked, TransfersInput, TransfersOutput } from './evidence.ts';
import type { Findings } from './findings.ts';
import type { Terms } from './terms.ts';

const FEWEST_ATTEMPTS = 3;
/** Longer than a sound service works on a request, or lets a reservation live. */
const CALM_NS = 2e9;

/** A time without any fault. */
interface Calm {
  readonly fromNs: number;
  readonly untilNs: number;
}

export function judgeStuckKeys(findings: Findings): void {
  const { history, evidence, terms } = findings;
  const calms = calmTimes(history);
  for (const transfer of evidence.transfers.values()) {
    const inUse = lastInUse(history, transfer, terms);
    if (inUse.length < FEWEST_ATTEMPTS) continue;
    const untilNs = history.invokedNs[inUse.at(-1) as number] as number;
    const calm = calms.find((one) => one.fromNs <= untilNs && untilNs <= one.untilNs);
    if (!calm) continue;
    const during = inUse.filter((at) => (history.invokedNs[at] as number) >= calm.fromNs);
    const firstNs = history.invokedNs[during[0] as number] as number;
    if (during.length < FEWEST_ATTEMPTS || untilNs - firstNs < CALM_NS) continue;
    const what = `for ${((untilNs - firstNs) / 1e9).toFixed(1)} s without any fault it was in use whenever it was asked for, ${during.length} times`;
    findings.addTransfer('stuck-key', transfer, null, what);
  }
}

/** What is asked for again when all is healed gets an answer: nobody has to live with a doubt for ever. */
export function judgeSettled(findings: Findings): void {
  const { history, evidence, terms } = findings;
  const final = history.phases.find(({ phase }) => phase === 'final');
  if (!final) return;
  for (const transfer of evidence.transfers.values()) {
    const asked = transfer.attempts.filter((at) => (history.invokedNs[at] as number) >= final.timeNs);
    const isOpen = (at: number) =>
      history.type[at] === INFO ||
      (history.type[at] === FAIL && terms.inUse.has(history.errors[history.error[at] as number] as string));
    if (asked.length < FEWEST_ATTEMPTS || !asked.every(isOpen) || findings.has('stuck-key', transfer.name)) continue;
    const what = `asked for ${asked.length} times after all faults were healed, without ever getting an answer that settles it`;
    findings.addTransfer('unresolved-outcome', transfer, null, what);
  }
}

/** The attempts at its end that all found it in use. */
function lastInUse(
  history: History<TransfersInput, TransfersOutput>,
  { attempts }: Asked,
  { inUse }: Terms,
): readonly number[] {
  const from = attempts.findLastIndex(
    (at) => history.type[at] !== FAIL || !inUse.has(history.errors[history.error[at] as number] as string),
  );
  return attempts.slice(from + 1);
}

/** Before the first fault, between faults, and after the last. */
export function calmTimes(history: History): readonly Calm[] {
  const open = new Set<string>();
  const calms: Calm[] = [];
  let fromNs = 0;
  for (const { action, hold, timeNs } of history.faults) {
    if (action === 'inject') {
      if (open.size === 0) calms.push({ fromNs, untilNs: timeNs });
      open.add(hold);
    } else if (action === 'released' && open.delete(hold) && open.size === 0) fromNs = timeNs;
  }
  return open.size === 0 ? [...calms, { fromNs, untilNs: Infinity }] : calms;
}
