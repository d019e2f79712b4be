/**
 * How long histories of 300 operations take cold: each in a process of its own that has judged nothing before, from the
 * history read to the verdict. The start of the process and reading are not counted.
 */

import { execa } from 'execa';
import { budgetOf } from '../budget.ts';
import { readAnyHistory } from '../formats.ts';
import { BUDGET_MS, checkerBy, inFile, ms, timed, UNIQUE } from './judging.ts';
import type { Shape } from './made-history.ts';

const OPERATIONS = 300;
const MOST_MS = 10;
/** The quickest counts: what else the machine does can only add. */
const ROUNDS = 3;

const REGIMES: readonly (readonly [name: string, shape: Partial<Shape>, by: string])[] = [
  ['register, unique values, c=10', { ...UNIQUE, clients: 10 }, 'register'],
  ['register, unique values, c=10, 5 % unknown', { ...UNIQUE, clients: 10, unknown: 0.05 }, 'register'],
  ['cas-register, c=5', { clients: 5 }, 'cas-register'],
  ['cas-register, c=10', { clients: 10 }, 'cas-register'],
  ['cas-register, c=20', { clients: 20 }, 'cas-register'],
  ['cas-register, c=10, 5 % unknown', { clients: 10, unknown: 0.05 }, 'cas-register'],
  ['cas-register, c=20, 5 % unknown', { clients: 20, unknown: 0.05 }, 'cas-register'],
  ['cas-register, c=10, a violation', { clients: 10, violation: true }, 'cas-register'],
  ['cas-register, c=20, 5 % unknown, a violation', { unknown: 0.05, violation: true }, 'cas-register'],
  ['set, 10 elements, c=10', { kind: 'set', keys: 10, clients: 10 }, 'set'],
  ['fifo-queue, c=10', { kind: 'queue', clients: 10 }, 'fifo-queue'],
  ['list-append, c=10', { kind: 'list-append', keys: 3, clients: 10 }, 'list-append'],
];

/** Prints what each takes, and the worst. */
export async function benchSmall(): Promise<void> {
  let worst = { name: '', coldMs: 0 };
  for (const [name, shape, by] of REGIMES)
    await inFile({ operations: OPERATIONS, ...shape }, async (path) => {
      let [coldMs, validity] = [Infinity, ''];
      for (let round = 0; round < ROUNDS; round++) {
        const found = await inFreshProcess(path, by);
        [coldMs, validity] = [Math.min(coldMs, found.checkMs), found.validity];
      }
      console.log(`${name.padEnd(46)} ${ms(coldMs)}, ${validity}`);
      if (coldMs > worst.coldMs) worst = { name, coldMs };
    });
  const { name, coldMs } = worst;
  console.log(
    `worst of ${OPERATIONS} operations, cold: ${ms(coldMs)} (${name}), goal ≤ ${MOST_MS} ms ${coldMs <= MOST_MS ? 'reached' : 'MISSED'}`,
  );
}

interface Found {
  readonly validity: string;
  readonly checkMs: number;
}

async function inFreshProcess(path: string, by: string): Promise<Found> {
  const call = `(await import(${JSON.stringify(import.meta.url)})).judgeCold(${JSON.stringify(path)}, ${JSON.stringify(by)})`;
  const { stdout } = await execa(process.execPath, ['--input-type=module', '-e', `console.log(await ${call})`]);
  return JSON.parse(stdout) as Found;
}

/** What becomes of a history in a process that has judged nothing yet, and how long it takes, as JSON. */
export async function judgeCold(path: string, by: string): Promise<string> {
  const checker = checkerBy(by);
  if (!checker) throw new Error(`no model or checker is called ${by}`);
  const { history } = await readAnyHistory(path);
  const [{ validity }, checkMs] = await timed(() => checker.check(history, budgetOf(BUDGET_MS)));
  return JSON.stringify({ validity, checkMs } satisfies Found);
}
