/** How a run ended, as one word with its symbol: what the terminal, the page, its title and its icon all say. */

import type { FaultRecord, RunVerdict } from '../rig/contract.ts';
import { EXIT } from '../rig/exit.ts';
import { type Orders, ordersFor } from '../rig/left-behind.ts';

export interface Outcome {
  readonly word: 'VALID' | 'INVALID' | 'UNKNOWN' | 'INTERRUPTED' | 'FAILED' | 'ABORTED' | 'KILLED';
  readonly symbol: string;
  readonly tone: 'good' | 'bad' | 'unsure';
  /** What the word means, for somebody who sees it for the first time. */
  readonly meaning: string;
}

const VALID: Outcome = {
  word: 'VALID',
  symbol: '✓',
  tone: 'good',
  meaning: 'Everything that was checked holds, and the faults really happened.',
};
const INVALID: Outcome = {
  word: 'INVALID',
  symbol: '✗',
  tone: 'bad',
  meaning: 'The system did something that it must never do. The operations that prove it are shown.',
};
const UNKNOWN: Outcome = {
  word: 'UNKNOWN',
  symbol: '?',
  tone: 'unsure',
  meaning: 'Nothing wrong was found, but something that must be known for a pass is missing. This is not a pass.',
};
const INTERRUPTED: Outcome = {
  word: 'INTERRUPTED',
  symbol: '‖',
  tone: 'unsure',
  meaning: 'The run was stopped by hand. What had been recorded was judged; this is not a pass.',
};
const FAILED: Outcome = {
  word: 'FAILED',
  symbol: '!',
  tone: 'unsure',
  meaning: 'The run could not be carried out as planned. What had been recorded was judged; this is not a pass.',
};
const ABORTED: Outcome = {
  word: 'ABORTED',
  symbol: '!',
  tone: 'unsure',
  meaning:
    'A limit of the run was exceeded, so load and faults were ended. What there was is judged; this is not a pass.',
};
const KILLED: Outcome = {
  word: 'KILLED',
  symbol: '!',
  tone: 'unsure',
  meaning: 'The rig itself died before the end. What it had recorded was judged; this is not a pass.',
};

/** Something impossible counts however the run ended; short of that, an early end says more than what was judged. */
export function outcomeOf(verdict: Pick<RunVerdict, 'validity' | 'ending'>): Outcome {
  if (verdict.validity === 'invalid') return INVALID;
  switch (verdict.ending) {
    case 'interrupted':
      return INTERRUPTED;
    case 'aborted':
      return ABORTED;
    case 'failed':
      return FAILED;
    case 'killed':
      return KILLED;
    case 'complete':
      return verdict.validity === 'valid' ? VALID : UNKNOWN;
  }
}

/** What stands between this run and a pass although nothing wrong was found: each with who says so. */
export function doubtsOf(
  verdict: Pick<RunVerdict, 'errors' | 'verdicts'>,
): { readonly source: string; readonly reason: string }[] {
  const failures = verdict.errors.map((reason) => ({ source: 'run', reason }));
  // A checker that failed is both an error of the run and an unknown verdict, in the same words.
  const unknowns = verdict.verdicts
    .filter(({ validity, summary }) => validity === 'unknown' && !verdict.errors.includes(summary))
    .map(({ checker, summary }) => ({ source: checker, reason: summary }));
  return [...failures, ...unknowns];
}

/** What may still be in force or left behind outside the rig, and what to do about it; `null` when all was undone. */
export function leftBehind({ id, exit, faults }: Pick<RunVerdict, 'exit' | 'faults' | 'id'>): Orders | null {
  const open = faults.filter((fault) => fault.releasedNs === null);
  if (exit.code !== EXIT.faultMayBeActive && open.length === 0) return null;
  const left = exit.code === EXIT.faultMayBeActive ? exit.reason : open.map(notUndone).join('\n');
  return ordersFor(`ordeal heal ${id}`, left, false);
}

const notUndone = ({ sentence }: FaultRecord): string => `not seen to be undone: ${sentence}`;
