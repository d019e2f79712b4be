/** Sample runs in which something impossible was seen: a stale read, a transfer applied twice. */

import type { Anomaly, Input, RunRecord } from '../../rig/contract.ts';
import { invalid } from '../../rig/define.ts';
import type { History } from '../../rig/history.ts';
import { Random } from '../../rig/random.ts';
import {
  exercised,
  failed,
  faultsUntil,
  historyOf,
  ok,
  recordOf,
  registerSamples,
  type Sample,
  timedOut,
} from './making.ts';

/** Written 7, swapped to 8, then 7 is read although 8 had been seen. */
const STALE_READ: readonly Sample[] = [
  { process: 100, node: 'n1', atMs: 7000, tookMs: 3.1, input: { f: 'write', key: '3', value: 7 }, answer: ok(null) },
  { process: 101, node: 'n2', atMs: 7002.2, tookMs: 4.4, input: { f: 'read', key: '3' }, answer: ok(7) },
  { process: 102, node: 'n1', atMs: 7004, tookMs: 1000, input: { f: 'write', key: '3', value: 9 }, answer: timedOut },
  {
    process: 103,
    node: 'n3',
    atMs: 7005,
    tookMs: 6.5,
    input: { f: 'cas', key: '3', from: 7, to: 8 },
    answer: ok(true),
  },
  { process: 101, node: 'n2', atMs: 7013, tookMs: 2.2, input: { f: 'read', key: '3' }, answer: ok(8) },
  { process: 104, node: 'n1', atMs: 7018, tookMs: 1.4, input: { f: 'read', key: '3' }, answer: ok(7) },
  { process: 103, node: 'n3', atMs: 7018.5, tookMs: 3, input: { f: 'read', key: '3' }, answer: ok(8) },
];

export function invalidRun(directory: string): RunRecord {
  const faults = faultsUntil(20_000);
  const background = registerSamples(2000, 20_000, faults, new Random('invalid'));
  const history = historyOf([...background.filter(({ input }) => input['key'] !== '3'), ...STALE_READ]);
  const named = indicesOn('3', history);
  const other: Anomaly = {
    name: 'nonlinearizable',
    explanation: 'Key 12 was read as 4, which was never written.',
    witnesses: named.slice(0, 1),
  };
  const statistics = { keys: 41, invalidKeys: ['3', '12'] };
  const verdicts = [
    invalid('linearizable', '2 of 41 keys did not behave like a register.', [staleRead(named), other], statistics),
    exercised,
  ];
  const summary = 'A read of key 3 returned 7 after 8 had been read: the register is not linearizable.';
  const run = { name: 'etcd-stale-reads', cluster: 'etcd', variant: 'stale-reads', workload: 'register' };
  return recordOf({ ...run, history, faults, verdicts, summary }, directory);
}

const indicesOn = (key: string, history: History): number[] =>
  [...history.operations()].filter(({ input }) => input['key'] === key).map(({ index }) => index);

/** The indices are those of `STALE_READ`, in its order. */
function staleRead(named: readonly number[]): Anomaly {
  const at = (position: number): number => named[position] as number;
  const [swap, read8, stale] = [at(3), at(4), at(5)];
  return {
    name: 'nonlinearizable',
    explanation: `Key 3 was read as 7 by #${stale} through n1, after #${read8} had already read 8: no order of the operations that agrees with real time explains both.`,
    witnesses: [swap, read8, stale],
    counterexample: {
      subject: '3',
      operations: named,
      order: [
        { index: at(0), state: 'value 7' },
        { index: at(1), state: 'value 7' },
        { index: swap, state: 'value 8' },
        { index: read8, state: 'value 8' },
        { index: at(6), state: 'value 8' },
      ],
      impossible: [
        { index: stale, reason: 'it read 7, but the value is 8, and nothing that may still take effect writes 7' },
      ],
    },
    detail: { neverPlaced: at(2) },
  };
}

const TRANSFER: Input = { f: 'transfer', key: 'w3-117', from: 'alice', to: 'bob', amount: 30 };

/** One transfer, retried after a timeout with the same key through another node. */
const RETRIED: readonly Sample[] = [
  { process: 40, node: 'n1', atMs: 15_100, tookMs: 1000, input: TRANSFER, answer: timedOut },
  { process: 48, node: 'n2', atMs: 16_350, tookMs: 12, input: TRANSFER, answer: failed('key-in-flight', '409') },
  { process: 48, node: 'n2', atMs: 16_800, tookMs: 21, input: TRANSFER, answer: ok(receipt('t9402')) },
];

function receipt(id: string) {
  return { id, amount: 30, replayed: false };
}

function transferSamples(count: number, rng: Random): Sample[] {
  const account = (): string => `a${rng.integer(0, 9)}`;
  return Array.from({ length: count }, (_, at) => ({
    process: at % 8,
    node: `n${(at % 3) + 1}`,
    atMs: at * 9.5,
    tookMs: 2 + rng.exponential() * 3,
    input: { f: 'transfer', key: `k-${at}`, from: account(), to: account(), amount: rng.integer(1, 90) },
    answer: ok(receipt(`t${at}`)),
  }));
}

/** The retried transfer was applied twice. */
export function duplicateRun(directory: string): RunRecord {
  const history = historyOf([...transferSamples(3000, new Random('duplicate')), ...RETRIED]);
  const { f: _, ...transfer } = TRANSFER;
  const anomaly: Anomaly = {
    name: 'duplicate-application',
    explanation:
      'The transfer with key w3-117 was asked for three times and acknowledged once, but it was applied twice: alice paid 60 instead of 30.',
    witnesses: indicesOn('w3-117', history),
    detail: {
      key: 'w3-117',
      acknowledged: 1,
      applied: [
        { id: 't9377', ...transfer },
        { id: 't9402', ...transfer },
      ],
    },
  };
  const statistics = { keys: 3001, acknowledged: 3001, appliedTwice: 1 };
  const verdicts = [
    invalid('exactly-once', '1 of 3,001 transfers was applied more than once.', [anomaly], statistics),
    exercised,
  ];
  const summary = 'The transfer with key w3-117 was applied twice: once before the crash of n1, once after it.';
  const run = { name: 'ledger-transfers', cluster: 'ledger', variant: 'commit-before-record', workload: 'transfers' };
  return recordOf({ ...run, history, faults: faultsUntil(30_000), verdicts, summary }, directory);
}
