/**
 * Turns a workload and its nemeses into a history: workers ask while nemeses disturb; then everything is healed,
 * the cluster proves that it recovered, and the final requests are asked.
 *
 * Invariants: a process has at most one request open; after an `info` it never appears again; a fault is on disk
 * before it is injected and released before the final phase; every wait has a bound, and its expiry is an event.
 */

import { setMaxListeners } from 'node:events';
import { type Arrivals, ClosedLoop, OpenLoop } from './arrivals.ts';
import { type Clock, deadline } from './clock.ts';
import type { Nemesis, Phase, RunningCluster, RunSpec, Workload } from './contract.ts';
import { Disturbance } from './disturbance.ts';
import type { Journal } from './journal.ts';
import { sentenceOf } from './outcome.ts';
import { Random } from './random.ts';
import { Worker } from './worker.ts';

/** What one run is made of, once its cluster is up. */
export interface Trial {
  readonly spec: RunSpec;
  readonly workload: Workload;
  readonly nemeses: readonly Nemesis[];
  readonly cluster: RunningCluster;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Aborts when somebody wants the load to end now; faults are healed all the same. */
  readonly stop: AbortSignal;
}

export interface TrialResult {
  /** What could not be done: a plug-in that threw. Empty if all went as planned. */
  readonly errors: readonly string[];
  /** Faults whose undoing failed or could not be verified. */
  readonly stuck: readonly string[];
}

/** The share of the load, and the most of it, that is left quiet at its end, so that every fault heals under load. */
const QUIET_TAIL = 0.15;
const LONGEST_QUIET_TAIL_MS = 5_000;

/** Never rejects: what goes wrong is in the result, and the history holds everything up to that point. */
export async function interpret(trial: Trial): Promise<TrialResult> {
  const { spec, workload, nemeses, cluster, journal, clock } = trial;
  const rng = new Random(spec.seed);
  const errors: string[] = [];
  const halt = new AbortController();
  setMaxListeners(0, halt.signal); // Every worker and nemesis waits on it; that is no leak.
  const follow = () => halt.abort(trial.stop.reason);
  if (trial.stop.aborted) follow();
  trial.stop.addEventListener('abort', follow, { once: true });
  const giveUp = (what: string) => (error: unknown) => {
    errors.push(`${what}: ${sentenceOf(error)}`);
    halt.abort(new DOMException('the run was given up', 'AbortError'));
  };
  const phase = (name: Phase, note?: string) =>
    journal.append(note === undefined ? { type: 'phase', phase: name } : { type: 'phase', phase: name, note });

  const workers = Array.from({ length: spec.workerCount }, (_, number) => new Worker(trial, number, rng, halt.signal));
  const disturbance = new Disturbance(trial, halt.signal);

  phase('warm-up');
  const arrivals: Arrivals =
    spec.ratePerSecond === null ? new ClosedLoop() : new OpenLoop(clock, rng.fork('arrivals'), spec.ratePerSecond);
  const load = workers.map((worker) => worker.work(arrivals).catch(giveUp(`workload ${workload.name}`)));
  await clock.sleep(spec.warmUpMs, halt.signal);

  phase('load');
  const quietMs = Math.min(LONGEST_QUIET_TAIL_MS, spec.timeLimitMs * QUIET_TAIL);
  const untilNs = clock.nowNs() + (spec.timeLimitMs - quietMs) * 1e6;
  const faults = nemeses.map((nemesis) =>
    disturbance.disturb(nemesis, rng.fork(`nemesis ${nemesis.name}`), untilNs).catch(giveUp(`nemesis ${nemesis.name}`)),
  );
  await clock.sleep(spec.timeLimitMs, halt.signal);
  const neverSent = arrivals.end();
  const late = `${neverSent} requests that were due were never sent: all ${spec.workerCount} workers were busy`;
  phase('heal', neverSent > 0 ? late : undefined);
  await Promise.all([...load, ...faults]);
  const stuck = await disturbance.healAll();

  if (!halt.signal.aborted) await conclude();
  for (const worker of workers) await worker.hangUp();
  trial.stop.removeEventListener('abort', follow);
  return { errors, stuck };

  /** Recovery, then the final requests; a bound that runs out leaves a note, and no `final` phase without recovery. */
  async function conclude(): Promise<void> {
    phase('recovery');
    const recovery = deadline(clock, spec.recoveryTimeoutMs, halt.signal);
    try {
      await cluster.recovered(recovery.signal);
    } catch (error) {
      phase('recovery', `the cluster did not recover: ${sentenceOf(error)}`);
      return;
    } finally {
      recovery.cancel();
    }
    phase('final');
    const final = deadline(clock, spec.finalTimeoutMs, halt.signal);
    setMaxListeners(0, final.signal);
    await Promise.all(
      workers.map((worker) => worker.conclude(final.signal).catch(giveUp(`workload ${workload.name}`))),
    );
    if (final.signal.aborted && !halt.signal.aborted) phase('final', 'the time for the final requests ran out');
    final.cancel();
  }
}
