/** Locks and feeds of etcd for real: what each promises, and what a client is told when it cannot be kept. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RealClock } from '../../rig/clock.ts';
import type { Client, RunningCluster } from '../../rig/contract.ts';
import { describeWith } from '../../rig/needs.ts';
import { Random } from '../../rig/random.ts';
import { etcd } from './etcd.ts';

const soon = () => AbortSignal.timeout(10_000);
const shortly = () => AbortSignal.timeout(500);

describeWith(['root', 'etcd'], 'etcd on netns', () => {
  let directory: string;
  let cluster: RunningCluster;

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
  }, 150_000);

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  it('gives a lock to one at a time, and to the next as soon as it is free, under a higher token', async () => {
    await using first: Client<'lock'> = await cluster.connect('lock', 'n1');
    await using second: Client<'lock'> = await cluster.connect('lock', 'n2');
    const token = await first.acquire('l', 20_000, soon());
    await expect(second.acquire('l', 20_000, shortly())).rejects.toMatchObject({ errorClass: 'timeout' });
    await using third: Client<'lock'> = await cluster.connect('lock', 'n3');
    const waiting = third.acquire('l', 20_000, soon());
    await first.release('l', token, soon());
    expect(await waiting).toBeGreaterThan(token);
  });

  it('takes a lock back when its lease runs out', async () => {
    await using first: Client<'lock'> = await cluster.connect('lock', 'n1');
    await using second: Client<'lock'> = await cluster.connect('lock', 'n2');
    const token = await first.acquire('expiring', 1_000, soon());
    expect(await second.acquire('expiring', 10_000, soon())).toBeGreaterThan(token);
  }, 20_000);

  it('does not give back what was not acquired on the same connection', async () => {
    await using client: Client<'lock'> = await cluster.connect('lock', 'n1');
    await expect(client.release('l', 1, soon())).rejects.toMatchObject({ errorClass: 'not-held' });
  });

  it('tells a watch what happened from the revision asked for on, whoever did it', async () => {
    await using writer: Client<'feed'> = await cluster.connect('feed', 'n1');
    await using watcher: Client<'feed'> = await cluster.connect('feed', 'n2');
    const first = await writer.write('f/a', 1, soon());
    const other = await writer.write('g/a', 'elsewhere', soon());
    const second = await writer.write('f/a', { two: 2 }, soon());
    const third = await writer.write('f/a', null, soon());
    expect([other, second, third]).toEqual([first + 1, first + 2, first + 3]);
    expect(await writer.write('f/a', null, soon())).toBe(0);
    const told = (await watcher.watch('f/', first, third, soon())).flatMap(({ changes }) => changes);
    expect(told).toEqual([
      { key: 'f/a', value: 1, revision: first, created: true },
      { key: 'f/a', value: { two: 2 }, revision: second, created: false, previous: 1 },
      { key: 'f/a', value: null, revision: third, created: false, previous: { two: 2 } },
    ]);
    expect(await watcher.read('g/a', soon())).toEqual({ value: 'elsewhere', revision: other });
    expect(await watcher.read('f/a', soon())).toEqual({ value: null, revision: 0 });
    const later = (await watcher.watch('f/', second, third, soon())).flatMap(({ changes }) => changes);
    expect(later.map(({ revision }) => revision)).toEqual([second, third]);
  });

  it('goes on watching until what it waits for happens, and no longer than it may', async () => {
    await using writer: Client<'feed'> = await cluster.connect('feed', 'n1');
    await using watcher: Client<'feed'> = await cluster.connect('feed', 'n3');
    const now = await writer.write('h/a', 1, soon());
    const waiting = watcher.watch('h/', now + 1, now + 1, soon());
    await writer.write('h/a', 2, soon());
    expect((await waiting).flatMap(({ changes }) => changes)).toMatchObject([{ value: 2, previous: 1 }]);
    await expect(watcher.watch('h/', now + 2, now + 2, shortly())).rejects.toMatchObject({ errorClass: 'timeout' });
  });
});
