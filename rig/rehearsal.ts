/**
 * A run on virtual time, in this process, without a store, verdicts or reports: what tests look into. A minute of
 * load takes about a second.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deadline, VirtualClock } from './clock.ts';
import type { Cluster, ClusterOptions, HistoryEvent, Nemesis, RunningCluster, RunSpec, Workload } from './contract.ts';
import { History } from './history.ts';
import { interpret, type TrialResult } from './interpreter.ts';
import { Journal } from './journal.ts';
import { Random } from './random.ts';

export interface Rehearsal extends TrialResult {
  readonly events: readonly HistoryEvent[];
  readonly history: History;
  /** Of the history file, byte for byte. */
  readonly sha256: string;
}

export interface Cast {
  readonly cluster: Cluster;
  readonly workload: Workload;
  readonly nemeses: readonly Nemesis[];
  /** Sees the running cluster before the load begins, e.g. to break a part of it. */
  readonly prepare?: (cluster: RunningCluster) => RunningCluster;
  readonly stop?: AbortSignal;
}

export const rehearsalSpec: RunSpec = {
  name: 'rehearsal',
  cluster: 'memory',
  variant: null,
  host: 'memory',
  workload: 'register',
  nemeses: [],
  seed: 1,
  nodeCount: 5,
  workerCount: 10,
  ratePerSecond: 200,
  warmUpMs: 200,
  timeLimitMs: 10_000,
  calmMs: [200, 800],
  faultMs: [500, 1500],
  requestTimeoutMs: 1000,
  bringUpTimeoutMs: 10_000,
  recoveryTimeoutMs: 10_000,
  finalTimeoutMs: 10_000,
  checkTimeoutMs: 10_000,
};

export async function rehearse(cast: Cast, changes: Partial<RunSpec> = {}): Promise<Rehearsal> {
  const spec = { ...rehearsalSpec, ...changes };
  const directory = mkdtempSync(join(tmpdir(), 'ordeal-rehearsal-'));
  const path = join(directory, 'history.jsonl');
  const clock = new VirtualClock();
  const events: HistoryEvent[] = [];
  const journal = await Journal.create(path, clock, (event, timeNs) => {
    events.push(JSON.parse(JSON.stringify({ index: events.length, timeNs, ...event })) as HistoryEvent);
  });
  try {
    const up = await cast.cluster.up(clusterOptions(spec, directory, clock));
    const cluster = cast.prepare?.(up) ?? up;
    const { workload, nemeses, stop = new AbortController().signal } = cast;
    const result = await interpret({ spec, workload, nemeses, cluster, journal, clock, stop });
    await up[Symbol.asyncDispose]();
    await result.wentDown();
    await journal.close();
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
    return { ...result, events, history: new History(events), sha256 };
  } finally {
    await journal.close();
    rmSync(directory, { recursive: true });
  }
}

/** What a memory cluster needs to come up, on a clock of the caller's. */
export function clusterOptions(spec: RunSpec, directory: string, clock: VirtualClock): ClusterOptions {
  return {
    runId: 'rehearsal',
    host: 'memory',
    variant: spec.variant,
    nodeCount: spec.nodeCount,
    directory,
    rng: new Random(spec.seed).fork('cluster'),
    clock,
    progress: () => {},
    signal: deadline(clock, spec.bringUpTimeoutMs).signal,
  };
}
