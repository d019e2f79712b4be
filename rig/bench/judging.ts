/** How long reading and judging take beside parsing the same file in the same run: the ratio is the claim. */

import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { budgetOf } from '../budget.ts';
import type { Checker, Verdict } from '../contract.ts';
import { readAnyHistory } from '../formats.ts';
import type { History } from '../history.ts';
import { packageRoot } from '../package-root.ts';
import { linearizableBy, rooms } from '../rooms.ts';
import { type Shape, writeHistory } from './made-history.ts';
import { writeTransfers } from './made-transfers.ts';
import { parsingMs } from './parsing.ts';

export const PLAIN: Shape = {
  kind: 'register',
  operations: 10_000,
  clients: 20,
  keys: 1,
  values: 5,
  reads: 0.34,
  writes: 0.33,
  unknown: 0,
  violation: false,
};
export const UNIQUE = { values: Infinity, reads: 0.5, writes: 0.5 } as const;
const MILLION = 1_000_000;
const READING_ROUNDS = 5;
/** Of the logs: until nothing is compiled any more, and those that count. */
const [ROUNDS_TO_WARM, ROUNDS_WARM] = [100, 50] as const;
/** What a checker may take: a bench that takes longer than this has failed. */
export const BUDGET_MS = 20_000;

interface Case {
  readonly name: string;
  /** What history; or how to write it. */
  readonly shape: Partial<Shape> | ((path: string) => void);
  /** A model, or else a checker; one that is not there yet is passed over. */
  readonly by: string;
  /** What the goal is for: reading and checking together, or checking alone, in multiples of parsing. */
  readonly goal: readonly [of: 'read and check' | 'check', most: number];
  /** Parsed, read and judged so often; told are the first of each, when nothing is warm, and the quickest. */
  readonly rounds?: number;
}

const hard = (name: string, shape: Partial<Shape>, most: number): Case => ({
  name: `one key, 5 values, 10,000 operations, ${name}`,
  shape,
  by: 'cas-register',
  goal: ['check', most],
  rounds: 5,
});

export const CASES: Readonly<Record<string, readonly Case[]>> = {
  registers: [
    {
      name: 'registers, 1,000,000 operations over 10,000 keys, c=20',
      shape: { ...UNIQUE, operations: MILLION, keys: 10_000 },
      by: 'register',
      goal: ['read and check', 0.5],
      rounds: 3,
    },
    {
      name: 'registers, 1,000,000 operations on one key, unique values, c=10',
      shape: { ...UNIQUE, operations: MILLION, clients: 10 },
      by: 'register',
      goal: ['read and check', 0.5],
      rounds: 3,
    },
  ],
  'hard-registers': [
    hard('c=20', {}, 3),
    hard('c=100', { clients: 100 }, 20),
    hard('c=20, 5 % unknown', { unknown: 0.05 }, 20),
    hard('c=20, a violation near the end', { violation: true }, 20),
    hard('c=100, a violation near the end', { clients: 100, violation: true }, 20),
    hard('c=20, 5 % unknown, a violation near the end', { unknown: 0.05, violation: true }, 20),
    hard('c=100, 5 % unknown, a violation near the end', { clients: 100, unknown: 0.05, violation: true }, 20),
  ],
  sets: [
    {
      name: 'sets, 1,000,000 operations over 1,000 elements, c=20',
      shape: { kind: 'set', operations: MILLION, keys: 1_000 },
      by: 'set',
      goal: ['read and check', 0.5],
      rounds: 3,
    },
  ],
  queues: [
    {
      name: 'a FIFO queue, 1,000,000 operations, c=20',
      shape: { kind: 'queue', operations: MILLION },
      by: 'fifo-queue',
      goal: ['read and check', 0.5],
      rounds: 3,
    },
  ],
  transfers: [
    {
      name: 'exactly-once, 1,000,000 attempts of 300,000 keys',
      shape: (path) => writeTransfers(path, MILLION, 300_000),
      by: 'exactly-once',
      goal: ['check', 3],
      rounds: 3,
    },
  ],
  'transactions-100k': transactionCases(100_000, 5),
  'transactions-1m': transactionCases(MILLION, 1),
};

function transactionCases(operations: number, rounds: number): Case[] {
  return (['list-append', 'rw-register'] as const).map((kind) => ({
    name: `${kind}, ${operations.toLocaleString('en')} transactions, c=20`,
    shape: { kind, operations, keys: 10 },
    by: kind,
    goal: ['check', 1],
    rounds,
  }));
}

/** Prints what a group of cases takes. */
export async function benchJudging(group: string): Promise<void> {
  for (const one of CASES[group] ?? []) {
    const checker = checkerBy(one.by);
    if (!checker) console.log(`${one.name}: no model or checker is called ${one.by}`);
    else await inFile(one.shape, (path) => benchCase(one, checker, path));
  }
}

