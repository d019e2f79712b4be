/** NATS JetStream for real: an id is remembered for as long as its documentation says, and no longer. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { RealClock } from '../../rig/clock.ts';
import type { Client, RunningCluster } from '../../rig/contract.ts';
import { describeWith } from '../../rig/needs.ts';
import { Random } from '../../rig/random.ts';
import { nats } from './nats.ts';

const soon = () => AbortSignal.timeout(10_000);
const order = { operation: 'place', key: 'k1', values: { quantity: 2 } };

async function withNats(variant: string | null, use: (cluster: RunningCluster) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'ordeal-nats-'));
  try {
    await using cluster = await nats.up({
      runId: new Random(process.hrtime().join()).integer(0x10000000, 0xffffffff).toString(16),
      host: 'netns',
      variant,
      nodeCount: 3,
      directory,
      rng: new Random(1),
      clock: new RealClock(),
      progress: () => {},
      signal: AbortSignal.timeout(120_000),
    });
    await use(cluster);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const keysOf = async (client: Client<'service'>) => (await client.effects(soon())).map(({ key }) => key);

describeWith(['root', 'nats'], 'NATS on netns', () => {
  it('stores a message once, through whatever node it is repeated, and tells the number it had', async () => {
    await withNats(null, async (cluster) => {
      await using first = await cluster.connect('service', 'n1');
      await using second = await cluster.connect('service', 'n2');
      expect(await first.effects(soon())).toEqual([]);
      const answer = await first.request(order, soon());
      await sleep(2_500);
      expect(await second.request(order, soon())).toEqual(answer);
      await first.request({ ...order, key: 'k2' }, soon());
      expect(await keysOf(second)).toEqual(['k1', 'k2']);
      await expect(first.request({ ...order, key: '' }, soon())).rejects.toMatchObject({ errorClass: 'bad-key' });
    });
  }, 150_000);

  it('stores it again when its id was forgotten', async () => {
    await withNats('short-window', async (cluster) => {
      await using client = await cluster.connect('service', 'n1');
      await client.request(order, soon());
      await sleep(2_500);
      await client.request(order, soon());
      expect(await keysOf(client)).toEqual(['k1', 'k1']);
    });
  }, 150_000);
});
