import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Json } from './contract.ts';
import { type ExportFormat, exported } from './export.ts';
import { readAnyHistory } from './formats.ts';
import { History } from './history.ts';

const historyOf = (events: readonly object[]) =>
  new History(events.map((event, index) => ({ index, timeNs: index * 10, node: 'n1', ...event }) as HistoryEvent));

const there = (history: History, format: ExportFormat) => [...exported(history, format)].join('');
const andBack = async (history: History, format: ExportFormat) =>
  (await readAnyHistory(Buffer.from(there(history, format)))).history;

/** What of a history survives. */
const told = (history: History) =>
  [...history.operations()].map(({ process, input, completion, invokedNs, completedNs }) => ({
    process,
    input,
    completion,
    invokedNs,
    completedNs,
  }));

const register = historyOf([
  { type: 'phase', phase: 'load' },
  { type: 'invoke', process: 0, input: { f: 'write', key: 'x', value: 1 } },
  { type: 'invoke', process: 1, input: { f: 'cas', key: 'x', from: 1, to: 2 } },
  { type: 'ok', process: 0, output: null },
  { type: 'fail', process: 1, error: 'cas-mismatch' },
  { type: 'invoke', process: 2, input: { f: 'write', key: 'y', value: 3 } },
  { type: 'info', process: 2, error: 'timeout' },
  { type: 'invoke', process: 0, input: { f: 'read', key: 'y' } },
  { type: 'ok', process: 0, output: 3 },
  { type: 'invoke', process: 0, input: { f: 'read', key: 'x' } },
]);

describe('exported', () => {
  it("writes Jepsen's EDN, in which the value of a keyed operation is a pair", () => {
    expect(there(register, 'edn').split('\n').slice(0, 6)).toEqual([
      '{:index 0, :time 10, :type :invoke, :process 0, :f :write, :value ["x" 1], :key "x"}',
      '{:index 1, :time 20, :type :invoke, :process 1, :f :cas, :value ["x" [1 2]], :key "x"}',
      '{:index 2, :time 30, :type :ok, :process 0, :f :write, :value ["x" 1], :key "x"}',
      '{:index 3, :time 40, :type :fail, :process 1, :f :cas, :value ["x" [1 2]], :key "x", :error :cas-mismatch}',
      '{:index 4, :time 50, :type :invoke, :process 2, :f :write, :value ["y" 3], :key "y"}',
      '{:index 5, :time 60, :type :info, :process 2, :f :write, :value ["y" 3], :key "y", :error :timeout}',
    ]);
  });

  it("writes micro-operations of transactions as Elle's keywords", () => {
    const history = historyOf([
      {
        type: 'invoke',
        process: 0,
        input: {
          f: 'txn',
          value: [
            ['append', 5, 1],
            ['r', 5, null],
          ],
        },
      },
      {
        type: 'ok',
        process: 0,
        output: [
          ['append', 5, 1],
          ['r', 5, [1]],
        ],
      },
    ]);
    expect(there(history, 'edn')).toContain(':f :txn, :value [[:append 5 1] [:r 5 [1]]]');
  });

  it.each(['edn', 'jsonl'] as const)('as %s, is read back as it was', async (format) => {
    expect(told(await andBack(register, format))).toEqual(told(register));
  });

  it.each(['edn', 'jsonl'] as const)('as %s, is read back as it was, whatever the values are', async (format) => {
    const value = fc.jsonValue({ maxDepth: 2 }).filter((own) => own !== null && !JSON.stringify(own).includes('-0'));
    const operation = fc.record({ process: fc.nat(3), value, f: fc.constantFrom('write', 'txn', 'read', 'take it') });
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        async (operations, isKeyed) => {
          const events = operations.flatMap(({ process, value: own, f }, at) => {
            const input = { f, ...(isKeyed ? { key: at % 2 } : {}), ...(f === 'read' ? {} : { value: own as Json }) };
            const output = f === 'write' ? null : own;
            return [
              { type: 'invoke', process, input },
              at % 3 === 2 ? { type: 'info', process, error: 'gave up: "no"' } : { type: 'ok', process, output },
            ];
          });
          const history = historyOf(events);
          expect(told(await andBack(history, format))).toEqual(told(history));
        },
      ),
      { numRuns: 200, seed: 3 },
    );
  });
});
