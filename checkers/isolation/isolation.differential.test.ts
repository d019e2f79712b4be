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
  it.each(['strict-serializable', 'serializable'])(
    `calls %s exactly what has such an order, of ${RUNS} histories`,
    { timeout: 60_000 + 20 * RUNS },
    (model) => {
      const checker = isolationBy(`${name.split(' ')[0]}:${model}`) as Checker;
      const random = new Random(`${SEED} ${name} ${model}`);
      const counts = { valid: 0, unknown: 0, invalid: 0 };
      let lastResort = 0;
      for (let run = 0; run < RUNS; run++) {
        const history = randomHistory(kind, random.fork(String(run)));
        const verdict = checker.check(history, patient) as Verdict;
        counts[verdict.validity]++;
        if (verdict.anomalies[0]?.name.startsWith('nonserializable')) lastResort++;
        const isPossible = hasSerialOrder(history, model === 'strict-serializable');
        if ((verdict.validity === 'invalid') === isPossible)
          expect.fail(
            `run ${run}: ${verdict.summary}, and yet there is ${isPossible ? 'an' : 'no'} order\n${drawn(history)}`,
          );
      }
      console.log(name, model, counts, `${lastResort} by search`);
      expect(Math.min(counts.valid, counts.invalid)).toBeGreaterThan(RUNS / 20);
    },
  );
});
