/** Runs to draw in tests: made from a seed, shaped like real ones, one for each way in which a run can end. */

export { failedRun, interruptedRun, unknownRun, validRun } from './ends.ts';
export { duplicateRun, invalidRun } from './findings.ts';
export { HOSTILE, hostileRun } from './hostile.ts';
