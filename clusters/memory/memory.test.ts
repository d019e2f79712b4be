/** The simulated store: what its faults do to it, and what it answers. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deadline, VirtualClock } from '../../rig/clock.ts';
import type { Client, NodeId, RunningCluster, RunSpec } from '../../rig/contract.ts';
import { clusterOptions, rehearsalSpec } from '../../rig/rehearsal.ts';
import { memory } from './memory.ts';

/** A cluster of three, with what tests ask of it. A request that its client lost is made again. */
class Bench {
  readonly clock = new VirtualClock();
  readonly cluster: RunningCluster;

  private constructor(clock: VirtualClock, cluster: RunningCluster) {
    this.clock = clock;
    this.cluster = cluster;
  }

  static async up(changes: Partial<RunSpec> = {}): Promise<Bench> {
    const clock = new VirtualClock();
    return new Bench(
      clock,
      await memory.up(clusterOptions({ ...rehearsalSpec, nodeCount: 3, ...changes }, '/nonexistent', clock)),
    );
  }

  get(node: NodeId, key = 'x', ms?: number) {
    return this.ask(node, 'kv', (kv, signal) => kv.get(key, signal), ms);
  }

  put(node: NodeId, value: number, ms?: number) {
    return this.ask(node, 'kv', (kv, signal) => kv.put('x', value, signal), ms);
  }

  async ask<A extends 'kv' | 'ledger', T>(
    node: NodeId,
    api: A,
    act: (client: Client<A>, signal: AbortSignal) => Promise<T>,
    ms = 2000,
  ): Promise<T> {
    for (;;) {
      const client = await this.cluster.connect(api, node);
      const limit = deadline(this.clock, ms);
      try {
        return await act(client, limit.signal);
      } catch (error) {
        if ((error as Error).message !== 'connection-reset') throw error;
      } finally {
        limit.cancel();
      }
    }
  }

  async leader(): Promise<NodeId> {
    const [leader] = await this.cluster.primaries(new AbortController().signal);
    return leader as NodeId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
  }
}

const classOf = (error: unknown) => (error as { errorClass?: string }).errorClass;
const failing = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    (error: unknown) => classOf(error),
  );

describe('a memory cluster', () => {
  it.each([1, 3, 5, 7])('of %i nodes comes up, serves on every node and has one leader', async (nodeCount) => {
    await using bench = await Bench.up({ nodeCount });
    expect(bench.cluster.nodes).toHaveLength(nodeCount);
    await bench.put('n1', 7);
    for (const node of bench.cluster.nodes) expect(await bench.get(node)).toBe(7);
    expect(await bench.cluster.primaries(new AbortController().signal)).toHaveLength(1);
  });

  it('swaps on a match only', async () => {
    await using bench = await Bench.up();
    const cas = (from: number | null, to: number) =>
      bench.ask('n2', 'kv', (kv, signal) => kv.cas('fresh', from, to, signal));
    expect(await cas(null, 1)).toBe(true);
    expect(await cas(null, 2)).toBe(false);
    expect(await bench.get('n3', 'fresh')).toBe(1);
  });

  it('names the nodes there are when asked for another', async () => {
    await using bench = await Bench.up();
    await expect(bench.cluster.connect('kv', 'n9')).rejects.toThrow('no node is called "n9"; there are n1, n2, n3');
  });

  it('writes a log for each node', async () => {
    await using bench = await Bench.up();
    const directory = mkdtempSync(join(tmpdir(), 'ordeal-memory-'));
    await bench.cluster.collect(join(directory, 'nodes'));
    expect(readdirSync(join(directory, 'nodes')).sort()).toEqual(['n1.log', 'n2.log', 'n3.log']);
    rmSync(directory, { recursive: true });
  });
});

