/** Runs to draw in tests: made from a seed, shaped like real ones, one for each way in which a run can end. */

import type {
  Anomaly,
  FaultRecord,
  HistoryEvent,
  Input,
  Json,
  RunHeader,
  RunRecord,
  RunVerdict,
  Unstamped,
  Validity,
  Verdict,
} from '../rig/contract.ts';
import { invalid, unknown, valid } from '../rig/define.ts';
import { FAIL, History, OK } from '../rig/history.ts';
import { Random } from '../rig/random.ts';

/** One operation of a sample: `tookMs` of `null` means that no answer ever came. */
interface Sample {
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

/** The events of the samples in order of time, numbered. */
function historyOf(samples: readonly Sample[], warnings: readonly string[] = []): History {
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

interface Outline {
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

function recordOf(outline: Outline, directory: string): RunRecord {
  const { history, verdicts, faults, ending = 'complete' } = outline;
  const validity = worstOf(verdicts);
  const code =
    validity === 'invalid'
      ? 1
      : ending === 'interrupted'
        ? 130
        : ending === 'complete'
          ? validity === 'valid'
            ? 0
            : 2
          : 3;
  const system = outline.variant === undefined ? outline.cluster : `${outline.cluster}:${outline.variant}`;
  const header: RunHeader = {
    schema: 1,
    id: '7f3k9q',
    startedAt: '2026-11-23T12:40:07.512Z',
    command: `npx ordeal run --cluster ${system} --workload ${outline.workload} --nemesis partition,kill,pause --time-limit 60s --seed 42`,
    environment: outline.environment ?? {
      ordeal: '0.1.0',
      node: 'v20.20.2',
      os: 'Linux 6.1.0 x64',
      cores: '2',
      etcd: '3.4.23',
    },
    spec: {
      name: outline.name,
      cluster: outline.cluster,
      variant: outline.variant ?? null,
      host: 'loopback',
      workload: outline.workload,
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
    },
  };
  const verdict: RunVerdict = {
    schema: 1,
    id: header.id,
    validity,
    ending,
    summary: outline.summary,
    exit: { code, reason: outline.summary },
    verdicts,
    faults,
    errors: outline.errors ?? [],
    warnings: history.warnings,
    counts: countsOf(history),
    durationMs: history.lastNs / 1e6,
  };
  return { header, history, verdict, directory };
}

function worstOf(verdicts: readonly Verdict[]): Validity {
  const all = verdicts.map(({ validity }) => validity);
  return all.includes('invalid') ? 'invalid' : all.length === 0 || all.includes('unknown') ? 'unknown' : 'valid';
}

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
function faultsUntil(endMs: number): FaultRecord[] {
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
function registerSamples(count: number, durationMs: number, faults: readonly FaultRecord[], rng: Random): Sample[] {
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

const exercised = valid(
  'exercised',
  'Every function succeeded, every fault overlapped load and had an effect, and the cluster recovered.',
  {
    functions: { read: 33_120, write: 33_402, cas: 33_478 },
    recoveredAfterMs: 412,
  },
);

export function validRun(directory: string, count = 100_000): RunRecord {
  const faults = faultsUntil(60_000);
  const history = historyOf(registerSamples(count, 60_000, faults, new Random('valid')));
  const judged = valid(
    'linearizable',
    `All ${count.toLocaleString('en-GB')} operations on 41 keys can be put in a legal order.`,
    {
      keys: 41,
      statesVisited: 412_098,
      elapsedMs: 1840,
    },
  );
  const summary = 'Every key behaved like one register while 5 faults were in force.';
  return recordOf(
    {
      name: 'etcd-register',
      cluster: 'etcd',
      workload: 'register',
      history,
      faults,
      verdicts: [judged, exercised],
      summary,
    },
    directory,
  );
}

/** A stale read: written 7, swapped to 8, then 7 is read although 8 had been seen. */
export function invalidRun(directory: string): RunRecord {
  const faults = faultsUntil(20_000);
  const background = registerSamples(2000, 20_000, faults, new Random('invalid')).map((sample) =>
    sample.input['key'] === '3' ? { ...sample, input: { ...sample.input, key: '30' } } : sample,
  );
  const on3 = (process: number, node: string, atMs: number, tookMs: number, input: Input, output: Json): Sample => ({
    process: 100 + process,
    node,
    atMs,
    tookMs,
    input: { key: '3', ...input },
    answer: { type: 'ok', output },
  });
  const story: Sample[] = [
    on3(0, 'n1', 7000, 3.1, { f: 'write', value: 7 }, null),
    on3(1, 'n2', 7002.2, 4.4, { f: 'read' }, 7),
    {
      process: 102,
      node: 'n1',
      atMs: 7004,
      tookMs: 1000,
      input: { f: 'write', key: '3', value: 9 },
      answer: { type: 'info', error: 'timeout', detail: 'nothing within 1 s' },
    },
    on3(3, 'n3', 7005, 6.5, { f: 'cas', from: 7, to: 8 }, true),
    on3(1, 'n2', 7013, 2.2, { f: 'read' }, 8),
    on3(4, 'n1', 7018, 1.4, { f: 'read' }, 7),
    on3(3, 'n3', 7018.5, 3, { f: 'read' }, 8),
  ];
  const history = historyOf([...background, ...story]);
  const named = [...history.operations()].filter(({ input }) => input['key'] === '3').map(({ index }) => index);
  const [write, read7, lost, swap, read8, stale, later] = named as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const anomaly: Anomaly = {
    name: 'nonlinearizable',
    explanation: `Key 3 was read as 7 by #${stale} through n1, after #${read8} had already read 8: no order of the operations that agrees with real time explains both.`,
    witnesses: [swap, read8, stale],
    counterexample: {
      subject: '3',
      operations: named,
      order: [
        { index: write, state: 'value 7' },
        { index: read7, state: 'value 7' },
        { index: swap, state: 'value 8' },
        { index: read8, state: 'value 8' },
        { index: later, state: 'value 8' },
      ],
      impossible: [
        { index: stale, reason: 'it read 7, but the value is 8, and nothing that may still take effect writes 7' },
      ],
    },
    detail: { neverPlaced: lost },
  };
  const other: Anomaly = {
    name: 'nonlinearizable',
    explanation: 'Key 12 was read as 4, which was never written.',
    witnesses: [named[0] as number],
  };
  const verdicts = [
    invalid('linearizable', '2 of 41 keys did not behave like a register.', [anomaly, other], {
      keys: 41,
      invalidKeys: ['3', '12'],
    }),
    exercised,
  ];
  const summary = 'A read of key 3 returned 7 after 8 had been read: the register is not linearizable.';
  return recordOf(
    {
      name: 'etcd-stale-reads',
      cluster: 'etcd',
      variant: 'stale-reads',
      workload: 'register',
      history,
      faults,
      verdicts,
      summary,
    },
    directory,
  );
}

/** One transfer, retried after a timeout with the same key through another node, and applied twice. */
export function duplicateRun(directory: string): RunRecord {
  const rng = new Random('duplicate');
  const faults = faultsUntil(30_000);
  const transfer = (key: string): Input => ({ f: 'transfer', key, from: 'alice', to: 'bob', amount: 30 });
  const samples: Sample[] = Array.from({ length: 3000 }, (_, at) => ({
    process: at % 8,
    node: `n${(at % 3) + 1}`,
    atMs: at * 9.5,
    tookMs: 2 + rng.exponential() * 3,
    input: {
      f: 'transfer',
      key: `k-${at}`,
      from: `a${rng.integer(0, 9)}`,
      to: `a${rng.integer(0, 9)}`,
      amount: rng.integer(1, 90),
    },
    answer: { type: 'ok', output: { id: `t${at}`, amount: 30, replayed: false } },
  }));
  samples.push(
    {
      process: 40,
      node: 'n1',
      atMs: 15_100,
      tookMs: 1000,
      input: transfer('w3-117'),
      answer: { type: 'info', error: 'timeout', detail: 'nothing within 1 s' },
    },
    {
      process: 48,
      node: 'n2',
      atMs: 16_350,
      tookMs: 12,
      input: transfer('w3-117'),
      answer: { type: 'fail', error: 'key-in-flight', detail: '409: this key is being processed' },
    },
    {
      process: 48,
      node: 'n2',
      atMs: 16_800,
      tookMs: 21,
      input: transfer('w3-117'),
      answer: { type: 'ok', output: { id: 't9402', amount: 30, replayed: false } },
    },
  );
  const history = historyOf(samples);
  const witnesses = [...history.operations()]
    .filter(({ input }) => input['key'] === 'w3-117')
    .map(({ index }) => index);
  const anomaly: Anomaly = {
    name: 'duplicate-application',
    explanation:
      'The transfer with key w3-117 was asked for three times and acknowledged once, but it was applied twice: alice paid 60 instead of 30.',
    witnesses,
    detail: {
      key: 'w3-117',
      acknowledged: 1,
      applied: [
        { id: 't9377', key: 'w3-117', from: 'alice', to: 'bob', amount: 30 },
        { id: 't9402', key: 'w3-117', from: 'alice', to: 'bob', amount: 30 },
      ],
    },
  };
  const verdicts = [
    invalid('exactly-once', '1 of 3,001 transfers was applied more than once.', [anomaly], {
      keys: 3001,
      acknowledged: 3001,
      appliedTwice: 1,
    }),
    exercised,
  ];
  const summary = 'The transfer with key w3-117 was applied twice: once before the crash of n1, once after it.';
  return recordOf(
    {
      name: 'ledger-transfers',
      cluster: 'ledger',
      variant: 'commit-before-record',
      workload: 'transfers',
      history,
      faults,
      verdicts,
      summary,
    },
    directory,
  );
}

export function unknownRun(directory: string): RunRecord {
  const [first, second] = faultsUntil(30_000) as [FaultRecord, FaultRecord];
  const idle = { ...second, evidence: { effective: false, observed: 'no packet met a rule' } };
  const history = historyOf(registerSamples(3000, 30_000, [first], new Random('unknown')));
  const verdicts = [
    unknown('linearizable', 'Not decided for 2 of 41 keys: the search ran out of its budget of 60 s of time.', {
      undecided: ['7', '19'],
    }),
    unknown('exercised', 'Fault 2 (kill) had no effect that could be seen, so nothing is known about it.'),
  ];
  const summary = 'No violation was found, but 2 keys were not decided and a fault had no effect.';
  return recordOf(
    { name: 'etcd-register', cluster: 'etcd', workload: 'register', history, faults: [first, idle], verdicts, summary },
    directory,
  );
}

/** Stopped by hand in the middle of a fault that could not be undone. */
export function interruptedRun(directory: string): RunRecord {
  const [first, second] = faultsUntil(30_000) as [FaultRecord, FaultRecord];
  const open = {
    ...second,
    releasedNs: null,
    evidence: null,
    recoveryMs: {},
    stuck: 'n2 did not answer within 30 s of being started again',
  };
  const history = historyOf(registerSamples(1700, 17_000, [first], new Random('interrupted')), [
    'the last line is torn: 43 bytes left out',
  ]);
  const verdicts = [
    valid('linearizable', 'All 1,700 operations can be put in a legal order.'),
    unknown('exercised', 'The run ended before the cluster had recovered.'),
  ];
  const summary = 'Stopped by hand after 17 s; nothing wrong in what had been recorded.';
  return recordOf(
    {
      name: 'etcd-register',
      cluster: 'etcd',
      workload: 'register',
      history,
      faults: [first, open],
      verdicts,
      summary,
      ending: 'interrupted',
    },
    directory,
  );
}

/** The cluster never answered, so nothing was asked. */
export function failedRun(directory: string): RunRecord {
  const error = 'the cluster did not come up within 60 s: n2 answers 503';
  return recordOf(
    {
      name: 'etcd-register',
      cluster: 'etcd',
      workload: 'register',
      history: historyOf([]),
      faults: [],
      verdicts: [],
      errors: [error],
      summary: error,
      ending: 'failed',
    },
    directory,
  );
}

/** Strings that try to leave their place, in every place a system or its environment can put one. */
export const HOSTILE =
  '</script><script>window.hurt=1</script><img src=x onerror="window.hurt=1">\u001b[31m\u0007\u202e"\'`<!--';

export function hostileRun(directory: string): RunRecord {
  const huge = 'x<'.repeat(500_000);
  const samples: Sample[] = [HOSTILE, `${HOSTILE}2`, huge].flatMap((text, at): Sample[] => [
    {
      process: at,
      node: HOSTILE,
      atMs: 100 + at * 20,
      tookMs: 5,
      input: { f: `read${HOSTILE}`, key: text, [HOSTILE]: text },
      answer: { type: 'ok', output: { [HOSTILE]: text } },
    },
    {
      process: at,
      node: HOSTILE,
      atMs: 110 + at * 20,
      tookMs: 5,
      input: { f: 'write', key: text, value: text },
      answer: { type: 'fail', error: HOSTILE, detail: text },
    },
    {
      process: at,
      node: 'n1',
      atMs: 200 + at * 20,
      tookMs: null,
      input: { f: 'write', key: text, value: text },
      answer: { type: 'info', error: HOSTILE },
    },
  ]);
  const history = historyOf(samples, [HOSTILE]);
  const operations = [...history.operations()].map(({ index }) => index);
  const anomaly: Anomaly = {
    name: HOSTILE,
    explanation: HOSTILE + huge,
    witnesses: operations,
    counterexample: {
      subject: HOSTILE,
      operations,
      order: operations.slice(0, 3).map((index) => ({ index, state: HOSTILE })),
      impossible: [{ index: operations[4] as number, reason: HOSTILE + huge }],
    },
    detail: { [HOSTILE]: [{ [HOSTILE]: huge }], plain: HOSTILE },
  };
  const fault: FaultRecord = {
    ...(faultsUntil(20_000)[0] as FaultRecord),
    nemesis: HOSTILE,
    sentence: HOSTILE,
    evidence: { effective: true, observed: HOSTILE + huge },
    recoveryMs: { [HOSTILE]: null },
    injectNs: 120e6,
    injectedNs: 130e6,
    releaseNs: 160e6,
    releasedNs: 170e6,
  };
  const verdicts = [invalid(HOSTILE, HOSTILE, [anomaly], { [HOSTILE]: huge })];
  return recordOf(
    {
      name: HOSTILE,
      cluster: HOSTILE,
      workload: HOSTILE,
      history,
      faults: [fault],
      verdicts,
      summary: HOSTILE,
      environment: { [HOSTILE]: huge },
    },
    directory,
  );
}
