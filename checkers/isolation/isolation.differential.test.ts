/**
 * The checkers against the definition: a history is serializable if some serial order shows every read what it saw.
 * As many histories as one likes: `ORDEAL_FUZZ_RUNS=100000 npx vitest run isolation.differential`.
 */

import { describe, expect, it } from 'vitest';
import type { Checker, Json, Verdict } from '../../rig/contract.ts';
import type { History } from '../../rig/history.ts';
import { Random } from '../../rig/random.ts';
import { hasSerialOrder, type Kind, randomHistory } from './brute-force.ts';
import { isolationBy } from './by-name.ts';

const RUNS = Number(process.env['ORDEAL_FUZZ_RUNS'] ?? 2000);
const SEED = process.env['ORDEAL_FUZZ_SEED'] ?? 'isolation';
const patient = { exhausted: () => false, reason: () => 'nothing' };

const drawn = (history: History): string =>
  [...history.operations()]
    .map(({ index, input, completion }) =>
      JSON.stringify([index, input['value'] as Json, completion as unknown as Json]),
    )
    .join('\n');

describe.each([
  ['list-append', 'list'],
  ['rw-register with updates only', 'update'],
  ['rw-register', 'register'],
  ['sql-rows', 'rows'],
] as const satisfies readonly (readonly [string, Kind])[])('%s', (name, kind) => {
  it(`calls invalid exactly what has no such order, with and without real time, of ${RUNS} histories`, {
    timeout: 60_000 + 20 * RUNS,
  }, () => {
    const [first] = name.split(' ');
    const checkers = ['strict-serializable', 'serializable'].map(
      (model) => isolationBy(`${first}:${model}`) as Checker,
    );
    const random = new Random(`${SEED} ${name}`);
    const counts = { valid: 0, unknown: 0, invalid: 0 };
    for (let run = 0; run < RUNS; run++) {
      const history = randomHistory(kind, random.fork(String(run)));
      const isStrict = run % 2 === 0;
      const verdict = (checkers[isStrict ? 0 : 1] as Checker).check(history, patient) as Verdict;
      counts[verdict.validity]++;
      const isPossible = hasSerialOrder(history, isStrict);
      if ((verdict.validity === 'invalid') === isPossible)
        expect.fail(
          `run ${run}: ${verdict.summary}, and yet there is ${isPossible ? 'an' : 'no'} order\n${drawn(history)}`,
        );
    }
    expect(Math.min(counts.valid, counts.invalid)).toBeGreaterThan(RUNS / 20);
  });
});