describe('its ledger', () => {
  const transfer = { key: 'k', from: 'alice', to: 'bob', amount: 30 };

  it('applies a key once for each payer, and repeats its answer', async () => {
    await using bench = await Bench.up();
    const send = (node: NodeId, changes = {}) =>
      bench.ask(node, 'ledger', (ledger, signal) => ledger.transfer({ ...transfer, ...changes }, signal));
    const first = await send('n1');
    expect(await send('n2')).toEqual({ ...first, replayed: true });
    expect(await failing(send('n2', { amount: 31 }))).toBe('key-reused');
    expect(await failing(send('n2', { key: 'other', to: 'nobody' }))).toBe('no-such-account');
    expect((await send('n3', { from: 'carol' })).id).not.toBe(first.id);
    const applied = await bench.ask('n3', 'ledger', (ledger, signal) => ledger.applied(signal));
    expect(applied.map(({ from, amount }) => [from, amount])).toEqual([
      ['alice', 30],
      ['carol', 30],
    ]);
  });

  it('conserves money', async () => {
    await using bench = await Bench.up();
    await bench.ask('n1', 'ledger', (ledger, signal) => ledger.transfer(transfer, signal));
    const accounts = await bench.ask('n2', 'ledger', (ledger, signal) => ledger.accounts(signal));
    expect(accounts.reduce((sum, { opening, balance }) => sum + balance - opening, 0)).toBe(0);
    expect(await bench.ask('n2', 'ledger', (ledger, signal) => ledger.balance('bob', signal))).toBe(1030);
  });
});

describe('a killed node', () => {
  it('refuses connections, is back after the release, and has forgotten nothing', async () => {
    await using bench = await Bench.up();
    await bench.put('n1', 7);
    await bench.cluster.controls('all').processes?.kill(bench.cluster.nodes);
    expect(await failing(bench.get('n2'))).toBe('connection-refused');
    expect((await bench.cluster.connect('kv', 'n2')).definite).toContain('connection-refused');
    await bench.cluster.release('all');
    await bench.cluster.recovered(deadline(bench.clock, 5000).signal);
    expect(await bench.get('n2')).toBe(7);
  });

  it('stays down until every hold on it is released', async () => {
    await using bench = await Bench.up();
    await bench.cluster.controls('one').processes?.kill(['n1']);
    await bench.cluster.controls('other').processes?.kill(['n1']);
    await bench.cluster.release('one');
    expect(await failing(bench.get('n1'))).toBe('connection-refused');
    await bench.cluster.release('other');
    await bench.cluster.recovered(deadline(bench.clock, 5000).signal);
  });

  it('that led is replaced, and what it acknowledged is kept', async () => {
    await using bench = await Bench.up();
    const leader = await bench.leader();
    await bench.put(leader, 7);
    await bench.cluster.controls('hold').processes?.kill([leader]);
    await bench.clock.sleep(1000);
    expect(await bench.leader()).not.toBe(leader);
    const [other] = bench.cluster.nodes.filter((node) => node !== leader);
    expect(await bench.get(other as NodeId)).toBe(7);
  });
});

describe('a paused node', () => {
  it('leaves requests waiting and answers them when it wakes up', async () => {
    await using bench = await Bench.up();
    await bench.cluster.controls('hold').processes?.pause(['n3']);
    expect(await failing(bench.get('n3', 'x', 500))).toBe('timeout');
    const waiting = bench.get('n3', 'x', 5000);
    await bench.clock.sleep(200);
    await bench.cluster.release('hold');
    expect(await waiting).toBe(null);
  });
});

describe('a cut', () => {
  it('around one node leaves it without a quorum, and the others with one', async () => {
    await using bench = await Bench.up();
    const network = bench.cluster.controls('hold').network;
    await network?.drop(['n1'], ['n2', 'n3']);
    await network?.drop(['n2', 'n3'], ['n1']);
    await bench.clock.sleep(1000);
    expect(await failing(bench.put('n1', 1))).toMatch(/^no-(answer|leader)$/);
    await bench.put('n2', 2);
    expect(await bench.get('n3')).toBe(2);
    const { effective, observed } = await bench.cluster.inspect('hold');
    expect(effective).toBe(true);
    expect(observed).toMatch(/^\d+ messages dropped$/);
    await bench.cluster.release('hold');
    await bench.cluster.recovered(deadline(bench.clock, 5000).signal);
    expect(await bench.get('n1')).toBe(2);
  });

  it('works one way, and between clients and a node too', async () => {
    await using bench = await Bench.up();
    await bench.cluster.controls('hold').network?.drop(['n1'], ['clients']);
    expect(await failing(bench.put('n1', 1, 300))).toBe('timeout');
    expect(await bench.get('n2')).toBe(1);
    expect(await failing(bench.get('n1', 'x', 300))).toBe('timeout');
  });

  it('that nothing ran into is reported as without effect', async () => {
    await using bench = await Bench.up();
    await bench.cluster.controls('hold').network?.drop(['nobody'], ['n1']);
    expect(await bench.cluster.inspect('hold')).toEqual({ effective: false, observed: '0 messages dropped' });
    expect(await bench.cluster.inspect('never held')).toMatchObject({ effective: false });
  });
});
