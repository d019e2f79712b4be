/**
 * From what a person said, by flags and files, to the spec of a run: plug-ins are loaded, the host is chosen, and
 * a plan that was made before is taken as it is. Nothing is touched.
 */

import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { whyNotOn } from './availability.ts';
import { RealClock } from './clock.ts';
import { checkConfig, type RunConfig, specOf } from './config.ts';
import { readValue } from './read-value.ts';
import type { Cluster, HostName, Layout, RunSpec } from './contract.ts';
import { UsageError } from './exit.ts';
import { checkPlan, isPlan, type Plan, planOf, requireSame } from './plan.ts';
import { sentenceOf } from './outcome.ts';
import { isPluginPath, loadDefault, type PluginKind } from './plugins.ts';
import { admit, castOf, driverOf, ownModules, rooms } from './rooms.ts';
import { drawSchedule } from './schedule.ts';

/** Flags as commander gives them: every value a text. */
export type RunFlags = Readonly<Record<string, string | boolean | undefined>>;

/** What is taken when no file is named, the first that is there. */
const CONFIG_FILES = ['ordeal.config.ts', 'ordeal.config.js', 'ordeal.config.yaml', 'ordeal.config.json'];
/** Flags that say how to tell, not what to do. */
const TELLING = ['store', 'quiet', 'json', 'output'];
/** What may be said beside a plan, to be sure that it is the right one. */
const FIXED = { cluster: 'cluster', host: 'host', workload: 'workload', nodes: 'nodeCount', seed: 'seed' } as const;

/**
 * The spec that is meant; with its faults where a plan was given. Without a path, the folder's own configuration is
 * taken; with `null`, none.
 */
export async function prepare(
  path: string | null | undefined,
  flags: RunFlags,
  base: RunConfig = {},
): Promise<RunSpec> {
  const file = path === undefined ? CONFIG_FILES.find((name) => existsSync(name)) : (path ?? undefined);
  const value = file === undefined ? {} : await readFile(file);
  if (isPlan(value)) return (await planned(checkPlan(value, file ?? ''), file ?? '', flags)).spec;
  const fromFile = file === undefined ? {} : await withPlugins(checkConfig(value, file, rooms), dirname(file));
  const fromFlags = await withPlugins(configFrom(flags), '.');
  const plugins = [...new Set([...(fromFile.plugins ?? []), ...(fromFlags.plugins ?? [])])];
  const config: RunConfig = { ...base, ...fromFile, ...fromFlags, plugins };
  const seed = config.seed ?? randomInt(2 ** 32);
  const say = (message: string) => process.stderr.write(`${message}\n`);
  const spec = specOf(config, await chooseHost(config), seed, rooms, say);
  return withoutUnavailable(spec, config.skipUnavailable === true);
}

/**
 * The plan of a spec. Refuses a nemesis that could do nothing at all within the limits: a run without it would prove
 * nothing of what was asked for.
 */
export async function makePlan(spec: RunSpec): Promise<Plan> {
  const { cluster, nemeses } = castOf(spec);
  const layout = layoutOf(cluster, spec.nodeCount, spec.host);
  const schedule = await drawSchedule(spec, nemeses, layout, new RealClock());
  const [broken] = schedule.broken;
  if (broken) throw new UsageError(`nemesis ${broken.nemesis} cannot be planned: ${sentenceOf(broken.error)}`);
  for (const { name } of nemeses) {
    const omission = schedule.omitted.find(({ nemesis }) => nemesis === name);
    if (omission && !schedule.faults.some(({ nemesis }) => nemesis === name))
      throw new UsageError(`nemesis ${name} could do nothing in this run: ${omission.reason}`);
  }
  return planOf(spec, layout, schedule);
}

/** Refuses nemeses that cannot work there, or, where that was asked for, goes on without them and says so. */
async function withoutUnavailable(spec: RunSpec, isSkipping: boolean): Promise<RunSpec> {
  const { cluster, nemeses } = castOf(spec);
  const left: string[] = [];
  for (const nemesis of nemeses) {
    const reason = await whyNotOn(cluster, spec.host, nemesis);
    if (reason === null) left.push(nemesis.name);
    else if (isSkipping) process.stderr.write(`skipped: nemesis ${nemesis.name}, for it needs ${reason}\n`);
    else throw new UsageError(`nemesis ${nemesis.name} needs ${reason}; --skip-unavailable goes on without it`);
  }
  return { ...spec, nemeses: left };
}

