/** Exit codes, and the errors that carry one. Where several apply, the first of the list wins. */

import type { Ending, Validity } from './contract.ts';

export const EXIT = {
  faultMayBeActive: 4,
  invalid: 1,
  couldNotBeDone: 3,
  unknown: 2,
  valid: 0,
  badUsage: 64,
  bugInOrdeal: 70,
  interrupted: 130,
  terminated: 143,
} as const;

/** What each code means, in the order of precedence, for `--help` and the docs. */
export const EXIT_MEANINGS: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.faultMayBeActive, 'a fault may still be active: run `ordeal heal`'],
  [EXIT.invalid, 'invalid: the system broke a promise, with witnesses'],
  [EXIT.couldNotBeDone, 'the run could not be done'],
  [EXIT.unknown, 'unknown: nothing was proven either way'],
  [EXIT.valid, 'valid'],
  [EXIT.badUsage, 'bad usage or configuration; nothing was touched'],
  [EXIT.bugInOrdeal, 'a bug in Ordeal'],
  [EXIT.interrupted, 'interrupted (SIGINT) and healed'],
  [EXIT.terminated, 'terminated (SIGTERM) and healed'],
];

/** What a person gave cannot be used: a flag, a name, a configuration, a file. Nothing was touched. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}

/** The code and the reason of a judged run. */
export function exitOf(run: {
  readonly validity: Validity;
  readonly ending: Ending | 'killed';
  /** Of an interrupted run: `SIGINT` or `SIGTERM`; of an aborted one, the limit that was exceeded. */
  readonly signal: string | undefined;
  readonly errors: readonly string[];
  readonly left: string | null;
}): { readonly code: number; readonly reason: string } {
  if (run.left !== null) return { code: EXIT.faultMayBeActive, reason: run.left };
  if (run.validity === 'invalid') return { code: EXIT.invalid, reason: 'invalid' };
  if (run.ending === 'interrupted') {
    const code = run.signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
    return { code, reason: `interrupted by ${run.signal ?? 'a signal'} and healed` };
  }
  if (run.ending === 'aborted') return { code: EXIT.couldNotBeDone, reason: `aborted and healed: ${run.signal}` };
  const [error] = run.errors;
  if (error !== undefined) return { code: EXIT.couldNotBeDone, reason: error };
  if (run.validity === 'unknown') return { code: EXIT.unknown, reason: 'unknown' };
  return { code: EXIT.valid, reason: 'valid' };
}
