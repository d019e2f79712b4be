/** How sample runs for tests of reports are made: seeded operations, faults, and a record round them. */

import type {
  FaultRecord,
  HistoryEvent,
  Input,
  Json,
  RunHeader,
  RunRecord,
  RunVerdict,
  RunSpec,
  Unstamped,
  Verdict,
} from '../../rig/contract.ts';
import { valid, worst } from '../../rig/define.ts';
import { exitOf } from '../../rig/exit.ts';
import { FAIL, History, OK } from '../../rig/history.ts';
import type { Random } from '../../rig/random.ts';

/** One operation of a sample: `tookMs` of `null` means that no answer ever came. */
export interface Sample {
  readonly process: number;
  readonly node: string;
  readonly atMs: number;
  readonly tookMs: number | null;
  readonly lateMs?: number;
  readonly input: Input;
  readonly answer:
    | { readonly type: 'ok'; readonly output: Json }
    | { readonly type: 'fail' | 'info'; readonly error: string; readonly detail?: string };
}

export const ok = (output: Json): Sample['answer'] => ({ type: 'ok', output });
export const failed = (error: string, detail: string): Sample['answer'] => ({ type: 'fail', error, detail });
export const timedOut: Sample['answer'] = { type: 'info', error: 'timeout', detail: 'nothing within 1 s' };

/** The events of the samples in order of time, numbered. */
export function historyOf(samples: readonly Sample[], warnings: readonly string[] = []): History {
  const timed: { timeNs: number; order: number; event: Unstamped }[] = [];
  samples.forEach(({ process, node, atMs, tookMs, lateMs = 0, input, answer }, order) => {
    const dueNs = Math.round((atMs - lateMs) * 1e6);
    timed.push({ timeNs: Math.round(atMs * 1e6), order, event: { type: 'invoke', process, node, input, dueNs } });
    if (tookMs !== null)
      timed.push({ timeNs: Math.round((atMs + tookMs) * 1e6), order, event: { process, node, ...answer } });
  });
  timed.sort((a, b) => a.timeNs - b.timeNs || a.order - b.order);
  return new History(
    timed.map(({ timeNs, event }, index) => ({ index, timeNs, ...event }) as HistoryEvent),
    warnings,
  );
}

export interface Outline {
  readonly name: string;
  readonly cluster: string;
  readonly variant?: string;
  readonly workload: string;
  readonly history: History;
  readonly verdicts: readonly Verdict[];
  readonly faults: readonly FaultRecord[];
  readonly summary: string;
  readonly ending?: RunVerdict['ending'];
  readonly environment?: Record<string, string>;
  readonly errors?: readonly string[];
}

export function recordOf(outline: Outline, directory: string): RunRecord {
  const { history, verdicts, faults, summary, ending = 'complete', errors = [] } = outline;
  const validity = worst(verdicts.map((verdict) => verdict.validity));
  const header = headerOf(outline);
  const verdict: RunVerdict = {
    schema: 1,
    id: header.id,
    validity,
    ending,
    summary,
    exit: exitOf({ validity, ending, signal: 'SIGINT', errors, left: null }),
    verdicts,
    faults,
    errors,
    warnings: history.warnings,
    counts: countsOf(history),
    durationMs: history.lastNs / 1e6,
  };
  return { header, history, verdict, directory };
}

const MACHINE = { ordeal: '0.1.0', node: 'v20.20.2', os: 'Linux 6.1.0 x64', cores: '2', etcd: '3.4.23' };

function headerOf({ name, cluster, variant, workload, environment = MACHINE }: Outline): RunHeader {
  const system = variant === undefined ? cluster : `${cluster}:${variant}`;
  return {
    schema: 1,
    id: '7f3k9q',
    startedAt: '2026-11-23T12:40:07.512Z',
    command: `ordeal run --cluster ${system} --workload ${workload} --nemesis partition,kill,pause --time-limit 60s --seed 42`,
    environment,
    spec: { ...SPEC, name, cluster, workload, variant: variant ?? null },
  };
}

const SPEC: Omit<RunSpec, 'name' | 'cluster' | 'variant' | 'workload'> = {
  host: 'loopback',
  nemeses: ['partition', 'kill', 'pause'],
  seed: 42,
  nodeCount: 3,
  workerCount: 10,
  ratePerSecond: null,
  warmUpMs: 2000,
  timeLimitMs: 60_000,
  calmMs: [2000, 5000],
  faultMs: [3000, 8000],
  requestTimeoutMs: 1000,
  bringUpTimeoutMs: 60_000,
  recoveryTimeoutMs: 30_000,
  finalTimeoutMs: 30_000,
  checkTimeoutMs: 60_000,
};

