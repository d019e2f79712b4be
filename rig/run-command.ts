/** `ordeal run` and `ordeal demo`: from flags to a run with progress, signals and an exit code. */

import pc from 'picocolors';
import { conclude } from './commands.ts';
import { type RunConfig, specOf } from './config.ts';
import { durationText } from './durations.ts';
import type { RunRecord, RunSpec } from './contract.ts';
import { EXIT } from './exit.ts';
import { COPY_THESE, ordersFor } from './left-behind.ts';
import { bearTitle } from './leftovers.ts';
import { commandsOfPlan, planText } from './plan.ts';
import { inherit, leave, whose } from './mistakes.ts';
import { sentenceOf } from './outcome.ts';
import { makePlan, prepare, type RunFlags } from './prepare.ts';
import { Progress } from './progress.ts';
import { castOf, fileOf, insideUserNamespace, rooms } from './rooms.ts';
import { type Audience, type Cast, run } from './run.ts';
import { Store, writeJson } from './store.ts';

const DEMO: RunConfig = {
  name: 'demo',
  cluster: 'ledger',
  host: 'loopback',
  workload: 'transfers',
  nemesis: 'kill,pause,partition',
  timeLimit: '20s',
};

export async function demo(flags: RunFlags): Promise<void> {
  await execute(await prepare(null, flags, DEMO), flags, { verb: 'demo' });
}

export async function runOnce(path: string | undefined, flags: RunFlags): Promise<void> {
  await execute(await prepare(path, flags), flags, { verb: 'run', path });
}

/** Prints what a run with these flags would do, and touches nothing. */
export async function plan(path: string | undefined, flags: RunFlags): Promise<void> {
  const spec = await prepare(path, flags);
  const made = await makePlan(spec);
  if (typeof flags['output'] === 'string') writeJson(flags['output'], made);
  const cast = castOf(spec);
  const controls = cast.nemeses.flatMap((nemesis) => nemesis.controls);
  const said =
    flags['json'] === true
      ? JSON.stringify(made, null, 2)
      : planText(made, controls, await commandsOfPlan(made, cast.cluster, cast.nemeses));
  process.stdout.write(`${said}\n`);
}

export interface Manner {
  readonly verb: 'run' | 'demo' | 'replay-traffic';
  /** The plan that is followed. */
  readonly path?: string | undefined;
  /** Other members than those that the spec names, and the command that runs the same again. */
  readonly cast?: Cast;
  readonly command?: string;
  /** Tells a person how it ended, and sets the exit code. */
  readonly finish?: (record: RunRecord, json: boolean) => void;
}

/** One run with progress, signals and an exit code. */
export async function execute(
  spec: RunSpec,
  flags: RunFlags,
  { verb, path, cast = castOf(spec), command, finish = conclude }: Manner,
): Promise<void> {
  if (!spec.plan) await makePlan(spec); // Refuses what could not be done, before anything is touched.
  if (spec.host === 'netns' && process.getuid?.() !== 0) {
    return runInside(insideUserNamespace());
  }
  const store = new Store(typeof flags['store'] === 'string' ? flags['store'] : undefined);
  const progress = flags['quiet'] === true ? null : new Progress();
  let id = '';
  const signals = new Signals(
    () => id,
    (message) => (progress ? progress.say(message) : process.stderr.write(`${message}\n`)),
  );
  const audience: Audience = {
    event: (event) => progress?.event(event),
    progress: (message) => progress?.doing(message),
    begun(header) {
      id = header.id;
      bearTitle(id);
      progress?.say(`run ${pc.bold(id)}: ${trialText(spec)}`);
      progress?.say(pc.dim(header.command));
    },
    stop: signals.stop,
    onlyHeal: signals.onlyHeal,
  };
  try {
    const { record, left } = await run(
      spec,
      cast,
      store,
      command ?? (path !== undefined && spec.plan ? `ordeal run ${path}` : commandOf(spec, verb)),
      audience,
    );
    progress?.end();
    if (record) finish(record, flags['json'] === true);
    else concludeUnjudged(id, left);
    if (signals.mistake !== undefined) throw signals.mistake;
  } finally {
    progress?.end();
    signals.dispose();
  }
}

/** The end of a run that was only healed. */
function concludeUnjudged(id: string, left: string | null): void {
  process.exitCode = left === null ? EXIT.interrupted : EXIT.faultMayBeActive;
  if (left === null) return;
  const { problems, commands } = ordersFor(`ordeal heal ${id}`, left, false);
  for (const line of [
    ...problems.map((problem) => pc.red(problem)),
    COPY_THESE,
    ...commands.map((one) => `    ${one}`),
  ])
    process.stderr.write(`${line}\n`);
}

