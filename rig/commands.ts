/** What each command of the command line does. Text for people goes to standard error, results to standard output. */

import { join, relative } from 'node:path';
import pc from 'picocolors';
import { whyNot, whyNotOn } from './availability.ts';
import { configSchemaOf } from './config.ts';
import type { Capability, Checker, Nemesis, RunHeader, RunRecord } from './contract.ts';
import { EXIT, UsageError } from './exit.ts';
import { judge } from './judge.ts';
import { readHistory } from './history-file.ts';
import { COPY_THESE, ordersFor } from './left-behind.ts';
import { healRuns } from './leftovers.ts';
import { admit, castOf, hostDrivers, rooms, summarise } from './rooms.ts';
import { draw } from './run.ts';
import { readHeader, readVerdict, Store } from './store.ts';
import { serviceSchema } from './service-schema.ts';
import { verdictSchema } from './verdict-schema.ts';

const say = (text: string) => process.stderr.write(`${text}\n`);
const print = (text: string) => process.stdout.write(`${text}\n`);

/** Judges the stored run in a directory once more: by whom it was judged, or by `chosen`. */
export async function checkAgain(
  directory: string,
  chosen: Checker | null,
  flags: { readonly timeoutMs: number; readonly json: boolean },
): Promise<void> {
  const header = readHeader(directory);
  const checkers = chosen ? [chosen] : await checkersOf(header);
  const limited: RunHeader = { ...header, spec: { ...header.spec, checkTimeoutMs: flags.timeoutMs } };
  const record = { ...(await judge(directory, limited, checkers)), header };
  conclude(record, flags.json);
}

/** Those that judge a stored run. Its user's own files are run only from the folder that they are in, or above it. */
async function checkersOf({ spec }: RunHeader): Promise<readonly Checker[]> {
  for (const file of spec.plugins ?? []) {
    if (relative('.', file).startsWith('..'))
      throw new UsageError(`this run was made with ${file}; judge it again from the folder of that file`);
    await admit(file, null);
  }
  return castOf(spec).checkers;
}

export async function report(wanted = 'latest'): Promise<void> {
  const store = new Store();
  const directory = store.find(wanted);
  const header = readHeader(directory);
  const verdict = readVerdict(directory);
  const record: RunRecord = verdict
    ? { header, verdict, history: await readHistory(join(directory, 'history.jsonl')), directory }
    : await judge(directory, header, await checkersOf(header));
  const files = await draw(record, rooms.reports.all, (message) => say(message));
  for (const file of files) print(join(directory, file));
}

/** Prints the end of a run and sets the exit code. */
export function conclude(record: RunRecord, json: boolean): void {
  if (json) print(JSON.stringify(record.verdict, null, 2));
  else print(summarise(record, { colour: pc.isColorSupported }));
  process.exitCode = record.verdict.exit.code;
}

const KINDS = ['clusters', 'workloads', 'nemeses', 'presets', 'checkers', 'models', 'hosts', 'runs'] as const;

export async function list(what: string | undefined, flags: { readonly json?: boolean }): Promise<void> {
  const kinds = KINDS.filter((kind) => what === undefined || kind === what);
  if (kinds.length === 0) throw new UsageError(`there is no list of "${what}"; there are ${KINDS.join(', ')}`);
  const lists = Object.fromEntries(kinds.map((kind) => [kind, entriesOf(kind)]));
  if (flags.json) return void print(JSON.stringify(lists, null, 2));
  for (const kind of kinds) {
    print(pc.bold(kind));
    const entries = lists[kind] ?? [];
    const width = Math.max(0, ...entries.map(([name]) => name.length));
    for (const [name, summary] of entries) print(`  ${name.padEnd(width)}  ${summary}`);
    if (entries.length === 0) print('  none yet');
  }
}

