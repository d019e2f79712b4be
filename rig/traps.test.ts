/**
 * Histories that are made to cost: whatever a checker makes of them, it ends near its budget, and says how far it got
 * where that was not enough.
 */

import { describe, expect, it } from 'vitest';
import { budgetOf } from './budget.ts';
import type { HistoryEvent, Json, Verdict } from './contract.ts';
import { History } from './history.ts';
import { Random } from './random.ts';
import { checkerBy, linearizableBy } from './rooms.ts';

const BUDGET_MS = 2_000;
/** An order of magnitude: what a busy machine may add. */
const MOST_MS = 30_000;

type Draft = { readonly process: number; readonly type: string; readonly [more: string]: Json };

const historyOf = (events: readonly Draft[]): History =>
  new History(
    events.map((event, index) => ({ ...event, index, timeNs: index, node: 'n1' }) as unknown as HistoryEvent),
  );

const asked = (process: number, input: Json): Draft => ({ process, type: 'invoke', input });
const done = (process: number, output: Json): Draft => ({ process, type: 'ok', output });
const lost = (process: number): Draft => ({ process, type: 'info', error: 'timeout' });

/** Everybody asks at once, of one key, and is answered in any order; reads see anything. */
function crowd(clients: number, rounds: number, values: number): History {
  const rng = new Random(`crowd ${clients} ${rounds} ${values}`);
  const events: Draft[] = [];
  for (let round = 0; round < rounds; round++) {
    const kinds = Array.from({ length: clients }, () => rng.pick(['read', 'write', 'cas']));
    const value = () => rng.integer(1, values);
    kinds.forEach((f, process) =>
      events.push(
        asked(process, f === 'cas' ? { f, from: value(), to: value() } : f === 'write' ? { f, value: value() } : { f }),
      ),
    );
    kinds.forEach((f, process) => events.push(done(process, f === 'read' ? value() : null)));
  }
  return historyOf(events);
}

/** So many swaps of which nobody heard, then reads that need just those. */
function openUnknowns(count: number): History {
  const events: Draft[] = [];
  for (let process = 1; process <= count; process++)
    events.push(asked(process, { f: 'cas', from: process % 40, to: (process * 7) % 40 }), lost(process));
  for (let at = 0; at < 200; at++) events.push(asked(0, { f: 'read' }), done(0, (at * 11) % 40));
  return historyOf([asked(0, { f: 'write', value: 0 }), done(0, null), ...events]);
}

/** Each transaction appends to the one list and reads all of it: one component, and every pair in it is ordered. */
function oneComponent(transactions: number): History {
  const events: Draft[] = [];
  const list: number[] = [];
  for (let at = 0; at < transactions; at++) {
    list.push(at);
    const seen = at % 50 === 0 ? [...list] : null;
    const micros =
      seen === null
        ? [['append', 'k', at]]
        : [
            ['append', 'k', at],
            ['r', 'k', null],
          ];
    events.push(asked(at % 10_000, { f: 'txn', value: micros }));
    events.push(
      done(
        at % 10_000,
        seen === null
          ? [['append', 'k', at]]
          : [
              ['append', 'k', at],
              ['r', 'k', seen],
            ],
      ),
    );
  }
  return historyOf(events);
}

async function judged(
  checker: { check: (history: History, budget: ReturnType<typeof budgetOf>) => Verdict | Promise<Verdict> },
  history: History,
) {
  const begunMs = performance.now();
  const verdict = await checker.check(history, budgetOf(BUDGET_MS));
  expect(performance.now() - begunMs).toBeLessThan(MOST_MS);
  if (verdict.validity === 'unknown') expect(verdict.summary).toMatch(/got to operation|ran out|not begun/);
  return verdict;
}

describe('a history that is made to cost', { timeout: 120_000 }, () => {
  it.each([
    ['one hot key, a hundred clients, five values', () => crowd(100, 60, 5)],
    ['one hot key, five hundred clients, two values', () => crowd(500, 6, 2)],
    ['one hot key, ten thousand processes', () => crowd(10_000, 1, 4)],
    ['one hot key, many values', () => crowd(40, 100, 1_000)],
    ['five hundred operations of unknown outcome', () => openUnknowns(500)],
    ['five thousand operations of unknown outcome', () => openUnknowns(5_000)],
  ] as const)('is judged within its budget: %s', async (_, make) => {
    await judged(linearizableBy('register'), make());
  });

  it('is judged within its budget: one giant component of transactions, ten thousand processes', async () => {
    expect((await judged(checkerBy('list-append'), oneComponent(20_000))).validity).toBe('valid');
  });
});
