/** etcd for real, on each driver: its API, its leader, what its errors mean, its stale reads, and its recovery. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RealClock } from '../../rig/clock.ts';
import type { Client, HostName, RunningCluster } from '../../rig/contract.ts';
import { describeWith } from '../../rig/needs.ts';
import { Random } from '../../rig/random.ts';
import { definite, errorOf, httpErrorOf } from './errors.ts';
import { etcd } from './etcd.ts';

const soon = () => AbortSignal.timeout(10_000);
const shortly = () => AbortSignal.timeout(1_500);

async function bringUp(host: HostName, variant: string | null, directory: string): Promise<RunningCluster> {
  return etcd.up({
    runId: new Random(process.hrtime().join()).integer(0x10000000, 0xffffffff).toString(16),
    host,
    variant,
    nodeCount: 3,
    directory,
    rng: new Random(1),
    clock: new RealClock(),
    progress: () => {},
    signal: AbortSignal.timeout(120_000),
  });
}

for (const [host, needs] of [
  ['docker', ['docker'] as const],
  ['netns', ['root', 'etcd'] as const],
] as const) {
  describeWith(needs, `etcd on ${host}`, () => {
    let directory: string;
    let cluster: RunningCluster;
    const clients: Client<'kv'>[] = [];

    beforeAll(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'ordeal-etcd-'));
      cluster = await bringUp(host, 'stale-reads', directory);
      for (const node of cluster.nodes) clients.push(await cluster.connect('kv', node));
    }, 150_000);

    afterAll(async () => {
      await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
      await cluster?.[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    });

    const client = (node: string) => clients[cluster.nodes.indexOf(node)] as Client<'kv'>;
    const follower = async () => {
      const primaries = await cluster.primaries(soon());
      return cluster.nodes.filter((node) => !primaries.includes(node));
    };

    it('says its version', () => {
      expect(cluster.facts['etcd version']).toMatch(/^3\./);
    });

    it('reads what was written, through every node', async () => {
      const value = { text: 'ünïcode \n', list: [1, null, 2.5] };
      await client('n1').put('a', value, soon());
      await expect.poll(() => client('n2').get('a', soon())).toEqual(value);
      expect(await client('n3').get('absent', soon())).toBeNull();
    });

    it('swaps a value for another only where it finds the expected one', async () => {
      expect(await client('n1').cas('c', null, 1, soon())).toBe(true);
      expect(await client('n2').cas('c', null, 2, soon())).toBe(false);
      expect(await client('n2').cas('c', 1, 2, soon())).toBe(true);
      expect(await client('n3').cas('c', 1, 3, soon())).toBe(false);
      expect(await client('n1').cas('c', 2, null, soon())).toBe(true);
      await expect.poll(() => client('n3').get('c', soon())).toBeNull();
    });

    it('has one leader when it is well', async () => {
      expect(await cluster.primaries(soon())).toHaveLength(1);
    });

    it('serves a read from an old copy in the variant that reads so, and mends', async () => {
      const [cut = '', other = ''] = await follower();
      await client(other).put('s', 0, soon());
      await expect.poll(() => client(cut).get('s', soon())).toBe(0);
      const rest = cluster.nodes.filter((node) => node !== cut);
      await cluster.controls('cut').network?.drop(rest, [cut]);
      await cluster.controls('cut').network?.drop([cut], rest);
      await client(other).put('s', 1, soon());
      expect(await client(cut).get('s', soon())).toBe(0);
      const refused = client(cut).put('s', 2, shortly());
      await expect(refused).rejects.toMatchObject({ errorClass: 'timeout' });
      expect((await cluster.inspect('cut')).effective).toBe(true);
      await cluster.release('cut');
      await cluster.recovered(AbortSignal.timeout(20_000));
    });

    it('elects another leader while the leader is paused, and keeps what was acknowledged', async () => {
      const [leader = ''] = await cluster.primaries(soon());
      await client(leader).put('p', 'before', soon());
      await cluster.controls('pause').processes?.pause([leader]);
      const [other = ''] = cluster.nodes.filter((node) => node !== leader);
      await expect
        .poll(
          async () =>
            client(other)
              .put('p', 'during', shortly())
              .then(
                () => true,
                () => false,
              ),
          { timeout: 15_000 },
        )
        .toBe(true);
      await cluster.release('pause');
      await cluster.recovered(AbortSignal.timeout(20_000));
      await expect.poll(() => client(leader).get('p', soon()), { timeout: 10_000 }).toBe('during');
    });

    it('refuses connections while it is killed, for certain without effect, and comes back with its data', async () => {
      await client('n2').put('k', 1, soon());
      await cluster.controls('kill').processes?.kill(['n1', 'n2', 'n3']);
      await using fresh = await cluster.connect('kv', 'n1');
      const error = await fresh.put('k', 2, soon()).catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        errorClass: expect.stringMatching(/^(connection-refused|connect-timeout|unreachable)$/),
      });
      await cluster.release('kill');
      await cluster.recovered(AbortSignal.timeout(30_000));
      await using again = await cluster.connect('kv', 'n3');
      expect(await again.get('k', soon())).toBe(1);
    }, 60_000);
  });
}

describe('the errors of etcd', () => {
  const open = new AbortController().signal;
  const withCode = (code: string) => Object.assign(new Error('it broke'), { code });

  it('are definite when the connection was refused, and not when it was reset', () => {
    expect(definite.has(errorOf(withCode('ECONNREFUSED'), open).errorClass)).toBe(true);
    expect(definite.has(errorOf(withCode('ECONNRESET'), open).errorClass)).toBe(false);
  });

  it('are indefinite when time ran out, whatever the connection says then', () => {
    const error = errorOf(withCode('ECONNREFUSED'), AbortSignal.abort());
    expect([error.errorClass, definite.has(error.errorClass)]).toEqual(['timeout', false]);
  });

  it('are definite when it had too much to do, and not when its leader changed', () => {
    const busy = httpErrorOf(429, '{"error":"etcdserver: too many requests","code":8}');
    const changed = httpErrorOf(503, '{"error":"etcdserver: leader changed","code":14}');
    expect([busy.errorClass, definite.has(busy.errorClass)]).toEqual(['too-many-requests', true]);
    expect([changed.errorClass, definite.has(changed.errorClass)]).toEqual(['leader-changed', false]);
  });

  it('are indefinite when nobody knows them', () => {
    expect(errorOf(new Error('?'), open).errorClass).toBe('connection-lost');
    expect(httpErrorOf(500, '<html>').errorClass).toBe('server-error');
    expect(definite.has('connection-lost') || definite.has('server-error')).toBe(false);
  });
});
