import { describe, expect, it } from 'vitest';
import type { TransfersInput, TransfersOutput } from '../checkers/exactly-once.ts';
import type { Completion, Directed, Ledger, WorkerContext } from '../rig/contract.ts';
import { Random } from '../rig/random.ts';
import { transfers } from './transfers.ts';

type Answer = Completion<TransfersOutput>;
type Asked = Directed<TransfersInput>;

const NODES = ['n1', 'n2', 'n3'];
const ACCOUNTS = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8'].map((account) => ({
  account,
  opening: 100,
  balance: 100,
}));

function contextOf(worker: number, seed = 1): WorkerContext {
  const rng = new Random(seed);
  return {
    worker,
    workerCount: 4,
    nodes: NODES,
    node: NODES[worker % NODES.length] as string,
    rng: rng.fork(`worker ${worker}`),
    shared: rng.fork('shared'),
  };
}

const ok = ({ ask }: Asked): Answer => ({
  type: 'ok',
  output:
    ask.f === 'transfer'
      ? { id: 't', amount: ask.amount, replayed: false }
      : ask.f === 'balance'
        ? 100
        : ask.f === 'accounts'
          ? ACCOUNTS
          : [],
});

/** The first `count` requests of a worker that is answered like that. */
function requestsOf(
  context: WorkerContext,
  count: number,
  answer: (asked: Asked, index: number) => Answer = ok,
  generator = transfers.generator,
): Asked[] {
  const asked: Asked[] = [];
  const requests = generator(context);
  for (let step = requests.next(); !step.done && asked.length < count; ) {
    const next: Asked = 'ask' in step.value ? (step.value as Asked) : { ask: step.value };
    asked.push(next);
    step = requests.next(answer(next, asked.length));
  }
  return asked;
}

const keyed = (asked: readonly Asked[]) =>
  asked.flatMap(({ ask }) => (ask.f === 'transfer' ? [`${ask.from} ${ask.key} ${ask.to} ${ask.amount}`] : []));

/** Answers transfers like that, everything else well. */
const transfersAnswered = (answer: Answer) => (asked: Asked) => (asked.ask.f === 'transfer' ? answer : ok(asked));

/** How often each transfer was asked for, in order. */
function attempts(asked: readonly Asked[]): number[] {
  const counts = new Map<string, number>();
  for (const name of keyed(asked)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts.values()];
}

describe('what a worker asks', () => {
  it('depends on the seed alone, as long as it is answered alike', () => {
    expect(requestsOf(contextOf(2), 300)).toEqual(requestsOf(contextOf(2), 300));
    expect(requestsOf(contextOf(2), 300)).not.toEqual(requestsOf(contextOf(2, 7), 300));
  });

  it('gives no key of one payer two payloads, in all workers together', () => {
    const all = new Set([0, 1, 2, 3].flatMap((worker) => keyed(requestsOf(contextOf(worker), 500))));
    const names = [...all].map((name) => name.split(' ').slice(0, 2).join(' '));
    expect(new Set(names).size).toBe(names.length);
  });

  it('shares transfers with the worker beside it, and with no other', () => {
    const [zero, one, two] = [0, 1, 2].map((worker) => new Set(keyed(requestsOf(contextOf(worker), 400))));
    expect([...(zero ?? [])].filter((name) => one?.has(name)).length).toBeGreaterThan(40);
    expect([...(zero ?? [])].filter((name) => two?.has(name))).toEqual([]);
  });

  it('uses keys that other payers use too', () => {
    const keysOf = (worker: number) =>
      new Set(keyed(requestsOf(contextOf(worker), 400)).flatMap((name) => name.split(' ')[1] ?? []));
    const mine = keysOf(0);
    expect([...keysOf(2)].filter((key) => mine.has(key)).length).toBeGreaterThan(10);
  });

  it('moves from one account to another, whole amounts, and reads balances in between', () => {
    const asked = requestsOf(contextOf(1), 400).map(({ ask }) => ask);
    for (const ask of asked) {
      if (ask.f !== 'transfer') continue;
      expect(ask.from).not.toBe(ask.to);
      expect(ask.amount).toBeGreaterThan(0);
      expect(Number.isInteger(ask.amount)).toBe(true);
    }
    expect(asked.filter(({ f }) => f === 'balance').length).toBeGreaterThan(40);
  });

  it('repeats some acknowledged transfers much later', () => {
    expect(attempts(requestsOf(contextOf(0), 400)).some((count) => count > 1)).toBe(true);
  });
});

