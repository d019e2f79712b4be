/**
 * What a person may say about a run, by flags or in a YAML or JSON file, and the spec that follows from it. The
 * schema is the whole truth: every name, range and default is here, and an error names the path, the value and
 * the alternatives. Nothing is touched before a configuration has passed.
 */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Cluster, HostName, Limits, Preset, RunSpec, Workload } from './contract.ts';
import { durationMs, durationText } from './durations.ts';
import { UsageError } from './exit.ts';
import { abortConditionOf } from './pulse.ts';
import type { rooms as Rooms } from './rooms.ts';
import { DURATION_PATTERN, schemaSentence } from './schema-sentence.ts';
import { ajv } from './packages.ts';

const LONGEST_RUN_MS = 24 * 3_600_000;
const LONGEST_FAULT = '1m';
/** What clients ask where nobody says, the first that fits. */
const USUAL_WORKLOADS: readonly string[] = ['register', 'transfers', 'requests'];

/** The configuration of one run. Durations are texts such as `500ms`, `60s`, `5m`. Everything has a default. */
export interface RunConfig {
  name?: string;
  cluster?: string;
  bug?: string;
  host?: HostName | 'auto';
  workload?: string;
  nemesis?: string | readonly string[];
  seed?: number;
  nodes?: number;
  concurrency?: number | string;
  rate?: number | 'closed';
  timeLimit?: string;
  warmUp?: string;
  calm?: readonly [string, string];
  fault?: readonly [string, string];
  requestTimeout?: string;
  bringUpTimeout?: string;
  recoveryTimeout?: string;
  finalTimeout?: string;
  checkTimeout?: string;
  beyondQuorum?: boolean;
  longestFault?: string;
  abortWhen?: string | readonly string[];
  stopFile?: string;
  dryRun?: boolean;
  skipUnavailable?: boolean;
  /** Files of users' own members. */
  plugins?: readonly string[];
}

const duration = { type: 'string', pattern: DURATION_PATTERN } as const;
const oneOrMore = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, maxItems: 20 }] } as const;
/** `./mine.ts`: a member of the user's own. */
const pluginFile = { type: 'string', pattern: '\\.[cm]?[jt]s$', maxLength: 4_096 } as const;
const range = { type: 'array', items: duration, minItems: 2, maxItems: 2 } as const;

/** The JSON Schema of a configuration, published as `ordeal schema config`. */
export const configSchemaOf = (rooms: typeof Rooms) =>
  ({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of one run of Ordeal',
    type: 'object',
    additionalProperties: false,
    properties: {
      name: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' },
      cluster: { type: 'string', maxLength: 128 },
      bug: { type: 'string', maxLength: 128 },
      host: { enum: ['auto', 'docker', 'netns', 'loopback', 'memory', 'attached'] },
      workload: { anyOf: [{ enum: rooms.workloads.names }, pluginFile] },
      nemesis: oneOrMore,
      seed: { type: 'integer', minimum: 0, maximum: 2 ** 32 - 1 },
      nodes: { type: 'integer', minimum: 1, maximum: 9 },
      concurrency: {
        anyOf: [
          { type: 'integer', minimum: 1, maximum: 10_000 },
          { type: 'string', pattern: '^\\d{1,4}n$' },
        ],
      },
      rate: { anyOf: [{ type: 'number', exclusiveMinimum: 0, maximum: 1_000_000 }, { const: 'closed' }] },
      timeLimit: duration,
      warmUp: duration,
      calm: range,
      fault: range,
      requestTimeout: duration,
      bringUpTimeout: duration,
      recoveryTimeout: duration,
      finalTimeout: duration,
      checkTimeout: duration,
      beyondQuorum: { type: 'boolean' },
      longestFault: duration,
      abortWhen: oneOrMore,
      stopFile: { type: 'string', minLength: 1, maxLength: 4_096 },
      dryRun: { type: 'boolean' },
      skipUnavailable: { type: 'boolean' },
      plugins: { type: 'array', items: { type: 'string' }, maxItems: 50 },
    },
  }) as const;

/** `where` names the source in errors. */
export function checkConfig(value: unknown, where: string, rooms: typeof Rooms): RunConfig {
  const validate = new (ajv().Ajv2020)({ allErrors: true, allowUnionTypes: true, verbose: true }).compile<RunConfig>(
    configSchemaOf(rooms),
  );
  if (validate(value)) return value;
  const [first] = (validate.errors ?? []).filter((error) => error.keyword !== 'anyOf');
  throw new UsageError(`${where}: ${first ? schemaSentence(first, 'the configuration') : 'it is not a configuration'}`);
}

