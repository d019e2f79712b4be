/**
 * One run, from a spec to its verdict: bring up, interpret, take down, judge, draw. Each stage leaves a file that
 * the next one reads, so a run whose rig dies can still be judged and drawn.
 */

import { join } from 'node:path';
import { bounded, type Clock, deadline, RealClock, VirtualClock, within } from './clock.ts';
import type {
  Checker,
  Cluster,
  Ending,
  HostDriver,
  Nemesis,
  PhaseEvent,
  Report,
  RunHeader,
  RunningCluster,
  RunRecord,
  RunSpec,
  Unstamped,
  Workload,
} from './contract.ts';
import { describeEnvironment } from './environment.ts';
import { interpret } from './interpreter.ts';
import { Journal } from './journal.ts';
import { judge } from './judge.ts';
import { withoutOrders } from './left-behind.ts';
import { sentenceOf } from './outcome.ts';
import { Random } from './random.ts';
import { type Store, writeJson } from './store.ts';

/** The members that a spec names, looked up. */
export interface Cast {
  readonly cluster: Cluster;
  readonly workload: Workload;
  readonly nemeses: readonly Nemesis[];
  /** The workload's own and those that judge every run. */
  readonly checkers: readonly Checker[];
  readonly reports: readonly Report[];
  /** Where the nodes live; absent for a host inside this process. */
  readonly driver: HostDriver | undefined;
}

/** What somebody who watches a run is told, and how they may end it. */
export interface Audience {
  event(event: Unstamped, timeNs: number): void;
  progress(message: string): void;
  /** The run was given a directory: before anything was touched. */
  begun(header: RunHeader, directory: string): void;
  /** Aborts to end the load; its reason is the signal's name. Faults are healed, what there is is judged. */
  readonly stop: AbortSignal;
  /** Aborts to skip everything but healing and taking down. */
  readonly onlyHeal: AbortSignal;
}

export interface RunResult {
  /** `null` if a person wanted nothing but healing. */
  readonly record: RunRecord | null;
  /** What may still be in force or left behind outside the rig, or `null`. */
  readonly left: string | null;
}

/** How much longer than its signal a bring-up may take to undo its part. */
const UNDO_TIMEOUT_MS = 60_000;
const COLLECT_TIMEOUT_MS = 30_000;
const DOWN_TIMEOUT_MS = 60_000;

export async function run(
  spec: RunSpec,
  cast: Cast,
  store: Store,
  command: string,
  audience: Audience,
): Promise<RunResult> {
  const id = store.newId();
  const startedAt = new Date().toISOString();
  const directory = store.create(spec.name, id, startedAt);
  const clock: Clock = spec.host === 'memory' ? new VirtualClock() : new RealClock();
  let header: RunHeader = { schema: 1, id, startedAt, command, spec, environment: describeEnvironment() };
  writeJson(join(directory, 'spec.json'), header);
  audience.begun(header, directory);

  const journal = await Journal.create(join(directory, 'history.jsonl'), clock, (event, timeNs) =>
    audience.event(event, timeNs),
  );
  const errors: string[] = [];
  let aborted: string | null = null;
  const attempt = async (what: string, act: () => Promise<void>) => {
    try {
      await act();
      return true;
    } catch (error) {
      errors.push(withoutOrders(`${what}: ${sentenceOf(error)}`));
      return false;
    }
  };

  let stuck: readonly string[] = [];
  let wentDown = async () => {};
  let isDown = false;
  let lost = new AbortController().signal;
  journal.append({ type: 'phase', phase: 'bring-up' });
  await attempt('bring-up', async () => {
    const cluster = await bringUp(id, spec, cast, directory, clock, audience);
    try {
      header = { ...header, environment: { ...header.environment, ...cluster.facts } };
      writeJson(join(directory, 'spec.json'), header);
      const { workload, nemeses } = cast;
      lost = cluster.lost ?? lost;
      const stop = AbortSignal.any([audience.stop, lost]);
      const result = await interpret({ spec, workload, nemeses, cluster, journal, clock, stop });
      if (lost.aborted) errors.push(sentenceOf(lost.reason));
      ({ stuck, wentDown } = result);
      aborted = result.aborted;
      errors.push(...result.errors, ...stuck);
      if (!audience.onlyHeal.aborted)
        await attempt('collecting logs', () =>
          bounded(clock, COLLECT_TIMEOUT_MS, () => cluster.collect(join(directory, 'logs'))),
        );
    } finally {
      await attempt('the history', async () => journal.append({ type: 'phase', phase: 'down' }));
      isDown = await attempt('taking down', () =>
        bounded(clock, DOWN_TIMEOUT_MS, () => cluster[Symbol.asyncDispose]()),
      );
    }
  });

  const left = await whatIsLeft(id, cast, clock, stuck);
  if (left === null && (isDown || cast.driver)) await attempt('the history', wentDown);
  const [ending, note] = endingOf(errors, aborted, lost.aborted ? undefined : audience.stop);
  const last: PhaseEvent = {
    type: 'phase',
    phase: 'down',
    ending,
    ...(note === null ? {} : { note }),
    ...(left === null ? {} : { left }),
  };
  await attempt('the history', async () => {
    await journal.appendDurably(last);
    await journal.close();
  });
  if (audience.onlyHeal.aborted) return { record: null, left };

  const tell = (message: string) => audience.progress(message);
  const record = await judge(directory, header, cast.checkers, tell, audience.onlyHeal);
  await draw(record, cast.reports, (message) => audience.progress(message));
  return { record, left };
}