export const checkerBy = (name: string): Checker | undefined =>
  rooms.models.names.includes(name)
    ? linearizableBy(name)
    : rooms.checkers.all.find((checker) => checker.name === name);

async function benchCase({ name, goal: [of, most], rounds = 1 }: Case, checker: Checker, path: string): Promise<void> {
  const [parse, read, check]: [number[], number[], number[]] = [[], [], []];
  let history: History | undefined;
  let verdict: Verdict | undefined;
  for (let round = 0; round < rounds; round++) {
    parse.push(parsingMs(path));
    if (!history || of === 'read and check') {
      const [{ history: found }, readMs] = await timed(() => readAnyHistory(path));
      history = found;
      read.push(readMs);
    }
    const judged = history;
    const [found, checkMs] = await timed(() => checker.check(judged, budgetOf(BUDGET_MS)));
    verdict = found;
    check.push(checkMs);
  }
  const [first, best] = [([ms]: number[]) => ms as number, (all: number[]) => Math.min(...all)].map(
    (pick) => (pick(check) + (of === 'check' ? 0 : pick(read))) / pick(parse),
  ) as [number, number];
  const all = (times: number[]) => times.map(ms).join(', ');
  console.log(
    `${name}\n  parse ${all(parse)}; read ${all(read)}; check ${all(check)}: ${verdict?.validity}` +
      `\n  ${of}: ${first.toFixed(2)} × parse at first, ${best.toFixed(2)} at best, goal ≤ ${most} ${best <= most ? 'reached' : 'MISSED'}; ${megabytes()}`,
  );
}

/** Prints what reading a million events takes, of each kind of file. */
export async function benchReading(): Promise<void> {
  const events = 500_000;
  await inFile({ ...UNIQUE, operations: events, keys: 10_000 }, async (path) => {
    await benchFile("1,000,000 events in Jepsen's form", path);
    const gzipped = `${path}.gz`;
    await pipeline(createReadStream(path), createGzip({ level: 1 }), createWriteStream(gzipped));
    await benchFile('the same, gzipped', gzipped, path);
  });
  await inFile({ kind: 'list-append', operations: 100_000, keys: 10 }, (path) =>
    benchFile('200,000 events of transactions', path),
  );
}

/** The quickest of some rounds each: what else the machine does can only add. */
async function benchFile(name: string, path: string, plain = path): Promise<void> {
  let [parseMs, readMs] = [Infinity, Infinity];
  for (let round = 0; round < READING_ROUNDS; round++) {
    parseMs = Math.min(parseMs, parsingMs(plain));
    const [, takenMs] = await timed(() => readAnyHistory(path));
    readMs = Math.min(readMs, takenMs);
  }
  const size = `${(statSync(path).size / 1e6).toFixed(0)} MB`;
  const reached = readMs / parseMs;
  console.log(
    `${name}, ${size}: parse ${ms(parseMs)}, read ${ms(readMs)}: ${reached.toFixed(2)} × parse, goal ≤ 0.5 ${reached <= 0.5 ? 'reached' : 'MISSED'}`,
  );
}

/** Prints what all logs of etcd in Porcupine's collection take, where the collection is beside the checkout. */
export async function benchLogs(): Promise<void> {
  const folder = join(packageRoot, '../shared/histories/porcupine-etcd');
  if (!existsSync(folder)) return console.log(`skipped: there is no ${folder}`);
  const checker = linearizableBy('cas-register');
  const files = readdirSync(folder).map((file) => readFileSync(join(folder, file)));
  const histories: History[] = [];
  for (const file of files) histories.push((await readAnyHistory(file)).history);
  const all = async () => {
    for (const history of histories) await checker.check(history, budgetOf(BUDGET_MS));
  };
  const [, coldMs] = await timed(all);
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS_TO_WARM + ROUNDS_WARM; round++) rounds.push((await timed(all))[1]);
  const warm = rounds.slice(-ROUNDS_WARM).sort((a, b) => a - b);
  const [bestMs, medianMs] = [warm[0] as number, warm[warm.length >> 1] as number];
  console.log(
    `${files.length} logs of etcd: cold ${ms(coldMs)}, goal ≤ 200 ms; warm ${ms(medianMs)} at the median, ${ms(bestMs)} at best, goal ≤ 20 ms ${coldMs <= 200 && bestMs <= 20 ? 'reached' : 'MISSED'}`,
  );
}

export async function inFile(shape: Case['shape'], use: (path: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ordeal-bench-'));
  try {
    const path = join(directory, 'history.jsonl');
    if (typeof shape === 'function') shape(path);
    else writeHistory(path, { ...PLAIN, ...shape });
    await use(path);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export async function timed<T>(act: () => T | Promise<T>): Promise<readonly [T, number]> {
  const begunMs = performance.now();
  const result = await act();
  return [result, performance.now() - begunMs];
}

export const ms = (taken: number): string => `${taken.toFixed(taken < 10 ? 2 : 0)} ms`;
const megabytes = (): string => `${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MB in all`;
