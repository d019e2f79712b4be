/**
 * Puts a history before checkers, side by side in threads of their own where that pays: a history that is large, or
 * one that a first look here does not settle. What a checker does to its thread is its own verdict's trouble only.
 */

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { budgetOf } from './budget.ts';
import { deadline, RealClock, within } from './clock.ts';
import type { Budget, Checker, Verdict } from './contract.ts';
import { unknown } from './define.ts';
import type { History, HistoryParts } from './history.ts';
import { sentenceOf } from './outcome.ts';

/** A larger history is not looked at here first. */
const SMALL_OPERATIONS = 20_000;
/** How long the first look may take; nothing else happens in this thread meanwhile. */
const FIRST_LOOK_MS = 2_000;
/** How much longer than its budget a checker in a thread may take to say so. */
const GRACE_MS = 20_000;
const MOST_THREAD_MEGABYTES = 4_096;

/** What a worker thread is given. */
export interface Trial {
  readonly parts: HistoryParts;
  readonly timeoutMs: number;
  /** Whose own checkers are meant; `null` if there was no workload. */
  readonly workload: string | null;
}

/** What a checker came to, and what went wrong with it, if anything did. */
export interface Outcome {
  readonly verdict: Verdict;
  readonly error: string | null;
}

export interface Court {
  /** What each checker may spend. */
  readonly timeoutMs: number;
  readonly workload?: string | null;
  readonly progress?: (message: string) => void;
  /** Aborts what is not yet judged: it becomes `unknown`. Heard only while threads judge. */
  readonly signal?: AbortSignal | undefined;
}

/** A checker that throws, runs out of memory or does not end makes an `unknown` and an error, never the end of the others. */
export async function applyCheckers(
  history: History,
  checkers: readonly Checker[],
  court: Court,
): Promise<{ readonly verdicts: readonly Verdict[]; readonly errors: readonly string[] }> {
  const { timeoutMs, progress = () => {} } = court;
  const program = workerProgram();
  const outcomes: (Outcome | undefined)[] = [];
  for (const [at, checker] of checkers.entries()) {
    if (program && history.length > SMALL_OPERATIONS) break;
    progress(`${checker.name} judges ${history.length} operations`);
    const budget = budgetOf(program ? Math.min(FIRST_LOOK_MS, timeoutMs) : timeoutMs);
    const outcome = await tryChecker(checker, history, budget);
    const isSettled = !program || timeoutMs <= FIRST_LOOK_MS || budget.reason() === '';
    if (isSettled || outcome.verdict.validity === 'invalid') outcomes[at] = outcome;
  }
  const waiting = [...checkers.keys()].filter((at) => outcomes[at] === undefined);
  const judgeWaiting = async () => {
    for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
      const checker = checkers[at] as Checker;
      progress(`${checker.name} judges ${history.length} operations in a thread of its own`);
      outcomes[at] = await inThread(program as URL, checker, history, court);
    }
  };
  const threads = Math.min(waiting.length, availableParallelism());
  await Promise.all(Array.from({ length: threads }, judgeWaiting));
  const all = outcomes as readonly Outcome[];
  return {
    verdicts: all.map(({ verdict }) => verdict),
    errors: all.flatMap(({ error }) => (error === null ? [] : [error])),
  };
}

export async function tryChecker(checker: Checker, history: History, budget: Budget): Promise<Outcome> {
  try {
    return { verdict: await checker.check(history, budget), error: null };
  } catch (error) {
    return failed(checker.name, sentenceOf(error));
  }
}

function failed(name: string, why: string): Outcome {
  const problem = `checker ${name} failed: ${why}`;
  return { verdict: unknown(name, problem), error: problem };
}

/** The compiled program of a worker thread; `null` where this runs from source. */
function workerProgram(): URL | null {
  const program = new URL('judge-worker.js', import.meta.url);
  return existsSync(fileURLToPath(program)) ? program : null;
}

/** A checker of a plug-in is not known in another thread: it is asked here after all. */
async function inThread(program: URL, checker: Checker, history: History, court: Court): Promise<Outcome> {
  const { timeoutMs, workload = null, signal } = court;
  const trial: Trial = { parts: history.parts, timeoutMs, workload };
  const worker = new Worker(program, {
    name: checker.name,
    workerData: { trial, checker: checker.name },
    resourceLimits: { maxOldGenerationSizeMb: MOST_THREAD_MEGABYTES },
  });
  const limit = deadline(new RealClock(), timeoutMs + GRACE_MS, signal);
  const answer = new Promise<Outcome | null>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`its thread ended with code ${code}`)));
  });
  answer.catch(() => {});
  try {
    return (await within(limit.signal, answer)) ?? (await tryChecker(checker, history, budgetOf(timeoutMs)));
  } catch (error) {
    if (signal?.aborted) return { verdict: unknown(checker.name, 'stopped before it came to a verdict'), error: null };
    if (limit.signal.aborted) return failed(checker.name, `it did not stop when its ${timeoutMs / 1000} s were over`);
    return failed(checker.name, sentenceOf(error));
  } finally {
    limit.cancel();
    await worker.terminate();
  }
}
