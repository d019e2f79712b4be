/** `ordeal run` and `ordeal demo`: from flags to a run with progress, signals and an exit code. */

import { randomInt } from 'node:crypto';
import { execa } from 'execa';
import pc from 'picocolors';
import { conclude } from './commands.ts';
import { checkConfig, durationText, type RunConfig, readConfig, specOf } from './config.ts';
import type { HostName, RunSpec } from './contract.ts';
import { EXIT, UsageError } from './exit.ts';
import { bearTitle } from './leftovers.ts';
import { Progress } from './progress.ts';
import { castOf, driverOf, insideUserNamespace, rooms } from './rooms.ts';
import { type Audience, run } from './run.ts';
import { Store } from './store.ts';

/** Flags as commander gives them: every value a text. */
export type RunFlags = Readonly<Record<string, string | boolean | undefined>>;

const DEMO: RunConfig = {
  name: 'demo',
  cluster: 'ledger',
  host: 'loopback',
  workload: 'transfers',
  nemesis: 'kill,pause,partition',
  timeLimit: '20s',
};

export const demo = (flags: RunFlags): Promise<void> => execute({ ...DEMO, ...configFrom(flags) }, flags, 'demo');

export async function runOnce(path: string | undefined, flags: RunFlags): Promise<void> {
  const fromFile = path === undefined ? {} : readConfig(path, rooms);
  await execute({ ...fromFile, ...configFrom(flags) }, flags, 'run');
}

async function execute(config: RunConfig, flags: RunFlags, verb: 'run' | 'demo'): Promise<void> {
  const seed = config.seed ?? randomInt(2 ** 32);
  const host = await chooseHost(config);
  if (host === 'netns' && process.getuid?.() !== 0) return runInside(insideUserNamespace());
  const spec = specOf(config, host, seed, rooms);
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
      progress?.say(`run ${pc.bold(id)}: ${sentenceOf(spec)}`);
      progress?.say(pc.dim(header.command));
    },
    stop: signals.stop,
    onlyHeal: signals.onlyHeal,
  };
  try {
    const { record, left } = await run(spec, castOf(spec), store, commandOf(spec, verb), audience);
    progress?.end();
    if (record) conclude(record, flags['json'] === true);
    else process.exitCode = left === null ? EXIT.interrupted : EXIT.faultMayBeActive;
    if (signals.mistake !== undefined) throw signals.mistake;
  } finally {
    progress?.end();
    signals.dispose();
  }
}

