/**
 * Histories that are made to cost: whatever a checker makes of them, it ends near its budget, and says how far it got
 * where that was not enough.
 */

import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeHistory } from './bench/made-history.ts';
import { budgetOf } from './budget.ts';
import type { HistoryEvent, Json, Verdict } from './contract.ts';
import { readAnyHistory } from './formats.ts';
import { History } from './history.ts';
import { packageRoot } from './package-root.ts';
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

/** A register of five values, made by clients that are always busy. */
const MADE = { kind: 'register', keys: 1, values: 5, reads: 0.34, writes: 0.33, unknown: 0, violation: false } as const;

/** One list that everybody appends to, and that is read whole now and then. */
async function writeLongList(path: string): Promise<void> {
  function* lines() {
    const list: number[] = [];
    for (let at = 0; at < 60_000; at++) {
      list.push(at);
      const read = at % 3_000 === 0 ? [['r', 'k', list]] : [];
      const event = (type: string, value: unknown) =>
        `${JSON.stringify({ type, process: at % 10_000, f: 'txn', value })}\n`;
      yield event('invoke', [['append', 'k', at], ...(read.length > 0 ? [['r', 'k', null]] : [])]);
      yield event('ok', [['append', 'k', at], ...read]);
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(path));
}

const BUDGET = '3s';
const MOST_MEGABYTES = 4_000;

describe('a file that is made to cost, in a process of its own', { timeout: 180_000 }, () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ordeal-traps-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it.each([
    [
      'swaps of one key, most of them refused',
      '--model',
      'cas-register',
      (path: string) => writeHistory(path, { ...MADE, operations: 300_000, clients: 20, reads: 0, writes: 0.05 }),
    ],
    [
      'ten thousand processes on one key',
      '--model',
      'cas-register',
      (path: string) => writeHistory(path, { ...MADE, operations: 40_000, clients: 10_000 }),
    ],
    [
      'five hundred operations of unknown outcome, and a violation',
      '--model',
      'cas-register',
      (path: string) =>
        writeHistory(path, { ...MADE, operations: 10_000, clients: 100, unknown: 0.05, violation: true }),
    ],
    ['one list with sixty thousand elements', '--checker', 'list-append', writeLongList],
  ] as const)('ends in a verdict near its budget: %s', async (_, by, name, make) => {
    const path = join(directory, 'history.jsonl');
    await make(path);
    const words = ['check', path, by, name, '--timeout', BUDGET];
    const begunMs = performance.now();
    const child = execa(process.execPath, [join(packageRoot, 'rig', 'ordeal.mjs'), ...words], {
      reject: false,
      timeout: 150_000,
      env: { NO_COLOR: '1', FORCE_COLOR: undefined },
    });
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, megabytesOf(child.pid as number))), 100);
    const { exitCode, stdout, stderr } = await child;
    clearInterval(watch);
    expect([0, 1, 2], `${stdout}\n${stderr}`).toContain(exitCode);
    expect(stdout).toMatch(/^(valid|unknown|invalid): /m);
    // Reading the file takes its time, and a busy machine more.
    expect(performance.now() - begunMs).toBeLessThan(2 * MOST_MS);
    expect(peak).toBeLessThan(MOST_MEGABYTES);
  });
});

it('finds a violation among a hundred clients though nobody knows what became of every twentieth request', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ordeal-traps-'));
  const path = join(directory, 'history.jsonl');
  writeHistory(path, { ...MADE, operations: 10_000, clients: 100, unknown: 0.05, violation: true });
  const { history } = await readAnyHistory(path);
  rmSync(directory, { recursive: true });
  const verdict = await linearizableBy('cas-register').check(history, budgetOf(60_000));
  expect(verdict.summary).toContain('cannot read 900000001 while it holds 900000002');
}, 120_000);

/** What a process has in memory; 0 where that cannot be seen. */
function megabytesOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
