/** How long and how far a checker may go: its time, and how much the memory of this process may grow meanwhile. */

import type { Budget } from './contract.ts';

const MOST_GROWTH_BYTES = 3 * 2 ** 30;
/** How many polls of a budget pass between looks at the clock. */
const POLLS_A_LOOK = 256;

const REPORT_EVERY_MS = 1_000;

/** `report` is told how far the checker came, now and then. */
export function budgetOf(timeoutMs: number, report: (progress: string) => void = () => {}): Budget {
  const begunMs = performance.now();
  const untilMs = begunMs + timeoutMs;
  let reportedMs = begunMs;
  const mostBytes = process.memoryUsage.rss() + MOST_GROWTH_BYTES;
  let polls = 0;
  let reason = '';
  return {
    exhausted() {
      if (reason !== '') return true;
      if (polls++ % POLLS_A_LOOK !== 0) return false;
      if (performance.now() > untilMs) reason = `${timeoutMs / 1000} s of time`;
      else if (process.memoryUsage.rss() > mostBytes) reason = `${MOST_GROWTH_BYTES / 2 ** 30} GiB of memory`;
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
