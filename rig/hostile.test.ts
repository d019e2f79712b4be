/** Whatever a history holds, reading it ends in a history or a sentence, and every checker ends in a verdict. */

import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { tryChecker } from './apply-checkers.ts';
import { budgetOf } from './budget.ts';
import type { Checker } from './contract.ts';
import { UsageError } from './exit.ts';
import { readAnyHistory } from './formats.ts';
import type { History } from './history.ts';
import { linearizableBy, rooms } from './rooms.ts';

vi.setConfig({ testTimeout: 120_000 });

const checkers: readonly Checker[] = [...rooms.checkers.all, ...rooms.models.names.map((name) => linearizableBy(name))];

const pick = <T>(...values: readonly T[]) => fc.constantFrom(...values);

const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.nat(3),
  pick<unknown>(null, true, false, '', 'x', '__proto__', -1, 0.5, 1e308, 2 ** 31, 2 ** 53, 'x'.repeat(5_000)),
  pick<unknown>(
    [],
    {},
    [1, 2],
    [[1]],
    [['r', 1, null]],
    [
      ['append', 1, 1],
      ['r', 1, [1]],
    ],
    [['w', 1, 1]],
    [['r', 1, 1]],
  ),
  pick<unknown>(
    { 0: 5, 1: 5 },
    [null, null],
    [['r']],
    [['append', {}, []]],
    [{ f: 'x' }],
    [
      [1, 2],
      [3, 4],
    ],
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

const FUNCTIONS = `read write cas get put append txn add enqueue dequeue drain transfer acquire release generate
  increment balance watch send poll transfers constructor __proto__`.split(/\s+/);
const anyFunction = pick('', ...FUNCTIONS);

const anyProcess = fc.oneof(
  { weight: 9, arbitrary: fc.nat(3) },
  { weight: 1, arbitrary: pick<unknown>(-1, 2 ** 31 - 1, 9e6, 2 ** 40, 0.5, 'nemesis', null) },
);

/** Events that a journal might hold of a client that has lost its mind. */
const journalEvent = fc.record({
  type: pick('invoke', 'invoke', 'ok', 'ok', 'fail', 'info'),
  process: anyProcess,
  node: pick('n1', 'n2', ''),
  input: fc
    .record(
      { f: anyFunction, key: anyValue, value: anyValue, from: anyValue, to: anyValue, amount: anyValue },
      { requiredKeys: ['f'] },
    )
    .map((input) => input as object),
  output: anyValue,
  error: pick('timeout', 'cas-mismatch', ''),
});

const journal = fc.array(fc.tuple(journalEvent, fc.nat(3)), { maxLength: 14 }).map((events) => {
  let timeNs = 0;
  return events.map(([event, step], index) => JSON.stringify({ index, timeNs: (timeNs += step), ...event })).join('\n');
});

const jepsenEvent = fc.record(
  {
    type: pick('invoke', 'invoke', 'ok', 'ok', 'fail', 'info'),
    process: anyProcess,
    f: anyFunction,
    key: anyValue,
    value: anyValue,
    time: pick(-5, 0, 1, 1e300, -1e300, 2 ** 53),
    error: anyValue,
  },
  { requiredKeys: ['type', 'process', 'f', 'value'] },
);

const jepsen = fc
  .array(jepsenEvent, { maxLength: 14 })
  .map((events) => events.map((event) => JSON.stringify(event)).join('\n'));

/** Events of clients that behave, then completed twice, completed before they were asked for, or in any other order. */
const disordered = fc
  .array(fc.tuple(fc.nat(3), anyFunction, anyValue, pick('ok', 'ok', 'fail', 'info'), fc.nat(), fc.nat(2)), {
    minLength: 1,
    maxLength: 8,
  })
  .map((operations) => {
    const lines: string[] = [];
    for (const [process, f, value, end, place, damage] of operations) {
      const [asked, ended] = ['invoke', end].map((type) => JSON.stringify({ type, process, f, key: 'k', value }));
      lines.push(asked as string, ended as string);
      const other = place % lines.length;
      if (damage === 1) lines.splice(other, 0, ended as string);
      if (damage === 2) [lines[lines.length - 1], lines[other]] = [lines[other] as string, lines.at(-1) as string];
    }
    return lines.join('\n');
  });

/** Lines of JSON that are no events at all. */
const anyLines = fc
  .array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 6 })
  .map((values) => values.map((value) => JSON.stringify(value)).join('\n'));

/** Lines doubled, swapped, torn, or with a byte that does not belong. */
const damaged = fc
  .tuple(fc.oneof(journal, jepsen, disordered, anyLines), fc.nat(3), fc.nat(), fc.nat())
  .map(([text, kind, one, other]) => {
    const lines = text.split('\n');
    const [a, b] = [one % lines.length, other % lines.length];
    if (kind === 0) lines.splice(a, 0, lines[b] as string);
    else if (kind === 1) [lines[a], lines[b]] = [lines[b] as string, lines[a] as string];
    else if (kind === 2) return text.slice(0, other % (text.length + 1));
    else lines[a] = `${(lines[a] as string).slice(0, b)}\u0000${(lines[a] as string).slice(b)}`;
    return lines.join('\n');
  });

async function read(text: string): Promise<History | null> {
  try {
    return (await readAnyHistory(Buffer.from(text))).history;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    expect(error.message).toMatch(/\S+ \S+/);
    return null;
  }
}

describe('a hostile history', () => {
  it('that is damaged ends in a history or a sentence', async () => {
    await fc.assert(
      fc.asyncProperty(damaged, async (text) => void (await read(text))),
      { numRuns: 1_000, seed: 1 },
    );
  });

  it.each(checkers.map((checker) => [checker.name, checker] as const))(
    'ends in a verdict of %s',
    async (_, checker) => {
      await fc.assert(
        fc.asyncProperty(fc.oneof(journal, jepsen, disordered, damaged), async (text) => {
          const history = await read(text);
          if (!history) return;
          const { verdict, error } = await tryChecker(checker, history, budgetOf(2_000));
          expect(error).toBe(null);
          if (verdict.validity === 'invalid') expect(verdict.anomalies).not.toEqual([]);
          JSON.stringify(verdict);
        }),
        { numRuns: 60, seed: 2 },
      );
    },
  );
});
