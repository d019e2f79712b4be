/** Checkers of transactions under the names that say what they judge by: `list-append:snapshot-isolation`. */

import type { Checker } from '../../rig/contract.ts';
import { listAppendBy } from './list-append.ts';
import { type Assumption, assumptions, optionsIn } from './options.ts';
import { rwRegisterBy } from './rw-register.ts';
import { sqlRowsBy } from './sql-rows.ts';

/** `undefined` for a name that is no such checker's; a `UsageError` for one that asks for what there is not. */
export function isolationBy(name: string): Checker | undefined {
  const [checker = '', options] = name.split(':', 2);
  if (options === undefined) return undefined;
  if (checker === 'list-append') return listAppendBy(optionsIn(options, checker, []).model) as unknown as Checker;
  if (checker === 'sql-rows') return sqlRowsBy(optionsIn(options, checker, []).model) as unknown as Checker;
  if (checker !== 'rw-register') return undefined;
  const known = Object.keys(assumptions) as Assumption[];
  return rwRegisterBy(optionsIn(options, checker, known)) as unknown as Checker;
}