function countsOf(history: History): RunVerdict['counts'] {
  const counts: Record<string, { ok: number; fail: number; info: number }> = {};
  for (let at = 0; at < history.length; at++) {
    const count = (counts[history.functions[history.f[at] as number] as string] ??= { ok: 0, fail: 0, info: 0 });
    count[history.type[at] === OK ? 'ok' : history.type[at] === FAIL ? 'fail' : 'info']++;
  }
  return counts;
}

const KINDS = [
  ['partition', 'n1 is cut off from n2 and n3', '1,204 packets dropped'],
  ['kill', 'n2 is killed', 'process 4411 gone; started again as 4502'],
  ['pause', 'n3 is paused', 'state T for 6.1 s'],
] as const;

/** A fault every ten seconds, each in force for six. */
export function faultsUntil(endMs: number): FaultRecord[] {
  const faults: FaultRecord[] = [];
  for (let atMs = 5000; atMs + 6500 < endMs; atMs += 10_000) {
    const [nemesis, sentence, observed] = KINDS[faults.length % KINDS.length] as (typeof KINDS)[number];
    faults.push({
      nemesis,
      hold: `${nemesis}-${faults.length + 1}`,
      fault: { nodes: ['n1'] },
      sentence,
      injectNs: atMs * 1e6,
      injectedNs: (atMs + 40) * 1e6,
      releaseNs: (atMs + 6000) * 1e6,
      releasedNs: (atMs + 6080) * 1e6,
      evidence: { effective: true, observed },
      stuck: null,
      recoveryMs: { read: 12.4, write: 212.7, cas: 230.1 },
    });
  }
  return faults;
}

const inFault = (faults: readonly FaultRecord[], atMs: number): FaultRecord | undefined =>
  faults.find((fault) => (fault.injectedNs ?? 0) / 1e6 <= atMs && atMs < (fault.releasedNs ?? 0) / 1e6);

/** Reads, writes and swaps by ten workers; slow and failing on one node while a fault is in force. */
export function registerSamples(
  count: number,
  durationMs: number,
  faults: readonly FaultRecord[],
  rng: Random,
): Sample[] {
  const samples: Sample[] = [];
  const processes = Array.from({ length: 10 }, (_, worker) => worker);
  const gapMs = (durationMs * processes.length) / count;
  processes.forEach((_, worker) => {
    let process = worker;
    const node = `n${(worker % 3) + 1}`;
    for (let atMs = rng.float() * gapMs; atMs < durationMs; atMs += gapMs) {
      const hurt = inFault(faults, atMs) !== undefined && node === 'n1' && rng.chance(0.3);
      const tookMs = Math.min(gapMs * 0.95, (0.6 + rng.exponential() * 0.8) * (hurt ? 8 : 1));
      samples.push({ process, node, atMs, tookMs, lateMs: rng.float() * 0.2, ...registerAnswer(rng, hurt) });
      if (hurt && rng.chance(0.05)) process += processes.length;
    }
  });
  return samples;
}

function registerAnswer(rng: Random, hurt: boolean): Pick<Sample, 'input' | 'answer'> {
  const key = String(rng.integer(0, 40));
  const value = rng.integer(0, 100_000);
  const f = rng.pick(['read', 'write', 'cas'] as const);
  const input: Input =
    f === 'read' ? { f, key } : f === 'write' ? { f, key, value } : { f, key, from: value, to: value + 1 };
  if (hurt)
    return {
      input,
      answer:
        f === 'read'
          ? { type: 'fail', error: 'timeout' }
          : { type: 'info', error: 'timeout', detail: 'nothing within 1 s' },
    };
  const output = f === 'read' ? value : f === 'write' ? null : rng.chance(0.4);
  return { input, answer: { type: 'ok', output } };
}

export const exercised = valid(
  'exercised',
  'Every function succeeded, every fault overlapped load and had an effect, and the cluster recovered.',
  {
    functions: { read: 33_120, write: 33_402, cas: 33_478 },
    recoveredAfterMs: 412,
  },
);
