/** Lets bytes pass at a pace, a few at a time, under a rule: when that is released, what is left passes at once. */

import type { RuleInForce } from './rules.ts';

const STEP_MS = 50;
/** No message takes longer, however large it is: it is then faster than it was to be. */
const LONGEST_MS = 20_000;

export function trickle(rule: RuleInForce, bytesPerSecond: number, bytes: Buffer, pass: (some: Buffer) => void): void {
  const atPace = Math.ceil((bytesPerSecond * STEP_MS) / 1_000);
  const step = Math.max(1, atPace, Math.ceil((bytes.length * STEP_MS) / LONGEST_MS));
  const from = (at: number): void => {
    pass(bytes.subarray(at, at + step));
    const next = at + step;
    if (next >= bytes.length) return;
    if (!rule.later(STEP_MS, bytes.length - next, () => from(next))) pass(bytes.subarray(next));
  };
  from(0);
}
