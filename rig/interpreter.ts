/**
 * Turns a workload and its nemeses into a history: workers ask while nemeses disturb; then everything is healed,
 * the cluster proves that it recovered, and the final requests are asked.
 *
 * Invariants: a process has at most one request open; after an `info` it never appears again; a fault is on disk
 * before it is injected and released before the final phase; every wait has a bound, and its expiry is an event.
 */

import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { type Arrivals, ClosedLoop, OpenLoop } from './arrivals.ts';
import { type Clock, deadline, within } from './clock.ts';
import type { Nemesis, Phase, RunningCluster, RunSpec, Workload } from './contract.ts';
import { Disturbance } from './disturbance.ts';
import type { Journal } from './journal.ts';
import { sentenceOf } from './outcome.ts';
import { type AbortCondition, abortConditionOf, Pulse } from './pulse.ts';
import { Random } from './random.ts';
import { drawSchedule, omissionText, type Schedule } from './schedule.ts';
import { Unsettled } from './unsettled.ts';
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
  /** The whole cluster was taken down, which is seen to be gone: with it went those faults, and that is written down. */
  wentDown(): Promise<void>;
  /** The limit of the run that ended it early, in words; or `null`. */
  readonly aborted: string | null;
}

/** By how much of its time the load may become longer for faults that are not over, or had no effect. */
const LONGEST_OVERTIME = 1;
/** How often the limits of the run are looked after. */
const LOOK_EVERY_MS = 250;
/** How long a cluster that is out of time may take to say which node does not serve, and why. */
const RECOVERY_GRACE_MS = 5_000;

/** Never rejects: what goes wrong is in the result, and the history holds everything up to that point. */
export async function interpret(trial: Trial): Promise<TrialResult> {
  const interpretation = new Interpretation(trial);
  const follow = () => interpretation.halt(trial.stop.reason);
  if (trial.stop.aborted) follow();
  trial.stop.addEventListener('abort', follow, { once: true });
  const result = await interpretation.run();
  trial.stop.removeEventListener('abort', follow);
  return result;
}

class Interpretation {
  readonly #trial: Trial;
  readonly #rng: Random;
  readonly #workers: readonly Worker[];
  readonly #disturbance: Disturbance;
  readonly #pulse: Pulse;
  readonly #conditions: readonly AbortCondition[];
  readonly #errors: string[] = [];
  #aborted: string | null = null;
  /** Aborts when everything but healing is to end at once. */
  readonly #halt = new AbortController();