/** Runs this same command line again where it has the privilege it needs, and ends as that one does. */
async function runInside([program, ...words]: readonly [string, ...string[]]): Promise<void> {
  const ignore = () => {}; // The terminal tells the other one too; it heals and ends by itself.
  for (const signal of SIGNALS) process.on(signal, ignore);
  const { execa } = await import('execa');
  const { exitCode } = await execa(program, words, { stdio: 'inherit', reject: false });
  for (const signal of SIGNALS) process.off(signal, ignore);
  process.exitCode = exitCode ?? EXIT.couldNotBeDone;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * The first signal ends the load, the second leaves nothing but healing, the third ends Ordeal at once. A mistake
 * that nobody caught counts as the first signal, so that the faults in force are healed all the same.
 */
class Signals {
  readonly #stop = new AbortController();
  readonly #onlyHeal = new AbortController();
  readonly #runId: () => string;
  readonly #say: (message: string) => void;
  readonly #disinherit: () => void;
  #count = 0;
  /** What nobody caught, if anything. */
  mistake: unknown;

  constructor(runId: () => string, say: (message: string) => void) {
    this.#runId = runId;
    this.#say = say;
    for (const signal of SIGNALS) process.on(signal, this.#receive);
    this.#disinherit = inherit({ runId, receive: this.#survive });
  }

  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  get onlyHeal(): AbortSignal {
    return this.#onlyHeal.signal;
  }

  dispose(): void {
    for (const signal of SIGNALS) process.off(signal, this.#receive);
    this.#disinherit();
  }

  readonly #survive = (error: unknown) => {
    if (this.mistake !== undefined) return;
    this.mistake = error;
    this.#say(`${whose(error)}: ${sentenceOf(error)}; healing`);
    this.#stop.abort(whose(error));
  };

  readonly #receive = (signal: NodeJS.Signals) => {
    this.#count++;
    if (this.#count === 1) {
      this.#say(`${signal}: ending the load, healing, then judging what there is; once more to heal only`);
      this.#stop.abort(signal);
    } else if (this.#count === 2) {
      this.#say(`${signal}: healing only; once more to leave at once`);
      this.#onlyHeal.abort(signal);
    } else {
      this.#say(`left at once; undo what is still in force with: ordeal heal ${this.#runId()}`);
      leave(EXIT.faultMayBeActive);
    }
  };
}

function trialText(spec: RunSpec): string {
  const cluster = spec.variant === null ? spec.cluster : `${spec.cluster}:${spec.variant}`;
  const faults = spec.nemeses.length === 0 ? 'nothing' : spec.nemeses.join(', ');
  return `${spec.nodeCount} nodes of ${cluster} on ${spec.host}, ${spec.workload} by ${spec.workerCount} workers, against ${faults}, for ${spec.timeLimitMs / 1000} s, seed ${spec.seed}`;
}

/** The command that runs the same again: what differs from the defaults, and the seed. */
function commandOf(spec: RunSpec, verb: Manner['verb']): string {
  const plain = specOf(
    verb === 'demo' ? DEMO : { cluster: spec.cluster, workload: spec.workload },
    spec.host,
    spec.seed,
    rooms,
  );
  const longestMs = spec.limits?.longestFaultMs ?? 0;
  const flags: [string, string, boolean][] = [
    [
      '--cluster',
      spec.variant === null ? fileOf(spec.cluster) : `${fileOf(spec.cluster)}:${spec.variant}`,
      verb === 'run' || spec.variant !== null,
    ],
    ['--host', spec.host, verb === 'run'],
    ['--workload', fileOf(spec.workload), verb === 'run'],
    [
      '--nemesis',
      spec.nemeses.map(fileOf).join(',') || 'none',
      verb === 'run' || String(spec.nemeses) !== String(plain.nemeses),
    ],
    ['--nodes', String(spec.nodeCount), spec.nodeCount !== plain.nodeCount],
    ['--concurrency', String(spec.workerCount), spec.workerCount !== plain.workerCount],
    ['--rate', String(spec.ratePerSecond ?? 'closed'), spec.ratePerSecond !== plain.ratePerSecond],
    ['--time-limit', durationText(spec.timeLimitMs), spec.timeLimitMs !== plain.timeLimitMs],
    ['--warm-up', durationText(spec.warmUpMs), spec.warmUpMs !== plain.warmUpMs],
    ['--request-timeout', durationText(spec.requestTimeoutMs), spec.requestTimeoutMs !== plain.requestTimeoutMs],
    ['--recovery-timeout', durationText(spec.recoveryTimeoutMs), spec.recoveryTimeoutMs !== plain.recoveryTimeoutMs],
    ['--calm', spec.calmMs.map(durationText).join('..'), String(spec.calmMs) !== String(plain.calmMs)],
    ['--fault', spec.faultMs.map(durationText).join('..'), String(spec.faultMs) !== String(plain.faultMs)],
    ['--longest-fault', durationText(longestMs), longestMs !== plain.limits?.longestFaultMs],
    ['--abort-when', quoted(spec.limits?.abortWhen.join(',') ?? ''), (spec.limits?.abortWhen.length ?? 0) > 0],
    ['--beyond-quorum', '', spec.limits?.beyondQuorum === true && !plain.limits?.beyondQuorum],
    ['--dry-run', '', spec.dryRun === true],
    ['--seed', String(spec.seed), true],
  ];
  return [
    'ordeal',
    verb,
    ...flags.filter(([, , differs]) => differs).flatMap(([flag, value]) => (value === '' ? [flag] : [flag, value])),
  ].join(' ');
}

/** For a shell, which would take `>` for itself. */
const quoted = (text: string): string => `'${text}'`;