function layoutOf(cluster: Cluster, nodeCount: number, host: HostName): Layout {
  if (cluster.layout) return cluster.layout(nodeCount, host);
  const nodes = Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`);
  return { nodes, parties: [...nodes, 'clients'] };
}

const readFile = async (file: string): Promise<unknown> =>
  /\.[cm]?[jt]s$/.test(file) ? loadDefault(resolve(file), ownModules) : readValue(file);

/** A plan, if it is for what is there and the flags say nothing else. */
async function planned(plan: Plan, file: string, flags: RunFlags): Promise<Plan> {
  const { spec } = plan;
  for (const [flag, value] of Object.entries(flags)) {
    if (value === undefined || TELLING.includes(flag)) continue;
    if (!(flag in FIXED))
      throw new UsageError(`${file} is a plan, which decides everything: leave out ${flag}, or make another plan`);
    const fixed = String(spec[FIXED[flag as keyof typeof FIXED]]);
    const full = flag === 'cluster' && spec.variant !== null ? `${fixed}:${spec.variant}` : fixed;
    if (String(value) !== full) throw new UsageError(`${file} is a plan for ${flag} ${full}, not ${value}`);
  }
  for (const plugin of spec.plugins ?? []) await admit(plugin, null);
  const { cluster, nemeses } = castOf(spec);
  const known = new Set(nemeses.map(({ name }) => name));
  for (const { nemesis } of spec.plan ?? [])
    if (!known.has(nemesis))
      throw new UsageError(`${file} plans a fault of nemesis ${nemesis}, which it does not name`);
  requireSame(plan, layoutOf(cluster, spec.nodeCount, spec.host), file);
  await chooseHost({ cluster: spec.cluster, host: spec.host });
  await withoutUnavailable(spec, false);
  return plan;
}

/** The configuration with every file of a user's own loaded, and named by its member's name. */
async function withPlugins(config: RunConfig, folder: string): Promise<RunConfig> {
  const plugins: string[] = [];
  const named = async (text: string, kind: PluginKind | null) => {
    const file = resolve(folder, text);
    const name = await admit(file, kind);
    if (!plugins.includes(file)) plugins.push(file);
    return name;
  };
  const settled: RunConfig = { ...config };
  for (const text of config.plugins ?? []) await named(text, null);
  if (config.workload !== undefined && isPluginPath(config.workload))
    settled.workload = await named(config.workload, 'workload');
  const [, clusterFile, variant] = /^(.+\.(?:[cm]?[jt]s|ya?ml|json))(:.+)?$/.exec(config.cluster ?? '') ?? [];
  if (clusterFile !== undefined) settled.cluster = (await named(clusterFile, 'cluster')) + (variant ?? '');
  if (config.nemesis !== undefined) {
    const wanted = typeof config.nemesis === 'string' ? config.nemesis.split(',') : config.nemesis;
    const names: string[] = [];
    for (const text of wanted) names.push(isPluginPath(text.trim()) ? await named(text.trim(), 'nemesis') : text);
    settled.nemesis = names;
  }
  return { ...settled, plugins };
}

/** What the flags say, checked like a file. */
function configFrom(flags: RunFlags): RunConfig {
  const numbers = new Set(['seed', 'nodes', 'rate']);
  const given = Object.entries(flags)
    .filter(([name, value]) => value !== undefined && !TELLING.includes(name))
    .map(([name, value]) => [name, numbers.has(name) && !Number.isNaN(Number(value)) ? Number(value) : value]);
  const config = Object.fromEntries(given) as Record<string, unknown>;
  if (/^\d+$/.test(String(config['concurrency']))) config['concurrency'] = Number(config['concurrency']);
  for (const range of ['calm', 'fault'])
    if (typeof config[range] === 'string') config[range] = config[range].split('..');
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