  constructor(trial: Trial) {
    const { signal } = this.#halt;
    setMaxListeners(0, signal); // Every worker and nemesis waits on it; that is no leak.
    this.#trial = trial;
    this.#rng = new Random(trial.spec.seed);
    const unsettled = new Unsettled();
    this.#workers = Array.from(
      { length: trial.spec.workerCount },
      (_, number) => new Worker(trial, number, this.#rng, unsettled, signal),
    );
    this.#conditions = (trial.spec.limits?.abortWhen ?? []).map(abortConditionOf);
    this.#pulse = new Pulse(this.#conditions);
    trial.journal.watch((event, timeNs) => this.#pulse.see(event, timeNs));
    this.#disturbance = new Disturbance(trial, this.#pulse, signal);
  }

  halt(reason: unknown): void {
    this.#halt.abort(reason);
  }

  async run(): Promise<TrialResult> {
    await this.#load();
    const stuck = await this.#disturbance.healAll();
    if (!this.#halt.signal.aborted) await this.#conclude();
    await Promise.all(this.#workers.map((worker) => worker.hangUp()));
    const wentDown = () => this.#disturbance.wentDown();
    return { errors: this.#errors, stuck, wentDown, aborted: this.#aborted };
  }

  /** Warm-up, load and faults; resolves when no request is open and every nemesis has released its fault. */
  async #load(): Promise<void> {
    const { spec, nemeses, clock } = this.#trial;
    const schedule = await this.#schedule();
    this.#phase('warm-up');
    for (const omission of schedule.omitted) this.#phase('warm-up', omissionText(omission));
    const arrivals: Arrivals =
      spec.ratePerSecond === null
        ? new ClosedLoop()
        : new OpenLoop(clock, this.#rng.fork('arrivals'), spec.ratePerSecond);
    const ended = new AbortController();
    setMaxListeners(0, ended.signal); // As above.
    const load = this.#workers.map((worker) => this.#drive(worker.work(arrivals, ended.signal)));
    const limits = this.#guard(ended.signal);
    await clock.sleep(spec.warmUpMs, this.#halt.signal);

    this.#phase('load');
    const beganNs = clock.nowNs();
    const faults = nemeses.map((nemesis) =>
      this.#disturbance
        .disturb(nemesis, schedule, beganNs)
        .catch((error: unknown) => this.#giveUp(`nemesis ${nemesis.name}`, error)),
    );
    const latestNs = beganNs + spec.timeLimitMs * (1 + LONGEST_OVERTIME) * 1e6;
    const again = Promise.all(faults)
      .then(() => this.#disturbance.strikeAgain(nemeses, schedule, latestNs))
      .catch((error: unknown) => this.#giveUp('nemeses', error));
    const limit = clock.sleep(spec.timeLimitMs, this.#halt.signal);
    // Where nothing is to be disturbed, who has nothing left to ask need not wait.
    await (nemeses.length === 0 ? Promise.race([limit, Promise.all(load)]) : limit);
    // Load must not end before the faults do, and what was hidden by others all the time gets another chance.
    await Promise.race([again, clock.sleep(spec.timeLimitMs * LONGEST_OVERTIME, this.#halt.signal)]);
    const neverSent = arrivals.end();
    ended.abort();
    const late = `${neverSent} requests that were due were never sent: all ${spec.workerCount} workers were busy`;
    const notes = [...(this.#aborted === null ? [] : [`aborted: ${this.#aborted}`]), ...(neverSent > 0 ? [late] : [])];
    this.#phase('heal', notes.length > 0 ? notes.join('; ') : undefined);
    await Promise.all([...load, again, limits]);
  }

  async #schedule(): Promise<Schedule> {
    const { spec, nemeses, cluster, clock } = this.#trial;
    try {
      return await drawSchedule(spec, nemeses, cluster, clock);
    } catch (error) {
      this.#giveUp('the schedule', error);
      return { faults: [], omitted: [], broken: [] };
    }
  }

  /** Ends load and faults as soon as a limit of the run is exceeded. */
  async #guard(ended: AbortSignal): Promise<void> {
    const { spec, clock } = this.#trial;
    if (!spec.limits) return;
    const { stopFile } = spec.limits;
    for (; !ended.aborted && !this.#halt.signal.aborted; await clock.sleep(LOOK_EVERY_MS, ended)) {
      const nowNs = clock.nowNs();
      const exceeded = this.#conditions.map((condition) => this.#pulse.exceeds(condition, nowNs)).find(Boolean);
      const stopped = stopFile !== null && existsSync(stopFile) ? `the file ${stopFile} is there` : undefined;
      this.#aborted = exceeded ?? stopped ?? null;
      if (this.#aborted !== null) return this.halt(new DOMException(this.#aborted, 'AbortError'));
    }
  }

  /** Recovery, then the final requests; a bound that runs out leaves a note, and no `final` phase without recovery. */
  async #conclude(): Promise<void> {
    const { spec, cluster, clock } = this.#trial;
    this.#phase('recovery');
    const recovery = deadline(clock, spec.recoveryTimeoutMs, this.#halt.signal);
    const patience = deadline(clock, spec.recoveryTimeoutMs + RECOVERY_GRACE_MS);
    try {
      await within(patience.signal, cluster.recovered(recovery.signal));
    } catch (error) {
      this.#phase('recovery', `the cluster did not recover: ${sentenceOf(error)}`);
      return;
    } finally {
      recovery.cancel();
      patience.cancel();
    }
    this.#phase('final');
    const final = deadline(clock, spec.finalTimeoutMs, this.#halt.signal);
    setMaxListeners(0, final.signal); // As above.
    await Promise.all(this.#workers.map((worker) => this.#drive(worker.conclude(final.signal))));
    if (final.signal.aborted && !this.#halt.signal.aborted)
      this.#phase('final', 'the time for the final requests ran out');
    final.cancel();
  }

  #drive(work: Promise<void>): Promise<void> {
    return work.catch((error: unknown) => this.#giveUp(`workload ${this.#trial.workload.name}`, error));
  }

  #phase(phase: Phase, note?: string): void {
    try {
      this.#trial.journal.append(note === undefined ? { type: 'phase', phase } : { type: 'phase', phase, note });
    } catch (error) {
      this.#giveUp('journal', error);
    }
  }

  #giveUp(what: string, error: unknown): void {
    this.#errors.push(`${what}: ${sentenceOf(error)}`);
    this.#halt.abort(new DOMException('the run was given up', 'AbortError'));
  }
}
