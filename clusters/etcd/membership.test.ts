/** Members of a real etcd leave, join and are replaced, and are afterwards who they were before. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { RealClock } from '../../rig/clock.ts';
import type { Client, Controls, RunningCluster } from '../../rig/contract.ts';
import { describeWith } from '../../rig/needs.ts';
import { Random } from '../../rig/random.ts';
import { etcd } from './etcd.ts';

const soon = () => AbortSignal.timeout(15_000);

const needs = { docker: ['docker'], netns: ['root', 'etcd'] } as const;

for (const host of ['docker', 'netns'] as const)
  describeWith(needs[host], `members of etcd on ${host}`, () => {
    let directory: string;
    let cluster: RunningCluster;
    const membership = (hold: string) => (cluster.controls(hold) as Controls).membership;
    const ask = async (node: string) => {
      await using client: Client<'kv'> = await cluster.connect('kv', node);
      await client.put(node, host, soon());
      return await client.get(node, soon());
    };

    beforeAll(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'ordeal-etcd-'));
      cluster = await etcd.up({
        runId: new Random(process.hrtime().join()).integer(0x10000000, 0xffffffff).toString(16),
        host,
        variant: null,
        nodeCount: 3,
        directory,
        rng: new Random(1),
        clock: new RealClock(),
        progress: () => {},
        signal: AbortSignal.timeout(240_000),
      });
    }, 250_000);

    afterAll(async () => {
      await cluster?.[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    }, 60_000);

    it('leave, and join again when they are let go, twice', { timeout: 120_000 }, async () => {
      await membership('away').remove(['n1']);
      expect((await cluster.inspect('away')).observed).toBe('n1 left: the members are n2, n3');
      await expect(ask('n1')).rejects.toThrow();
      // Who left may have led.
      await vi.waitFor(async () => expect(await ask('n2')).toBe(host), { timeout: 15_000 });
      for (let times = 0; times < 2; times++) await cluster.release('away');
      await cluster.recovered(soon());
      expect(await ask('n1')).toBe(host);
    });

    it('are replaced by empty ones', { timeout: 120_000 }, async () => {
      await membership('replaced').replace(['n2']);
      expect(await cluster.inspect('replaced')).toMatchObject({ effective: true });
      await cluster.release('replaced');
      await cluster.recovered(soon());
      expect(await ask('n2')).toBe(host);
    });

    it('grow by a spare, which leaves again', { timeout: 120_000 }, async () => {
      expect(cluster.spares).toEqual(['n4']);
      await membership('more').add(['n4']);
      expect((await cluster.inspect('more')).observed).toBe('n4 joined: the members are n1, n2, n3, n4');
      await cluster.release('more');
      await membership('again').remove(['n3']);
      expect((await cluster.inspect('again')).observed).toBe('n3 left: the members are n1, n2');
      await cluster.release('again');
      await cluster.recovered(soon());
    });

    it('are started again on what they had when they were killed after they had joined', {
      timeout: 60_000,
    }, async () => {
      const { processes } = cluster.controls('killed') as Controls;
      await processes.kill(['n1']);
      await expect(ask('n1')).rejects.toThrow();
      await cluster.release('killed');
      await cluster.recovered(soon());
      expect(await ask('n1')).toBe(host);
    });

    it('cannot leave while they are down, and those that are not spare cannot be added', async () => {
      await expect(membership('x').add(['n1'])).rejects.toThrow('n1 cannot be added here; these can: n4');
      await expect(membership('x').remove(['n9'])).rejects.toThrow('n9 cannot be removed here; these can: n1, n2, n3');
    });
  });
