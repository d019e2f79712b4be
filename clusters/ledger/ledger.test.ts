import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RealClock } from '../../rig/clock.ts';
import type { Client, Drill, Ledger, RunningCluster, TransferReceipt } from '../../rig/contract.ts';
import type { RequestError } from '../../rig/define.ts';
import { Random } from '../../rig/random.ts';
import { ledger } from './ledger.ts';
import { ALL_ACCOUNTS, OPENING_BALANCE } from './terms.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

let runs = 0;
let holds = 0;

async function up(variant: string | null = null): Promise<RunningCluster> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'ordeal-ledger-'));
  cleanUps.push(() => rm(directory, { recursive: true, force: true }));
  const cluster = await ledger.up({
    runId: `00000000-${process.pid}-${++runs}`,
    host: 'loopback',
    variant,
    nodeCount: 3,
    directory,
    rng: new Random(1),
    clock: new RealClock(),
    progress: () => {},
    signal: AbortSignal.timeout(60_000),
  });
  cleanUps.push(() => cluster[Symbol.asyncDispose]());
  return cluster;
}

async function connect(cluster: RunningCluster, node: string): Promise<Client<'ledger'>> {
  const client = await cluster.connect('ledger', node);
  cleanUps.push(() => client[Symbol.asyncDispose]());
  return client;
}

const soon = () => AbortSignal.timeout(10_000);
const move = (client: Ledger, key: string, amount = 5, from = 'a1', to = 'a2'): Promise<TransferReceipt> =>
  client.transfer({ key, from, to, amount }, soon());

/** The class of error with which a request ended. */
const refusal = async (request: Promise<unknown>): Promise<string> =>
  request.then(
    () => 'none',
    (error: RequestError | DOMException) => ('errorClass' in error ? error.errorClass : error.name),
  );

/** A kill of that node while `request` is in the air, `afterMs` after it was sent; then the node is back. */
async function killDuring(
  cluster: RunningCluster,
  node: string,
  afterMs: number,
  request: () => Promise<unknown>,
): Promise<void> {
  const answer = request().catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  const hold = `kill-${++holds}`;
  await cluster.controls(hold).processes?.kill([node]);
  await answer;
  await cluster.release(hold);
  await cluster.recovered(soon());
}

/** Crashes at other moments until one of them, on a machine of whatever speed, is between the two steps of a bug. */
async function hitTheGap(crash: (key: string, afterMs: number) => Promise<boolean>): Promise<void> {
  for (let round = 0; round < 40; round++) {
    if (await crash(`k${round}`, 10 + ((round * 7) % 60))) return;
  }
  throw new Error('no crash showed the bug');
}

const LONG = { timeout: 60_000 };

describe('a sound ledger', () => {
  it('applies a transfer once however often and through whichever node it is asked for', async () => {
    const cluster = await up();
    const clients = await Promise.all(cluster.nodes.map((node) => connect(cluster, node)));
    const [first, ...others] = clients as [Client<'ledger'>, ...Client<'ledger'>[]];
    const receipt = await move(first, 'k');
    expect(receipt).toMatchObject({ amount: 5, replayed: false });
    for (const client of [first, ...others]) expect(await move(client, 'k')).toEqual({ ...receipt, replayed: true });
    expect(await first.applied(soon())).toEqual([{ id: receipt.id, key: 'k', from: 'a1', to: 'a2', amount: 5 }]);
    expect(await others[0]?.balance('a1', soon())).toBe(OPENING_BALANCE - 5);
  });

  it('keeps what it acknowledged, and keys with it, when a node is killed and started again', async () => {
    const cluster = await up();
    const client = await connect(cluster, 'n1');
    const receipt = await move(client, 'k');
    await killDuring(cluster, 'n1', 0, () => Promise.resolve());
    const again = await connect(cluster, 'n1');
    expect(await move(again, 'k')).toEqual({ ...receipt, replayed: true });
    expect(await again.applied(soon())).toHaveLength(1);
  });

  it('applies each of many transfers once while nodes are killed at any moment', LONG, async () => {
    const cluster = await up();
    const survivor = await connect(cluster, 'n2');
    for (let round = 0; round < 8; round++) {
      const victim = await connect(cluster, 'n1');
      const keys = Array.from({ length: 10 }, (_, index) => `r${round}-${index}`);
      await killDuring(cluster, 'n1', round, () => Promise.allSettled(keys.map((key) => move(victim, key, 1))));
      for (const key of keys) await move(survivor, key, 1);
    }
    const applied = await survivor.applied(soon());
    expect(new Set(applied.map(({ key }) => key)).size).toBe(80);
    expect(applied).toHaveLength(80);
    const balances = (await survivor.accounts(soon())).map(({ balance }) => balance);
    expect(balances.reduce((sum, balance) => sum + balance)).toBe(ALL_ACCOUNTS.length * OPENING_BALANCE);
  });

  it('lists more transfers than fit on a page, each of them once', LONG, async () => {
    const cluster = await up();
    const client = await connect(cluster, 'n1');
    for (let index = 0; index < 1_100; index++) await move(client, `k${index}`, 1, 'a1', 'a2');
    const keys = (await client.applied(soon())).map(({ key }) => key);
    expect(keys).toEqual(Array.from({ length: 1_100 }, (_, index) => `k${index}`));
  });
});

