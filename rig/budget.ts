/** How long and how far a checker may go: its time, and how much the memory of this process may grow meanwhile. */

import type { Budget } from './contract.ts';

const MOST_GROWTH_BYTES = 3 * 2 ** 30;
/** How many polls of a budget pass between looks at the clock. */
const POLLS_A_LOOK = 256;

/** Asking for the memory in use costs more than judging a small history: an answer is good for so long. */
const MEMORY_KNOWN_MS = 10;
let memory = { bytes: 0, knownMs: -Infinity };

function memoryInUse(nowMs: number): number {
  if (nowMs > memory.knownMs + MEMORY_KNOWN_MS) memory = { bytes: process.memoryUsage.rss(), knownMs: nowMs };
  return memory.bytes;
}

const REPORT_EVERY_MS = 1_000;

/** `report` is told how far the checker came, now and then. */
export function budgetOf(timeoutMs: number, report: (progress: string) => void = () => {}): Budget {
  const begunMs = performance.now();
  const untilMs = begunMs + timeoutMs;
  let reportedMs = begunMs;
  const mostBytes = memoryInUse(begunMs) + MOST_GROWTH_BYTES;
  let polls = 0;
  let reason = '';
  return {
    exhausted() {
      if (reason !== '') return true;
      if (polls++ % POLLS_A_LOOK !== 0) return false;
      const nowMs = performance.now();
      if (nowMs > untilMs) reason = `${timeoutMs / 1000} s of time`;
      else if (memoryInUse(nowMs) > mostBytes) reason = `${MOST_GROWTH_BYTES / 2 ** 30} GiB of memory`;
      return reason !== '';
    },
    reason: () => reason,
    report(progress) {
      const nowMs = performance.now();
      if (nowMs < reportedMs + REPORT_EVERY_MS) return;
      reportedMs = nowMs;
      report(progress);
    },
  };
}
