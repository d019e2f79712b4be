import { describe, expect, it } from 'vitest';
import type { TransfersInput, TransfersOutput } from '../checkers/exactly-once.ts';
import type { Completion, Directed, Transfer, WorkerContext } from '../rig/contract.ts';
import { Random } from '../rig/random.ts';
import { idempotency } from './idempotency.ts';

type Answer = Completion<TransfersOutput>;

const NODES = ['n1', 'n2', 'n3'];
const ACCOUNTS = ['a1', 'a2', 'a3', 'a4'].map((account) => ({ account, opening: 100, balance: 100 }));

function contextOf(worker: number, seed = 1): WorkerContext {
  const rng = new Random(seed);
  const node = NODES[worker % NODES.length] as string;
  return { worker, workerCount: 4, nodes: NODES, node, rng: rng.fork(`worker ${worker}`), shared: rng.fork('shared') };
}

const ok = (ask: TransfersInput): Answer => ({
  type: 'ok',
  output:
    ask.f === 'transfer' ? { id: 't', amount: ask.amount, replayed: false } : ask.f === 'accounts' ? ACCOUNTS : 100,
});

/** The transfers among the first `count` requests of a worker that is answered like that. */
function transfersOf(worker: number, count: number, answer: (transfer: Transfer) => Answer | null = () => null) {
  const asked: Transfer[] = [];
  const requests = idempotency.generator(contextOf(worker));
  let step = requests.next();
  for (let nth = 0; !step.done && nth < count; nth++) {
    const ask = 'ask' in step.value ? (step.value as Directed<TransfersInput>).ask : step.value;
    if (ask.f === 'transfer') asked.push(ask);
    step = requests.next((ask.f === 'transfer' && answer(ask)) || ok(ask));
  }
  return asked;
}

const nameOf = ({ from, key }: Transfer) => `${from} ${key}`;
const payloadOf = ({ to, amount }: Transfer) => `${amount} to ${to}`;

describe('a worker that puts keys on trial', () => {
  it('asks the same as long as it is answered alike', () => {
    expect(transfersOf(1, 300)).toEqual(transfersOf(1, 300));
  });

  it('uses acknowledged keys with another payload, and then as they were', () => {
    const asked = transfersOf(0, 500);
    const reused = asked.filter((one, at) => {
      const [before, after] = [asked[at - 1], asked[at + 1]];
      return (
        before &&
        after &&
        nameOf(before) === nameOf(one) &&
        payloadOf(before) !== payloadOf(one) &&
        nameOf(after) === nameOf(one) &&
        payloadOf(after) === payloadOf(before)
      );
    });
    expect(reused.length).toBeGreaterThan(30);
    expect(reused.every(({ from, to }) => from !== to)).toBe(true);
  });

  it('does so only after an acknowledgement', () => {
    const asked = transfersOf(0, 500, () => ({ type: 'info', error: 'timeout' }));
    const payloads = new Map(asked.map((one) => [nameOf(one), new Set<string>()]));
    for (const one of asked) if (one.key !== '') payloads.get(nameOf(one))?.add(payloadOf(one));
    expect([...payloads.values()].every(({ size }) => size <= 1)).toBe(true);
  });

  it('uses long keys that differ in their last character alone', () => {
    const keys = new Set(transfersOf(2, 500).map(({ key }) => key));
    const twins = [...keys].filter((key) => key.endsWith('ka') && keys.has(`${key.slice(0, -1)}b`));
    expect(twins.length).toBeGreaterThan(20);
    expect(Math.max(...twins.map(({ length }) => length))).toBe(128);
  });

  it('uses keys that are empty, too long, of other alphabets, and with what has a meaning elsewhere', () => {
    const keys = [0, 1, 2, 3].flatMap((worker) => transfersOf(worker, 800).map(({ key }) => key));
    expect(keys).toContain('');
    for (const pattern of [/^.{20000}$/, /ключ/, /"/, /, /, /--/, / with /, /\u{1f4b8}/u])
      expect(keys.some((key) => pattern.test(key))).toBe(true);
  });

  it('comes back to what was left open until it is settled', () => {
    const stubborn = transfersOf(0, 400, () => ({ type: 'fail', error: 'http-409' }));
    const counts = new Map<string, number>();
    for (const one of stubborn) counts.set(nameOf(one), (counts.get(nameOf(one)) ?? 0) + 1);
    expect(Math.max(...counts.values())).toBeGreaterThan(8);
  });
});