describe('a ledger with a planted bug', () => {
  it('commit-before-record applies a transfer again after a crash in between', LONG, async () => {
    const cluster = await up('commit-before-record');
    const survivor = await connect(cluster, 'n2');
    await hitTheGap(async (key, afterMs) => {
      const victim = await connect(cluster, 'n1');
      await killDuring(cluster, 'n1', afterMs, () => move(victim, key));
      await expect.poll(() => refusal(move(survivor, key)), { timeout: 5_000 }).toBe('none');
      return (await survivor.applied(soon())).filter((entry) => entry.key === key).length === 2;
    });
  });

  it('record-before-commit repeats the answer of a transfer that was never applied', LONG, async () => {
    const cluster = await up('record-before-commit');
    const survivor = await connect(cluster, 'n2');
    await hitTheGap(async (key, afterMs) => {
      const victim = await connect(cluster, 'n1');
      await killDuring(cluster, 'n1', afterMs, () => move(victim, key));
      const { replayed } = await move(survivor, key);
      return replayed && !(await survivor.applied(soon())).some((entry) => entry.key === key);
    });
  });

  it('ack-before-commit loses an acknowledged transfer', LONG, async () => {
    const cluster = await up('ack-before-commit');
    const survivor = await connect(cluster, 'n2');
    await hitTheGap(async (key) => {
      await move(await connect(cluster, 'n1'), key);
      await killDuring(cluster, 'n1', 0, () => Promise.resolve());
      return !(await survivor.applied(soon())).some((entry) => entry.key === key);
    });
  });

  it('key-in-memory does not know a key through another node, but does through the same', async () => {
    const cluster = await up('key-in-memory');
    const [one, other] = [await connect(cluster, 'n1'), await connect(cluster, 'n2')];
    expect(await move(one, 'k')).toMatchObject({ replayed: false });
    expect(await move(one, 'k')).toMatchObject({ replayed: true });
    expect(await move(other, 'k')).toMatchObject({ replayed: false });
    expect(await other.applied(soon())).toHaveLength(2);
  });

  it("unscoped-key answers a payer with another payer's transfer", async () => {
    const cluster = await up('unscoped-key');
    const client = await connect(cluster, 'n1');
    const receipt = await move(client, 'k', 5, 'a1', 'a2');
    expect(await move(client, 'k', 7, 'a3', 'a2')).toEqual({ ...receipt, replayed: true });
  });

  it(
    "leaks-across-tenants answers a tenant with another tenant's transfer, and the sound ledger does not",
    LONG,
    async () => {
      const leaky = await connect(await up('leaks-across-tenants'), 'n1');
      const receipt = await move(leaky, 'k', 5, 'a1', 'a2');
      expect(await move(leaky, 'k', 7, 'blue.a1', 'blue.a3')).toEqual({ ...receipt, replayed: true });
      const sound = await connect(await up(), 'n1');
      await move(sound, 'k', 5, 'a1', 'a2');
      expect(await move(sound, 'k', 7, 'blue.a1', 'blue.a3')).toMatchObject({ amount: 7, replayed: false });
      expect((await sound.applied(soon())).map(({ from, to }) => [from, to])).toEqual([
        ['a1', 'a2'],
        ['blue.a1', 'blue.a3'],
      ]);
      expect(await refusal(move(sound, 'k2', 5, 'a1', 'blue.a1'))).toBe('other-tenant');
    },
  );

  it('reject-but-apply applies a transfer that it refused', async () => {
    const cluster = await up('reject-but-apply');
    const client = await connect(cluster, 'n1');
    const refused: string[] = [];
    for (let index = 0; index < 60; index++) {
      if ((await refusal(move(client, `k${index}`, 1))) === 'http-503') refused.push(`k${index}`);
    }
    expect(refused.length).toBeGreaterThan(0);
    const applied = (await client.applied(soon())).map(({ key }) => key);
    for (const key of refused) expect(applied).toContain(key);
  });

  it('stale-balance answers with a balance from before a transfer through another node', async () => {
    const cluster = await up('stale-balance');
    const [one, other] = [await connect(cluster, 'n1'), await connect(cluster, 'n2')];
    expect(await one.balance('a1', soon())).toBe(OPENING_BALANCE);
    await move(other, 'k');
    expect(await one.balance('a1', soon())).toBe(OPENING_BALANCE);
    expect(await other.balance('a1', soon())).toBe(OPENING_BALANCE - 5);
  });

  it('ignores-payload repeats the answer to another payload', async () => {
    const cluster = await up('ignores-payload');
    const client = await connect(cluster, 'n1');
    const receipt = await move(client, 'k', 5);
    expect(await move(client, 'k', 7)).toEqual({ ...receipt, replayed: true });
    expect(await move(client, 'k', 7, 'a3')).toMatchObject({ replayed: false });
  });

  it('compares-bytes refuses the same payload in another form, and the correct ledger repeats its answer', async () => {
    const forms = ['reordered', 'spaced', 'decimals', 'exponents', 'escaped'] as const;
    for (const bug of ['compares-bytes', null] as const) {
      const client = await connect(await up(bug), 'n1');
      const receipt = await move(client, 'k');
      for (const form of forms) {
        const again = client.transfer({ key: 'k', from: 'a1', to: 'a2', amount: 5, form }, soon());
        if (bug === null) expect(await again).toEqual({ ...receipt, replayed: true });
        else await expect(again).rejects.toMatchObject({ errorClass: 'http-422' });
      }
      expect(await client.applied(soon())).toHaveLength(1);
    }
  });

  it('truncates-key takes two long keys for one, and short keys for what they are', async () => {
    const cluster = await up('truncates-key');
    const client = await connect(cluster, 'n1');
    const long = 'k'.repeat(32);
    expect(await move(client, `${long}a`)).toMatchObject({ replayed: false });
    expect(await move(client, `${long}b`)).toMatchObject({ replayed: true });
    expect(await move(client, 'ka')).toMatchObject({ replayed: false });
    expect(await move(client, 'kb')).toMatchObject({ replayed: false });
  });

  it('replays-5xx-as-new applies a transfer that it answered with 500 again', async () => {
    const cluster = await up('replays-5xx-as-new');
    const client = await connect(cluster, 'n1');
    const failed: string[] = [];
    for (let index = 0; index < 60; index++) {
      if ((await refusal(move(client, `k${index}`, 1))) === 'http-500') failed.push(`k${index}`);
    }
    const [key] = failed as [string];
    await move(client, key, 1);
    expect((await client.applied(soon())).filter((entry) => entry.key === key)).toHaveLength(2);
  });

  it('key-expires-early knows a key for a moment, and applies a late repeat again', LONG, async () => {
    const cluster = await up('key-expires-early');
    const client = await connect(cluster, 'n1');
    await move(client, 'k');
    expect(await move(client, 'k')).toMatchObject({ replayed: true });
    await new Promise((resolve) => setTimeout(resolve, 1_600));
    expect(await move(client, 'k')).toMatchObject({ replayed: false });
  });

  it('keeps-reservation never lets go of a key whose owner crashed', LONG, async () => {
    const cluster = await up('keeps-reservation');
    const survivor = await connect(cluster, 'n2');
    await hitTheGap(async (key, afterMs) => {
      const victim = await connect(cluster, 'n1');
      await killDuring(cluster, 'n1', afterMs, () => move(victim, key));
      return (await refusal(move(survivor, key))) === 'http-409';
    });
  });

  it('retry-in-client sends a request again that nobody asked for again, and the sound client does not', async () => {
    for (const [variant, sent] of [
      ['retry-in-client', 3],
      [null, 1],
    ] as const) {
      const cluster = await up(variant);
      const client = await connect(cluster, 'n1');
      const rule = { nodes: ['n1'], methods: ['POST'], act: { do: 'lose-answer', by: 'reset' } } as const;
      await cluster.controls('lost').traffic?.apply(rule);
      expect(await refusal(move(client, 'k'))).toBe('connection-reset');
      expect(await cluster.inspect('lost')).toMatchObject({ effective: true });
      expect((await cluster.inspect('lost')).observed).toMatch(new RegExp(`to ${sent} request`));
      await cluster.release('lost');
      expect(await move(await connect(cluster, 'n1'), 'k')).toMatchObject({ replayed: true });
    }
  });
});