/**
 * The spec that a configuration means. `host` was settled before, because it depends on the machine. `say` is told
 * what is skipped.
 */
export function specOf(
  config: RunConfig,
  host: HostName,
  seed: number,
  rooms: typeof Rooms,
  say: (message: string) => void = () => {},
): RunSpec {
  const [clusterName = '', fromCluster] = (config.cluster ?? 'ledger').split(':');
  const cluster = rooms.clusters.get(clusterName);
  const variant = config.bug ?? fromCluster ?? null;
  const variants = Object.keys(cluster.variants);
  if (variant !== null && !variants.includes(variant))
    throw new UsageError(
      `cluster ${cluster.name} has no bug or variant "${variant}"; there are ${variants.join(', ') || 'none'}`,
    );
  const workload = workloadFor(cluster, config.workload, rooms);
  const nodeCount = config.nodes ?? cluster.nodeCounts.default;
  if (!cluster.nodeCounts.allowed.includes(nodeCount))
    throw new UsageError(
      `cluster ${cluster.name} cannot have ${nodeCount} nodes; it may have ${cluster.nodeCounts.allowed.join(', ')}`,
    );
  const { nemeses, preset } = nemesesOf(config.nemesis ?? usualNemeses(cluster, workload, rooms), rooms);
  const unavailable = unavailableOn(cluster, host, nemeses, rooms);
  for (const reason of unavailable.values()) {
    if (!config.skipUnavailable) throw new UsageError(`${reason}; --skip-unavailable goes on without it`);
    say(`skipped: ${reason}`);
  }
  const spec: RunSpec = {
    name: config.name ?? [cluster.name, ...(variant ? [variant] : []), workload.name].join('-'),
    cluster: cluster.name,
    variant,
    host,
    workload: workload.name,
    nemeses: nemeses.filter((name) => !unavailable.has(name)),
    seed,
    nodeCount,
    workerCount: workerCountOf(config.concurrency ?? '4n', nodeCount),
    ratePerSecond: config.rate === 'closed' ? null : (config.rate ?? 200),
    warmUpMs: durationMs(config.warmUp ?? '1s', 'warmUp'),
    timeLimitMs: durationMs(config.timeLimit ?? '30s', 'timeLimit'),
    calmMs: boundsMs(config.calm ?? preset?.calm ?? ['1500ms', '4s'], 'calm'),
    faultMs: boundsMs(config.fault ?? preset?.fault ?? ['1500ms', '5s'], 'fault'),
    requestTimeoutMs: durationMs(config.requestTimeout ?? '1s', 'requestTimeout'),
    bringUpTimeoutMs: durationMs(config.bringUpTimeout ?? '5m', 'bringUpTimeout'),
    recoveryTimeoutMs: durationMs(config.recoveryTimeout ?? '30s', 'recoveryTimeout'),
    finalTimeoutMs: durationMs(config.finalTimeout ?? '30s', 'finalTimeout'),
    checkTimeoutMs: durationMs(config.checkTimeout ?? '1m', 'checkTimeout'),
    limits: limitsOf(config, cluster),
    ...(config.dryRun ? { dryRun: true } : {}),
    ...(config.plugins && config.plugins.length > 0 ? { plugins: config.plugins } : {}),
  };
  refuseEndless(spec);
  return spec;
}

function workloadFor(cluster: Cluster, wanted: string | undefined, rooms: typeof Rooms): Workload {
  const fitting = rooms.workloads.all.filter((workload) => cluster.apis.includes(workload.api));
  const usual = USUAL_WORKLOADS.find((name) => fitting.some((workload) => workload.name === name));
  const workload = rooms.workloads.get(wanted ?? usual ?? fitting[0]?.name ?? '');
  if (!fitting.includes(workload))
    throw new UsageError(
      `workload ${workload.name} needs the ${workload.api} API, which cluster ${cluster.name} does not offer (it has ${cluster.apis.join(', ')}); workloads for it: ${fitting.map(({ name }) => name).join(', ')}`,
    );
  return workload;
}

function refuseEndless(spec: RunSpec): void {
  if (spec.timeLimitMs > LONGEST_RUN_MS)
    throw new UsageError(`timeLimit is ${durationText(spec.timeLimitMs)}; the longest is 24h`);
  const [, longestMs] = spec.faultMs;
  const mostMs = spec.limits?.longestFaultMs ?? Infinity;
  if (longestMs > mostMs)
    throw new UsageError(
      `fault lasts up to ${durationText(longestMs)}, and no fault may last longer than ${durationText(mostMs)} (--longest-fault)`,
    );
}