describe('a transfer that was not acknowledged', () => {
  it('is repeated with the same key through other nodes, later and later, a bounded number of times', () => {
    const asked = requestsOf(contextOf(0), 200, transfersAnswered({ type: 'info', error: 'timeout' }));
    expect(new Set(attempts(asked).slice(0, -1))).toEqual(new Set([8]));
    const first = asked.findIndex(({ ask }) => ask.f === 'transfer');
    const [, ...repeats] = asked.slice(first, first + 8);
    expect(new Set(keyed([...repeats])).size).toBe(1);
    expect(new Set(repeats.map(({ via }) => via)).size).toBeGreaterThan(1);
    expect(repeats[0]?.via).not.toBe('n1');
    const waits = repeats.map(({ afterMs = 0 }) => afterMs);
    expect(waits[0]).toBeLessThan(waits[6] as number);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1_200);
  });

  it('is repeated after a 409 and after some refusals, but not after all of them', () => {
    const after = (error: string) =>
      attempts(requestsOf(contextOf(0), 300, transfersAnswered({ type: 'fail', error }))).slice(0, -1);
    expect(new Set(after('http-409'))).toEqual(new Set([8]));
    expect(after('http-503')).toContain(1);
    expect(after('http-503').some((count) => count > 1)).toBe(true);
  });

  it.each(['http-402', 'http-422', 'http-400'])('is not repeated after %s', (error) => {
    const asked = requestsOf(contextOf(0), 300, transfersAnswered({ type: 'fail', error }));
    expect(new Set(attempts(asked))).toEqual(new Set([1]));
  });
});

describe('the final requests', () => {
  const finals = (worker: number, answer = ok, unsettled: readonly TransfersInput[] = []) =>
    requestsOf(contextOf(worker), 1_000, answer, (context) =>
      (transfers.finalGenerator as NonNullable<typeof transfers.finalGenerator>)({ ...context, unsettled }),
    );

  it('are those of one worker: the applied transfers, the accounts, every balance through every node', () => {
    const asked = finals(0);
    expect(asked.map(({ ask }) => ask.f).slice(0, 2)).toEqual(['applied', 'accounts']);
    expect(asked).toHaveLength(2 + NODES.length * ACCOUNTS.length);
    expect(finals(1)).toEqual([]);
  });

  it('begin with what is still in doubt', () => {
    const transfer = { f: 'transfer', key: 'k', from: 'a1', to: 'a2', amount: 1 } as const;
    const inDoubt = [transfer, { f: 'accounts' }] as const;
    expect(
      finals(0, ok, inDoubt)
        .map(({ ask }) => ask.f)
        .slice(0, 3),
    ).toEqual(['transfer', 'applied', 'accounts']);
    expect(finals(1, ok, inDoubt)).toEqual([]);
  });

  it('are repeated through every node until they are answered, and not for ever', () => {
    const refused = finals(0, () => ({ type: 'fail', error: 'timeout' }));
    expect(new Set(refused.map(({ via }) => via))).toEqual(new Set(NODES));
    expect(refused.length).toBeLessThan(100);
  });
});

it('every request goes to the part of the API that it names', async () => {
  const called: unknown[] = [];
  const ledger: Ledger = {
    transfer: async (transfer) => {
      called.push(transfer);
      return { id: 't', amount: 1, replayed: false };
    },
    balance: async (account) => called.push(account),
    accounts: async () => ACCOUNTS,
    applied: async () => [],
  };
  const { signal } = new AbortController();
  const transfer = { key: 'k', from: 'a1', to: 'a2', amount: 1 };
  expect(await transfers.invoke(ledger, { f: 'transfer', ...transfer }, signal)).toMatchObject({ id: 't' });
  expect(await transfers.invoke(ledger, { f: 'balance', account: 'a1' }, signal)).toBe(2);
  expect(await transfers.invoke(ledger, { f: 'accounts' }, signal)).toEqual(ACCOUNTS);
  expect(await transfers.invoke(ledger, { f: 'applied' }, signal)).toEqual([]);
  expect(called).toEqual([transfer, 'a1']);
});