/** Name and one sentence of each member of a kind. */
function entriesOf(kind: (typeof KINDS)[number]): readonly (readonly [string, string])[] {
  switch (kind) {
    case 'clusters':
      return rooms.clusters.all.flatMap((cluster) => [
        [cluster.name, `${cluster.summary} (on ${cluster.hosts.join(', ')}; API ${cluster.apis.join(', ')})`] as const,
        ...Object.entries(cluster.variants).map(([name, says]) => [`${cluster.name}:${name}`, says] as const),
      ]);
    case 'workloads':
    case 'nemeses':
    case 'presets':
      return rooms[kind].all.map(({ name, summary }) => [name, summary] as const);
    case 'checkers':
      return rooms.checkers.names.map((name) => [name, ''] as const);
    case 'models':
      return rooms.models.all.map(({ name, functions = {} }) => [name, Object.keys(functions).join(', ')] as const);
    case 'hosts':
      return hostDrivers.map(({ name }) => [name, 'see `ordeal doctor`'] as const);
    case 'runs':
      return new Store().runs().map((directory) => {
        const header = readHeader(directory);
        const verdict = readVerdict(directory);
        return [header.id, `${verdict?.validity ?? 'not judged'}  ${header.startedAt}  ${header.command}`] as const;
      });
  }
}

export async function doctor(flags: { readonly json?: boolean }): Promise<void> {
  const memory = rooms.clusters.get('memory');
  const simulation: Capability = {
    name: 'always',
    available: true,
    needed: true,
    reason: "it lives in Ordeal's own process, on virtual time",
  };
  const found = await Promise.all([
    ...hostDrivers.map(async (driver) => {
      const lacks = await driver.lacks();
      const faults = await faultsBy((nemesis) => whyNot(nemesis, lacks));
      return { host: driver.name, capabilities: await driver.probe(), faults };
    }),
    faultsBy((nemesis) => whyNotOn(memory, 'memory', nemesis)).then((faults) => ({
      host: 'memory',
      capabilities: [simulation],
      faults,
    })),
  ]);
  if (flags.json) return void print(JSON.stringify(found, null, 2));
  for (const { host, capabilities, faults } of found) {
    const isMissing = capabilities.some(({ needed, available }) => needed && !available);
    const mark = (isThere: boolean) => (isThere ? pc.green('✔') : pc.red('✘'));
    print(`${mark(!isMissing)} ${pc.bold(host)}${isMissing ? ' is not available' : ''}`);
    for (const { name, available, reason } of capabilities) print(`    ${mark(available)} ${name}: ${reason}`);
    if (isMissing) continue;
    const possible = faults.filter(({ available }) => available).map(({ name }) => name);
    print(`    ${mark(true)} faults: ${possible.join(', ')}`);
    for (const { name, available, reason } of faults) if (!available) print(`    ${mark(false)} ${name}: ${reason}`);
  }
  print('Whether a cluster offers the control that a fault needs is told by `ordeal list` and before each run.');
}

/** Of every nemesis, whether it can work at some place. */
const faultsBy = (reasonAgainst: (nemesis: Nemesis) => Promise<string | null>): Promise<readonly Capability[]> =>
  Promise.all(
    rooms.nemeses.all.map(async (nemesis) => {
      const reason = await reasonAgainst(nemesis);
      return {
        name: nemesis.name,
        available: reason === null,
        needed: false,
        reason: reason === null ? nemesis.summary : `it needs ${reason}`,
      };
    }),
  );

export async function heal(
  wanted: string | undefined,
  flags: { readonly all?: boolean; readonly force?: boolean },
): Promise<void> {
  if ((wanted === undefined) === (flags.all !== true)) throw new UsageError('say which run to heal, or --all');
  const { removed, problems, refused } = await healRuns(wanted ?? null, flags.force === true);
  for (const line of removed) print(`removed ${line}`);
  const { problems: left, commands } = ordersFor(`ordeal heal ${wanted ?? '--all'}`, problems.join('\n'), true);
  for (const line of left) say(`${pc.red('not healed:')} ${line}`);
  if (left.length > 0) for (const line of [COPY_THESE, ...commands.map((command) => `    ${command}`)]) say(line);
  if (refused) throw new UsageError(refused);
  const count = `${removed.length} removed${left.length > 0 ? `, ${left.length} not healed` : ''}`;
  print(removed.length === 0 && left.length === 0 ? 'nothing was left behind' : count);
  process.exitCode = problems.length > 0 ? EXIT.faultMayBeActive : EXIT.valid;
}

export function schema(name: string | undefined): void {
  const schemas: Readonly<Record<string, object>> = {
    verdict: verdictSchema,
    config: configSchemaOf(rooms),
    service: serviceSchema,
  };
  const chosen = schemas[name ?? 'verdict'];
  if (!chosen) throw new UsageError(`there is no schema "${name}"; there are ${Object.keys(schemas).join(', ')}`);
  print(JSON.stringify(chosen, null, 2));
}
