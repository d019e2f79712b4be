/**
 * How long the judgement of isolation takes, beside `JSON.parse` of the same file line by line in the same run. The
 * ratio is the claim; absolute times belong to the machine.
 */

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RealClock } from '../../rig/clock.ts';
import type { Checker } from '../../rig/contract.ts';
import { readAnyHistory } from '../../rig/formats.ts';
import { listAppend } from './list-append.ts';
import { rwRegister } from './rw-register.ts';
import { simulatedHistory } from './simulated-history.ts';

const NEWLINE = 10;
const SIZES = [100_000, 1_000_000];
const CONCURRENCY = 20;
const LINES_AT_ONCE = 4096;
const patient = { exhausted: () => false, reason: () => '' };

const subjects = [
  ['list-append', 'list', listAppend as unknown as Checker],
  ['rw-register', 'register', rwRegister as unknown as Checker],
] as const;

/** Says one line for each history. */
export async function benchIsolation(say: (line: string) => void, sizes: readonly number[] = SIZES): Promise<void> {
  const clock = new RealClock();
  const directory = mkdtempSync(join(tmpdir(), 'ordeal-bench-'));
  const timeMs = async <T>(act: () => T | Promise<T>): Promise<readonly [result: T, ms: number]> => {
    const from = clock.nowNs();
    const result = await act();
    return [result, (clock.nowNs() - from) / 1e6];
  };
  try {
    for (const transactions of sizes) {
      for (const [name, kind, checker] of subjects) {
        const path = join(directory, `${name}.jsonl`);
        writeLines(path, simulatedHistory({ kind, transactions, concurrency: CONCURRENCY, seed: 7 }));
        const [, parseMs] = await timeMs(() => parseLines(path));
        const [{ history }, readMs] = await timeMs(() => readAnyHistory(path));
        const [{ validity }, checkMs] = await timeMs(() => checker.check(history, patient));
        say(
          `${name.padEnd(12)} ${transactions.toLocaleString('en').padStart(10)} transactions  ` +
            `parse ${parseMs.toFixed(0)} ms, read ${(readMs / parseMs).toFixed(2)} × parse, ` +
            `check ${(checkMs / parseMs).toFixed(2)} × parse (${validity}), ` +
            `${Math.round(process.resourceUsage().maxRSS / 1024)} MiB at most`,
        );
      }
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function writeLines(path: string, lines: Iterable<string>): void {
  const file = openSync(path, 'w');
  let waiting: string[] = [];
  const flush = () => {
    if (waiting.length > 0) writeSync(file, `${waiting.join('\n')}\n`);
    waiting = [];
  };
  for (const line of lines) if (waiting.push(line) === LINES_AT_ONCE) flush();
  flush();
  closeSync(file);
}

/** What anybody would do who reads such a file, and keeps nothing. */
function parseLines(path: string): number {
  const bytes = readFileSync(path);
  let lines = 0;
  for (let from = 0; from < bytes.length; lines++) {
    const to = bytes.indexOf(NEWLINE, from);
    JSON.parse(bytes.toString('utf8', from, to));
    from = to + 1;
  }
  return lines;
}