/** Draws every report; one that fails says so and changes nothing else. Returns the files written. */
export async function draw(
  record: RunRecord,
  reports: readonly Report[],
  progress: (message: string) => void,
): Promise<readonly string[]> {
  const files: string[] = [];
  for (const report of reports) {
    progress(`drawing ${report.name}`);
    try {
      files.push(...(await report.write(record)));
    } catch (error) {
      progress(`report ${report.name} could not be drawn: ${sentenceOf(error)}`);
    }
  }
  return files;
}

async function bringUp(
  runId: string,
  spec: RunSpec,
  cast: Cast,
  directory: string,
  clock: Clock,
  audience: Audience,
): Promise<RunningCluster> {
  const limit = deadline(clock, spec.bringUpTimeoutMs, audience.stop);
  const up = cast.cluster.up({
    runId,
    host: spec.host,
    variant: spec.variant,
    nodeCount: spec.nodeCount,
    controls: [...new Set(cast.nemeses.flatMap(({ controls }) => controls))],
    directory,
    rng: new Random(spec.seed).fork('cluster'),
    clock,
    progress: (message) => audience.progress(message),
    signal: limit.signal,
  });
  try {
    return await within(limit.signal, up).catch(() => bounded(clock, UNDO_TIMEOUT_MS, () => up));
  } finally {
    limit.cancel();
  }
}

/** How the run ended, and what there is to say about it. */
function endingOf(
  errors: readonly string[],
  aborted: string | null,
  stop: AbortSignal | undefined,
): readonly [Ending, string | null] {
  if (stop?.aborted) return ['interrupted', String(stop.reason)];
  if (errors.length > 0) return ['failed', errors.join('; ')];
  return aborted === null ? ['complete', null] : ['aborted', aborted];
}

/**
 * Sweeps by tag what taking down has left; returns what could not be removed, or `null`. With the cluster, every fault
 * that would not go is gone too; where something stays, such a fault may be in force.
 */
async function whatIsLeft(runId: string, cast: Cast, clock: Clock, stuck: readonly string[]): Promise<string | null> {
  if (!cast.driver) return null;
  const { driver } = cast;
  try {
    await bounded(clock, DOWN_TIMEOUT_MS, () => driver.sweep(runId));
    return null;
  } catch (error) {
    return [...stuck, sentenceOf(error)].join('\n');
  }
}