function boundsMs([from, to]: readonly [string, string], what: string): readonly [number, number] {
  const bounds = [durationMs(from, what), durationMs(to, what)] as const;
  if (bounds[0] > bounds[1])
    throw new UsageError(`${what} runs from ${from} to ${to}; the first must not be the larger`);
  return bounds;
}

const limitsOf = (config: RunConfig, { quorum = true }: Cluster): Limits => {
  const abortWhen = namesIn(config.abortWhen ?? []);
  for (const text of abortWhen) abortConditionOf(text);
  return {
    beyondQuorum: config.beyondQuorum ?? !quorum,
    longestFaultMs: durationMs(config.longestFault ?? LONGEST_FAULT, 'longestFault'),
    abortWhen,
    stopFile: config.stopFile === undefined ? null : absentFile(config.stopFile),
  };
};

/** Absolute. */
function absentFile(path: string): string {
  if (existsSync(path)) throw new UsageError(`the stop file ${path} is there already; nothing was begun`);
  return resolve(path);
}

const namesIn = (wanted: string | readonly string[]): readonly string[] =>
  (typeof wanted === 'string' ? wanted.split(',') : wanted).map((name) => name.trim()).filter((name) => name !== '');

/** What goes wrong where nobody says. Keyed requests are tried by lost answers and repeats above all. */
const usualNemeses = (cluster: Cluster, { api }: Workload, rooms: typeof Rooms): readonly string[] =>
  api === 'service'
    ? ['lost-ack', 'duplicate-delivery', 'retry-storm', 'kill'].filter((name) =>
        rooms.nemeses.get(name).controls.every((control) => cluster.controls.includes(control)),
      )
    : ['partition', 'kill', 'pause'];

/** The nemeses that are meant, those of a preset among them, and that preset. */
function nemesesOf(
  wanted: NonNullable<RunConfig['nemesis']>,
  rooms: typeof Rooms,
): { readonly nemeses: readonly string[]; readonly preset: Preset | undefined } {
  const given = namesIn(wanted).filter((name) => name !== 'none');
  const [preset, second] = rooms.presets.all.filter(({ name }) => given.includes(name));
  if (preset && second)
    throw new UsageError(`${preset.name} and ${second.name} are both presets, each with its own rhythm; name one`);
  const nemeses = given.flatMap((name) => (name === preset?.name ? preset.nemeses : [name]));
  for (const [at, name] of nemeses.entries()) {
    if (!rooms.nemeses.names.includes(name))
      throw new UsageError(
        `no nemesis is called "${name}"; there are ${rooms.nemeses.names.join(', ')}; presets: ${rooms.presets.names.join(', ')}; or name a file, ./mine.ts`,
      );
    if (nemeses.indexOf(name) !== at) throw new UsageError(`nemesis ${name} is named twice`);
  }
  return { nemeses, preset };
}

/** Why each of these nemeses that cannot work on this cluster, on that host, cannot. */
function unavailableOn(
  cluster: Cluster,
  host: HostName,
  nemeses: readonly string[],
  rooms: typeof Rooms,
): ReadonlyMap<string, string> {
  const reasons = new Map<string, string>();
  const known = cluster.drills?.(host) ?? [];
  const why = cluster.hosts.includes('attached')
    ? ': it is attached, and what Ordeal did not start it neither stops nor cuts off'
    : '';
  for (const name of nemeses) {
    const { controls, states = [], drills = [] } = rooms.nemeses.get(name);
    const missing = drills.find((drill) => !known.includes(drill));
    if (missing !== undefined)
      reasons.set(name, `nemesis ${name} needs the drill ${missing}, which cluster ${cluster.name} lacks on ${host}`);
    for (const state of states)
      if (!Object.hasOwn(cluster.states ?? {}, state))
        reasons.set(
          name,
          `nemesis ${name} needs to see the state ${state}, of which cluster ${cluster.name} does not tell (it tells of ${Object.keys(cluster.states ?? {}).join(', ') || 'none'})`,
        );
    for (const control of controls)
      if (!cluster.controls.includes(control))
        reasons.set(name, `nemesis ${name} needs the ${control} control, which cluster ${cluster.name} lacks${why}`);
  }
  return reasons;
}

const workerCountOf = (concurrency: number | string, nodeCount: number): number =>
  typeof concurrency === 'number'
    ? concurrency
    : concurrency.endsWith('n')
      ? Number(concurrency.slice(0, -1)) * nodeCount
      : Number(concurrency);
