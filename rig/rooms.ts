/** The registry: the one file that knows every room. Being exported from a room's index is being registered. */

import { dirname, relative } from 'node:path';
import * as checkerRoom from '../checkers/index.ts';
import { linearizable } from '../checkers/linearizable.ts';
import { models } from '../checkers/models/index.ts';
import { families, meaningIn, otherNames } from '../checkers/vocabulary.ts';
import { drivers } from '../clusters/hosts/index.ts';
import { httpService } from '../clusters/http/http-service.ts';
import { sweepLocks } from '../clusters/http/sole-use.ts';
import * as clusterRoom from '../clusters/index.ts';
import * as nemesisRoom from '../nemeses/index.ts';
import * as reportRoom from '../reports/index.ts';
import * as workloadRoom from '../workloads/index.ts';
import type {
  Checker,
  Cluster,
  HostDriver,
  HostName,
  Model,
  Nemesis,
  Preset,
  Report,
  RunSpec,
  Workload,
} from './contract.ts';
import { UsageError } from './exit.ts';
import * as ordeal from './index.ts';
import type { Judge } from './judges.ts';
import { loadPlugin, type PluginKind } from './plugins.ts';
import type { Cast } from './run.ts';

/** Members of one kind, found by name. */
export class Room<T extends { readonly name: string }> {
  readonly #kind: string;
  readonly #members: Map<string, T>;

  constructor(kind: string, members: readonly T[]) {
    this.#kind = kind;
    this.#members = new Map(members.map((member) => [member.name, member]));
    if (this.#members.size < members.length) throw new Error(`two members of the room of ${kind} share a name`);
  }

  /** Sorted by name. */
  get all(): readonly T[] {
    return [...this.#members.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get names(): readonly string[] {
    return this.all.map((member) => member.name);
  }

  /** A user's own member joins for as long as this process lives. The same again changes nothing. */
  add(member: T): void {
    const known = this.#members.get(member.name);
    if (known && known !== member)
      throw new UsageError(`a ${this.#kind} called "${member.name}" is there already; give yours another name`);
    this.#members.set(member.name, member);
  }

  get(name: string): T {
    const member = this.#members.get(name);
    if (!member) throw new UsageError(`no ${this.#kind} is called "${name}"; there are ${this.names.join(', ')}`);
    return member;
  }
}

/** The exports of a room that are members; functions and constants beside them are not. */
const membersOf = <T extends { readonly name: string }>(room: object, mark: string): T[] =>
  Object.values(room).filter((member): member is T => typeof member === 'object' && member !== null && mark in member);

export const rooms = {
  clusters: new Room<Cluster>('cluster', membersOf(clusterRoom, 'up')),
  workloads: new Room<Workload>('workload', membersOf(workloadRoom, 'generator')),
  nemeses: new Room<Nemesis>('nemesis', membersOf(nemesisRoom, 'inject')),
  checkers: new Room<Checker>('checker', membersOf(checkerRoom, 'check')),
  models: new Room<Model>('model', Object.values(models) as unknown as Model[]),
  reports: new Room<Report>('report', membersOf(reportRoom, 'write')),
  presets: new Room<Preset>('preset', nemesisRoom.presets),
};

export { benchPartition, insideUserNamespace } from '../clusters/hosts/index.ts';
export { proxyOverhead } from '../clusters/traffic/proxy-overhead.ts';
export { replayOf } from '../workloads/replay.ts';
export { findings, findingsPage, summarise } from '../reports/index.ts';

export const hostDrivers: readonly HostDriver[] = drivers;

/** Whoever removes what runs have left on some host, services that ran already among them. */
export const sweepers: readonly Pick<HostDriver, 'name' | 'sweep'>[] = [
  ...drivers,
  { name: 'attached', sweep: (runId) => sweepLocks(runId) },
];

export const driverOf = (host: HostName): HostDriver | undefined => drivers.find((driver) => driver.name === host);

export const linearizableBy = (modelName: string): Checker => linearizable(rooms.models.get(modelName)) as Checker;

/** A checker that is registered, or one of transactions with options in its name. */
export const checkerBy = (name: string): Checker => checkerRoom.isolationBy(name) ?? rooms.checkers.get(name);

/** Whoever goes by this name: of the wanted kind, perhaps under another name, or else of the other kind. */
export function judgeBy(wanted: string, kind: Judge['kind']): Judge {
  const plain = wanted
    .toLowerCase()
    .replaceAll(/[_ ]/g, '-')
    .replace(/^(?:knossos|elle|jepsen|porcupine)-/, '');
  const kinds = kind === 'model' ? (['model', 'checker'] as const) : (['checker', 'model'] as const);
  for (const one of kinds)
    for (const name of [wanted, plain, meaningIn(otherNames[one], plain)])
      if (name !== undefined && isJudge(name, one))
        return { kind: one, name, checker: one === 'model' ? linearizableBy(name) : checkerBy(name) };
  const there = `there are the models ${rooms.models.names.join(', ')} and the checkers ${rooms.checkers.names.join(', ')}`;
  throw new UsageError(`no ${kind} is called "${wanted}"; ${families[plain] ?? there}`);
}

const isJudge = (name: string, kind: Judge['kind']): boolean =>
  kind === 'model'
    ? rooms.models.names.includes(name)
    : rooms.checkers.names.includes(name) || checkerRoom.isolationBy(name) !== undefined;

/** By these names users' files import Ordeal. */
export const ownModules = { ordeal, 'ordeal/checkers': checkerRoom };

/** The files that joined, by the names of their members. */
const joined = new Map<string, string>();

/** The file of a user's own member, as seen from here; of any other, its name. */
export function fileOf(name: string): string {
  const file = joined.get(name);
  return file === undefined ? name : `./${relative('.', file)}`;
}

/** Loads a user's own member and lets it join its room, once. `file` is absolute. Returns its name. */
export async function admit(file: string, wanted: PluginKind | null): Promise<string> {
  const plugin = await loadPlugin(file, wanted, ownModules);
  if (joined.get(plugin.member.name) !== file) {
    if (plugin.kind === 'nemesis') rooms.nemeses.add(plugin.member);
    else if (plugin.kind === 'workload') rooms.workloads.add(plugin.member);
    else if (plugin.kind === 'checker') rooms.checkers.add(plugin.member);
    else if (plugin.kind === 'service') rooms.clusters.add(httpService(plugin.member, dirname(file)));
    else rooms.clusters.add(plugin.member);
    joined.set(plugin.member.name, file);
  }
  return plugin.member.name;
}

/** Every member a spec names; the checkers are the workload's own and those that judge every run. */
export function castOf(spec: RunSpec): Cast {
  const workload = rooms.workloads.get(spec.workload);
  return {
    cluster: rooms.clusters.get(spec.cluster),
    workload,
    nemeses: spec.nemeses.map((name) => rooms.nemeses.get(name)),
    checkers: [...workload.checkers, checkerRoom.exercised, checkerRoom.statistics],
    reports: rooms.reports.all,
    driver: driverOf(spec.host),
  };
}
