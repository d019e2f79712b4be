/** Transactions over a real etcd: whole or not at all, and none that misses another. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RealClock } from '../../rig/clock.ts';
import type { Client, MicroOperation, RunningCluster } from '../../rig/contract.ts';
import { Refused } from '../../rig/define.ts';
import { describeWith } from '../../rig/needs.ts';
import { Random } from '../../rig/random.ts';
import { etcd } from './etcd.ts';

const soon = () => AbortSignal.timeout(10_000);

describeWith(['root', 'etcd'], 'transactions over etcd on netns', () => {
  let directory: string;
  let cluster: RunningCluster;
  let clients: Client<'txn'>[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'ordeal-etcd-'));
    cluster = await etcd.up({
      runId: new Random(process.hrtime().join()).integer(0x10000000, 0xffffffff).toString(16),
      host: 'netns',
      variant: null,
      nodeCount: 3,
      directory,
      rng: new Random(1),
      clock: new RealClock(),
      progress: () => {},
      signal: AbortSignal.timeout(120_000),
    });
    clients = await Promise.all(cluster.nodes.map((node) => cluster.connect('txn', node)));
  }, 150_000);

  afterAll(async () => {
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    await cluster?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const transact = (node: number, ...transaction: MicroOperation[]) =>
    (clients[node] as Client<'txn'>).transact(transaction, soon());

  it('append and write in one, and are read whole through another node', async () => {
    await transact(0, ['append', 'list', 1], ['append', 'list', 2], ['w', 'register', 7]);
    expect(await transact(1, ['r', 'list', null], ['r', 'register', null], ['r', 'absent', null])).toEqual([
      ['r', 'list', [1, 2]],
      ['r', 'register', 7],
      ['r', 'absent', null],
    ]);
  });

  it('of many at once on one key, each either appends or is refused for certain', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 30 }, (_, value) => transact(value % 3, ['append', 'hot', value])),
    );
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    for (const reason of refused) expect(reason).toBeInstanceOf(Refused);
    const [[, , list]] = (await transact(0, ['r', 'hot', null])) as [MicroOperation];
    const appended = outcomes.flatMap(({ status }, value) => (status === 'fulfilled' ? [value] : []));
    expect(new Set(list as number[])).toEqual(new Set(appended));
    expect(list).toHaveLength(appended.length);
  });
});
