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
import type { Budget, Checker, Share, Verdict } from './contract.ts';
import { unknown } from './define.ts';
import type { History, HistoryParts } from './history.ts';
import { sentenceOf } from './outcome.ts';
import { trustAgain } from './stuck.ts';

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
  trustAgain(); // A checker of one's own may think for long; it is told when its time is over.
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
  const waiting = checkers.filter((_, at) => outcomes[at] === undefined);
  const found = waiting.length > 0 ? await judgeInThreads(program as URL, history, waiting, court) : [];
  const all = checkers.map((_, at) => outcomes[at] ?? (found.shift() as Outcome));
  return {
    verdicts: all.map(({ verdict }) => verdict),
    errors: all.flatMap(({ error }) => (error === null ? [] : [error])),
  };
}

/** What a thread is asked next: a checker's verdict, on one share of the keys where it can be shared. */
export interface Question {
  readonly name: string;
  readonly share: Share | undefined;
}

async function judgeInThreads(
  program: URL,
  history: History,
  checkers: readonly Checker[],
  court: Court,
): Promise<Outcome[]> {
  const cores = availableParallelism();
  const isKeyed = history.keyCode.some((code) => code !== history.keyCode[0]);
  const tasks = checkers.flatMap((checker) => {
    court.progress?.(`${checker.name} judges ${history.length} operations`);
    const of = checker.join && isKeyed ? cores : 1;
    return Array.from({ length: of }, (_, number) => ({ checker, share: of > 1 ? { number, of } : undefined }));
  });
  const outcomes = new Map<Checker, Outcome[]>(checkers.map((checker) => [checker, []]));
  const work = async () => {
    const thread = new Thread(program, history, court);
    for (let task = tasks.shift(); task; task = tasks.shift())
      outcomes.get(task.checker)?.push(await thread.judge(task.checker, task.share));
    thread.end();
  };
  await Promise.all(Array.from({ length: Math.min(tasks.length, cores) }, work));
  return [...outcomes].map(([checker, parts]) => joined(checker, parts));
}

/** What shares came to, as one; if one of them failed, the whole is not valid. */
function joined(checker: Checker, outcomes: readonly Outcome[]): Outcome {
  const [first] = outcomes as readonly [Outcome];
  const failure = outcomes.find(({ error, verdict }) => error !== null || verdict.summary === STOPPED);
  if (outcomes.length === 1 || !checker.join) return first;
  const invalid = outcomes.find(({ verdict }) => verdict.validity === 'invalid');
  if (failure) return invalid ? { ...invalid, error: failure.error } : failure;
  return { verdict: checker.join(outcomes.map(({ verdict }) => verdict)), error: null };
}

export async function tryChecker(checker: Checker, history: History, budget: Budget, share?: Share): Promise<Outcome> {
  try {
    return { verdict: await checker.check(history, budget, share), error: null };
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

/** Another thread that judges one checker after another; after one that ended badly it begins anew. */
class Thread {
  readonly #program: URL;
  readonly #history: History;
  readonly #court: Court;
  readonly #clock = new RealClock();
  #worker: Worker | null = null;
  /** What waits for the answer to the last question. */
  #answered: { resolve(outcome: Outcome | null): void; reject(error: unknown): void } = {
    resolve: () => {},
    reject: () => {},
  };

  constructor(program: URL, history: History, court: Court) {
    this.#program = program;
    this.#history = history;
    this.#court = court;
  }

  async judge(checker: Checker, share: Share | undefined): Promise<Outcome> {
    const { timeoutMs, signal } = this.#court;
    if (signal?.aborted) return stopped(checker.name);
    const limit = deadline(this.#clock, timeoutMs + GRACE_MS, signal);
    try {
      const outcome = await within(limit.signal, this.#ask({ name: checker.name, share }));
      // A checker of a plug-in is not known over there.
      return outcome ?? (await tryChecker(checker, this.#history, budgetOf(timeoutMs), share));
    } catch (error) {
      this.end();
      if (signal?.aborted) return stopped(checker.name);
      if (limit.signal.aborted) return failed(checker.name, `it did not stop when its ${timeoutMs / 1000} s were over`);
      return failed(checker.name, sentenceOf(error));
    } finally {
      limit.cancel();
    }
  }

  end(): void {
    void this.#worker?.terminate();
    this.#worker = null;
  }

  #ask(question: Question): Promise<Outcome | null> {
    const worker = (this.#worker ??= this.#begin());
    return new Promise((resolve, reject) => {
      this.#answered = { resolve, reject };
      worker.postMessage(question);
    });
  }

  #begin(): Worker {
    const { timeoutMs, workload = null } = this.#court;
    const trial: Trial = { parts: this.#history.parts, timeoutMs, workload };
    const worker = new Worker(this.#program, {
      workerData: trial,
      resourceLimits: { maxOldGenerationSizeMb: MOST_THREAD_MEGABYTES },
    });
    // One that was ended has nothing to say any more.
    const fail = (error: unknown) => this.#worker === worker && this.#answered.reject(error);
    worker.on('message', (said: Outcome | { readonly progress: string } | null) => {
      if (this.#worker !== worker) return;
      if (said && 'progress' in said) this.#court.progress?.(said.progress);
      else this.#answered.resolve(said);
    });
    worker.on('error', fail);
    worker.on('exit', (code) => fail(new Error(`its thread ended with code ${code}`)));
    return worker;
  }
}

const STOPPED = 'stopped before it came to a verdict';

const stopped = (name: string): Outcome => ({
  verdict: unknown(name, STOPPED),
  error: null,
});
