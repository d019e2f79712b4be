/** Transactions over real databases: serializable ones keep apart, and at weaker levels it is found what these allow. */

import { execa } from 'execa';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Client, Cluster, MicroOperation } from '../rig/contract.ts';
import { Refused } from '../rig/define.ts';
import { describeWith, type Need } from '../rig/needs.ts';
import { packageRoot } from '../rig/package-root.ts';
import { mariadb } from './mariadb/mariadb.ts';
import { postgres } from './postgres/postgres.ts';
import { TrialCluster } from './trial-cluster.ts';

const soon = () => AbortSignal.timeout(20_000);

const cases: readonly (readonly [Need, Cluster, weaker: string])[] = [
  ['postgres', postgres, 'postgres:read-committed'],
  ['mariadb', mariadb, 'mariadb:repeatable-read'],
];

for (const [need, system, weaker] of cases)
  describeWith(['root', need], `transactions over ${system.name} on netns`, () => {
    const trial = new TrialCluster(system, 'netns');
    const clients: Client<'txn'>[] = [];
    let store: string;

    beforeAll(async () => {
      store = mkdtempSync(join(tmpdir(), 'ordeal-sql-'));
      await trial.up();
      for (let client = 0; client < 4; client++) clients.push(await trial.running.connect('txn', 'n1'));
    }, 250_000);

    afterAll(async () => {
      await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
      await trial.down();
      rmSync(store, { recursive: true, force: true });
    });

    const transact = (client: number, ...transaction: MicroOperation[]) =>
      (clients[client] as Client<'txn'>).transact(transaction, soon());

    it('do what they do on a store of ours', async () => {
      await transact(0, ['append', 'list', 1], ['append', 'list', 2], ['w', 'register', 7], ['w', 'register', 8]);
      expect(await transact(1, ['r', 'list', null], ['r', 'register', null], ['r', 'absent', null])).toEqual([
        ['r', 'list', [1, 2]],
        ['r', 'register', 8],
        ['r', 'absent', null],
      ]);
      const statements: readonly MicroOperation[] = [
        ['select', 'row', null],
        ['update', 'row', { version: 1 }],
        ['insert', 'row', { version: 2, name: 'Zoë "x"' }],
        ['update', 'row', { version: 3 }],
        ['select', 'row', null],
        ['delete', 'row', null],
        ['delete', 'row', null],
      ];
      const answers = [null, 0, undefined, 1, { version: 3 }, 1, 0];
      expect((await transact(2, ...statements)).map(([f, , row, changed]) => (f === 'select' ? row : changed))).toEqual(
        answers,
      );
    });

    it('are refused whole where an insert meets a row', async () => {
      await transact(0, ['insert', 'taken', { version: 1 }]);
      const second = transact(1, ['w', 'beside', 1], ['insert', 'taken', { version: 2 }]);
      await expect(second).rejects.toMatchObject({ errorClass: 'row-exists', message: 'there is a row taken already' });
      expect(await transact(1, ['r', 'beside', null])).toEqual([['r', 'beside', null]]);
    });

    it('of many at once on one key, each either appends or is refused for certain', async () => {
      const outcomes = await Promise.all(
        clients.map(async (_, client) => {
          const appended: number[] = [];
          for (let value = client * 100; value < client * 100 + 10; value++) {
            try {
              await transact(client, ['r', 'hot', null], ['append', 'hot', value]);
              appended.push(value);
            } catch (error) {
              expect(error).toBeInstanceOf(Refused);
            }
          }
          return appended;
        }),
      );
      const [[, , list]] = (await transact(0, ['r', 'hot', null])) as [MicroOperation];
      expect(new Set(list as number[])).toEqual(new Set(outcomes.flat()));
      expect(list).toHaveLength(outcomes.flat().length);
      expect(list).not.toEqual([]);
    });

    it.each([
      [system.name, 0, /show no anomaly/],
      [weaker, 1, /INVALID +Not strict-serializable/],
    ])('%s ends with exit code %i', { timeout: 200_000 }, async (cluster, code, says) => {
      const words = ['run', '--cluster', cluster, '--host', 'netns', '--workload', 'sql-rows', '--nemesis', 'kill'];
      const more = ['--seed', '1', '--time-limit', '5s', '--calm', '1s..2s', '--quiet', '--store', store];
      const command = [join(packageRoot, 'rig', 'ordeal.mjs'), ...words, ...more];
      const environment = { NO_COLOR: '1', FORCE_COLOR: undefined };
      const { exitCode, all } = await execa(process.execPath, command, { all: true, reject: false, env: environment });
      expect(exitCode, all).toBe(code);
      expect(all).toMatch(says);
    });
  });
