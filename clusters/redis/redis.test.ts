/** Redis with sentinels for real: a key is taken once, and a failover forgets what only the old primary had. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RealClock } from '../../rig/clock.ts';
import type { NodeId, RunningCluster } from '../../rig/contract.ts';
import { describeWith } from '../../rig/needs.ts';
import { Random } from '../../rig/random.ts';
import { redis } from './redis.ts';

const soon = () => AbortSignal.timeout(10_000);
const order = (key: string) => ({ operation: 'place', key, values: { quantity: 2 } });

describeWith(['root', 'redis'], 'Redis on netns', () => {
  let directory: string;
  let cluster: RunningCluster;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'ordeal-redis-'));
    cluster = await redis.up({
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
  }, 150_000);

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const keys = async (node: NodeId) => {
    await using client = await cluster.connect('service', node);
    return (await client.effects(soon())).map(({ key }) => key);
  };

  it('takes a key once, on the primary alone', async () => {
    expect(await cluster.primaries(soon())).toEqual(['n1']);
    await using primary = await cluster.connect('service', 'n1');
    const answer = await primary.request(order('k1'), soon());
    expect(await primary.request(order('k1'), soon())).toEqual(answer);
    expect(await keys('n1')).toEqual(['k1']);
    await using replica = await cluster.connect('service', 'n2');
    await expect(replica.request(order('k1'), soon())).rejects.toMatchObject({ errorClass: 'read-only' });
    await expect(replica.effects(soon())).rejects.toMatchObject({ errorClass: 'read-only' });
  });

  it('forgets in a failover what it had acknowledged', async () => {
    const network = cluster.controls('cut').network as NonNullable<ReturnType<RunningCluster['controls']>['network']>;
    await network.drop(['n1'], ['n2', 'n3']);
    await network.drop(['n2', 'n3'], ['n1']);
    await using primary = await cluster.connect('service', 'n1');
    await primary.request(order('k2'), soon());
    expect(await keys('n1')).toContain('k2');
    const signal = AbortSignal.timeout(100_000);
    while ((await cluster.primaries(signal)).every((node) => node === 'n1')) await sleep(200, undefined, { signal });
    await cluster.release('cut');
    await cluster.recovered(AbortSignal.timeout(60_000));
    const [now] = await cluster.primaries(soon());
    expect(now).not.toBe('n1');
    expect(await keys(now as NodeId)).toEqual(['k1']);
  }, 250_000);
});