/** Runs this same command line again where it has the privilege it needs, and ends as that one does. */
async function runInside([program, ...words]: readonly [string, ...string[]]): Promise<void> {
  const ignore = () => {}; // The terminal tells the other one too; it heals and ends by itself.
  for (const signal of SIGNALS) process.on(signal, ignore);
  const { exitCode } = await execa(program, words, { stdio: 'inherit', reject: false });
  for (const signal of SIGNALS) process.off(signal, ignore);
  process.exitCode = exitCode ?? EXIT.couldNotBeDone;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const MISTAKES = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * The first signal ends the load, the second leaves nothing but healing, the third ends Ordeal at once. A mistake
 * in Ordeal that nobody caught counts as the first signal, so that the faults in force are healed all the same.
 */
class Signals {
  readonly #stop = new AbortController();
  readonly #onlyHeal = new AbortController();
  readonly #runId: () => string;
  readonly #say: (message: string) => void;
  #count = 0;
  /** What nobody caught, if anything. */
  mistake: unknown;

  constructor(runId: () => string, say: (message: string) => void) {
    this.#runId = runId;
    this.#say = say;
    for (const signal of SIGNALS) process.on(signal, this.#receive);
    for (const mistake of MISTAKES) process.on(mistake, this.#survive);
  }

  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  get onlyHeal(): AbortSignal {
    return this.#onlyHeal.signal;
  }

  dispose(): void {
    for (const signal of SIGNALS) process.off(signal, this.#receive);
    for (const mistake of MISTAKES) process.off(mistake, this.#survive);
  }

  readonly #survive = (error: unknown) => {
    this.mistake ??= error;
    this.#say(`a bug in Ordeal: ${error instanceof Error ? error.message : String(error)}; healing`);
    this.#stop.abort('a bug in Ordeal');
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
      process.exit(EXIT.faultMayBeActive);
    }
  };
}

/** What the flags say, checked like a file. */
function configFrom(flags: RunFlags): RunConfig {
  const { store: _store, quiet: _quiet, json: _json, ...settings } = flags;
  const numbers = new Set(['seed', 'nodes', 'rate']);
  const given = Object.entries(settings)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, numbers.has(name) && !Number.isNaN(Number(value)) ? Number(value) : value]);
  const config = Object.fromEntries(given) as Record<string, unknown>;
  if (/^\d+$/.test(String(config['concurrency']))) config['concurrency'] = Number(config['concurrency']);
  return checkConfig(config, 'the flags', rooms);
}

/** The host that was asked for, or the first of the cluster's that is available; refused with the reasons. */
async function chooseHost(config: RunConfig): Promise<HostName> {
  const cluster = rooms.clusters.get((config.cluster ?? 'ledger').split(':')[0] as string);
  const wanted = config.host ?? 'auto';
  if (wanted !== 'auto' && !cluster.hosts.includes(wanted))
    throw new UsageError(`cluster ${cluster.name} does not live on ${wanted}; it lives on ${cluster.hosts.join(', ')}`);
  const reasons: string[] = [];
  for (const host of wanted === 'auto' ? cluster.hosts : [wanted]) {
    const missing = (await driverOf(host)?.probe())?.filter(({ needed, available }) => needed && !available) ?? [];
    if (missing.length === 0) return host;
    reasons.push(`${host}: ${missing.map(({ name, reason }) => `${name}: ${reason}`).join('; ')}`);
  }
  throw new UsageError(`cluster ${cluster.name} cannot live here. ${reasons.join('. ')}`);
}

function sentenceOf(spec: RunSpec): string {
  const cluster = spec.variant === null ? spec.cluster : `${spec.cluster}:${spec.variant}`;
  const faults = spec.nemeses.length === 0 ? 'nothing' : spec.nemeses.join(', ');
  return `${spec.nodeCount} nodes of ${cluster} on ${spec.host}, ${spec.workload} by ${spec.workerCount} workers, against ${faults}, for ${spec.timeLimitMs / 1000} s, seed ${spec.seed}`;
}

/** The command that runs the same again: what differs from the defaults, and the seed. */
function commandOf(spec: RunSpec, verb: 'run' | 'demo'): string {
  const plain = specOf(
    verb === 'demo' ? DEMO : { cluster: spec.cluster, workload: spec.workload },
    spec.host,
    spec.seed,
    rooms,
  );
  const flags: [string, string, boolean][] = [
    [
      '--cluster',
      spec.variant === null ? spec.cluster : `${spec.cluster}:${spec.variant}`,
      verb === 'run' || spec.variant !== null,
    ],
    ['--host', spec.host, verb === 'run'],
    ['--workload', spec.workload, verb === 'run'],
    ['--nemesis', spec.nemeses.join(',') || 'none', verb === 'run' || String(spec.nemeses) !== String(plain.nemeses)],
    ['--nodes', String(spec.nodeCount), spec.nodeCount !== plain.nodeCount],
    ['--concurrency', String(spec.workerCount), spec.workerCount !== plain.workerCount],
    ['--rate', String(spec.ratePerSecond ?? 'closed'), spec.ratePerSecond !== plain.ratePerSecond],
    ['--time-limit', durationText(spec.timeLimitMs), spec.timeLimitMs !== plain.timeLimitMs],
    ['--warm-up', durationText(spec.warmUpMs), spec.warmUpMs !== plain.warmUpMs],
    ['--request-timeout', durationText(spec.requestTimeoutMs), spec.requestTimeoutMs !== plain.requestTimeoutMs],
    ['--recovery-timeout', durationText(spec.recoveryTimeoutMs), spec.recoveryTimeoutMs !== plain.recoveryTimeoutMs],
    ['--seed', String(spec.seed), true],
  ];
  return ['ordeal', verb, ...flags.filter(([, , differs]) => differs).flatMap(([flag, value]) => [flag, value])].join(
    ' ',
  );
}