describe('the terms of the ledger', () => {
  const terms = async (variant: string | null) => {
    await using client = await (await up(variant)).connect('service', 'n1');
    return client.terms(soon());
  };

  it('say nothing of how long keys are kept where that is for ever, and what becomes of them where it is not', async () => {
    expect(await terms(null)).toMatchObject({ retentionMs: null, expiry: null, expired: [] });
    const expiry = { afterMs: 6_000, becomes: 'refused' };
    expect(await terms('refuses-old-keys')).toMatchObject({ retentionMs: 4_000, expiry, expired: ['http-410'] });
    expect(await terms('key-never-expires')).toMatchObject({ expiry: { afterMs: 6_000, becomes: 'new' }, expired: [] });
  });
});

describe('drills of the embedded ledger', () => {
  const drilled = async (cluster: RunningCluster, hold: string, drill: Drill) =>
    cluster.controls(hold).drills?.begin(drill);

  it('shut the store for some nodes: writes are refused there, balances come from a copy and say so', async () => {
    const cluster = await up();
    const [one, other] = [await connect(cluster, 'n1'), await connect(cluster, 'n2')];
    await drilled(cluster, 'outage', { name: 'store-outage', nodes: ['n1'], how: 'primary' });
    expect(await refusal(move(one, 'k'))).toBe('http-503');
    expect(await one.balance('a1', soon())).toMatchObject({ balance: OPENING_BALANCE, staleMs: expect.any(Number) });
    expect(await move(other, 'k')).toMatchObject({ replayed: false });
    expect(await cluster.inspect('outage')).toMatchObject({ effective: true });
    await cluster.release('outage');
    await cluster.release('outage');
    expect(await move(one, 'k')).toMatchObject({ replayed: true });
    expect(await one.balance('a1', soon())).toBe(OPENING_BALANCE - 5);
  });

  it('stop the copies, which then tell how old they are, and destroy and restore the store with its keys', async () => {
    const cluster = await up();
    const client = await connect(cluster, 'n1');
    await drilled(cluster, 'lag', { name: 'replica-lag', nodes: [] });
    await move(client, 'k');
    await drilled(cluster, 'expiry', { name: 'cache-expiry', nodes: [] });
    const old = await client.balance('a1', soon(), true);
    expect(old).toMatchObject({ balance: OPENING_BALANCE, staleMs: expect.any(Number) });
    expect(await client.balance('a1', soon())).toBe(OPENING_BALANCE - 5);
    expect(await cluster.inspect('lag')).toMatchObject({ effective: true });
    for (const hold of ['lag', 'expiry']) await cluster.release(hold);
    await drilled(cluster, 'restore', { name: 'restore', nodes: cluster.nodes });
    expect(await refusal(move(client, 'k'))).toBe('http-503');
    await cluster.release('restore');
    expect(await move(client, 'k')).toMatchObject({ replayed: true });
    expect(await client.applied(soon())).toHaveLength(1);
  });

  it(
    'let a node die with the key reserved and nothing applied, and start it again; what is not there is refused',
    LONG,
    async () => {
      const cluster = await up();
      const client = await connect(cluster, 'n1');
      await drilled(cluster, 'crash', { name: 'crash-point', nodes: ['n1'], how: 'reserved' });
      expect(await refusal(move(client, 'k'))).toBe('connection-reset');
      await expect.poll(() => cluster.inspect('crash'), { timeout: 5_000 }).toMatchObject({ effective: true });
      await cluster.release('crash');
      await cluster.recovered(soon());
      expect(await move(await connect(cluster, 'n1'), 'k')).toMatchObject({ replayed: false });
      await expect(drilled(cluster, 'none', { name: 'failover', nodes: [] })).rejects.toThrow('no drill failover here');
    },
  );
});

describe('the traffic control of a ledger', () => {
  it('delivers to another node what a client asked of one, and a sound ledger applies it once', async () => {
    const cluster = await up();
    const client = await connect(cluster, 'n1');
    await cluster.controls('twice').traffic?.apply({
      nodes: ['n1'],
      key: '*',
      act: { do: 'repeat', copies: 3, to: 'others', when: 'released', gapMs: 0, answer: 'passed' },
    });
    await move(client, 'k');
    await cluster.release('twice');
    expect(await cluster.inspect('twice')).toEqual({
      effective: true,
      observed: '1 request was delivered again, in 3 copies',
    });
    expect(await client.applied(soon())).toHaveLength(1);
  });

  it('refuses a rule under a hold that is released, and one for a node that is not there', async () => {
    const cluster = await up();
    const traffic = cluster.controls('hold').traffic;
    const act = { do: 'tear', what: 'answer', by: 'end' } as const;
    await expect(traffic?.apply({ nodes: ['n7'], act })).rejects.toThrow('names n7; there are n1, n2, n3');
    await cluster.release('hold');
    await expect(traffic?.apply({ nodes: ['n1'], act })).rejects.toThrow('released');
  });
});
