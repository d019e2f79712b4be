/**
 * What a group of processes may use, as the kernel's control groups limit and count it, in version 1 and in version 2.
 * A container has a group of its own; nodes that are processes of this machine get one that bears the run's id.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LeftBehind, takeAllSteps } from '../../rig/left-behind.ts';
import { titleOf } from './process-table.ts';

export type Resource = 'processor' | 'memory' | 'processes';

const REMOVAL_TRIES = 100;
const ROOT = '/sys/fs/cgroup';
const PERIOD = 100_000;
const CONTROLLERS = { processor: 'cpu', memory: 'memory', processes: 'pids' } as const;
const resources = Object.keys(CONTROLLERS) as Resource[];

/** The files of one resource: where its limit stands, what stands there without one, and what counts how often it bit. */
interface Files {
  readonly limit: string;
  readonly none: string;
  /** File and name of each count. */
  readonly bites: readonly (readonly [file: string, name: string])[];
  limitText(value: number): string;
}

const version1: Readonly<Record<Resource, Files>> = {
  processor: {
    limit: 'cpu.cfs_quota_us',
    none: '-1',
    bites: [['cpu.stat', 'nr_throttled']],
    limitText: (percent) => String((percent * PERIOD) / 100),
  },
  memory: {
    limit: 'memory.limit_in_bytes',
    none: '-1',
    bites: [
      ['memory.failcnt', ''],
      ['memory.oom_control', 'oom_kill'],
    ],
    limitText: String,
  },
  processes: { limit: 'pids.max', none: 'max', bites: [['pids.events', 'max']], limitText: String },
};

const version2: Readonly<Record<Resource, Files>> = {
  processor: {
    ...version1.processor,
    limit: 'cpu.max',
    none: `max ${PERIOD}`,
    limitText: (percent) => `${percent * 1000} ${PERIOD}`,
  },
  memory: {
    ...version1.memory,
    limit: 'memory.max',
    none: 'max',
    bites: [
      ['memory.events', 'max'],
      ['memory.events', 'oom_kill'],
    ],
  },
  processes: version1.processes,
};

/** Version 2 where all controllers are in it; a mixture counts as version 1. */
const isVersion2 = (): boolean =>
  (attempt(() => readFileSync(path.join(ROOT, 'cgroup.controllers'), 'utf8')) ?? '').includes('memory');

/** The groups of a node, one for each resource. */
export class Groups {
  readonly #folders: Readonly<Record<Resource, string>>;
  readonly #files = isVersion2() ? version2 : version1;

  /** Where they are, below the mounts of their controllers. */
  get folders(): readonly string[] {
    return Object.values(this.#folders);
  }

  private constructor(folders: Readonly<Record<Resource, string>>) {
    this.#folders = folders;
  }

  /** Those that this process is in; `null` if it has ended. */
  static of(pid: number): Groups | null {
    const lines = attempt(() => readFileSync(`/proc/${pid}/cgroup`, 'latin1'))?.split('\n');
    if (!lines) return null;
    const folderOf = (resource: Resource) => {
      const controller = CONTROLLERS[resource];
      const line = lines.find((one) =>
        isVersion2() ? one.startsWith('0::') : one.split(':')[1]?.split(',').includes(controller),
      );
      return path.join(rootOf(resource), line?.split(':').slice(2).join(':') ?? '');
    };
    return new Groups(foldersBy(folderOf));
  }

  /** New ones of that name, or those that are there. Rejects with the reason where they cannot be had. */
  static make(name: string): Groups {
    if (isVersion2()) writeFileSync(path.join(ROOT, 'cgroup.subtree_control'), '+cpu +memory +pids');
    const folders = foldersBy((resource) => path.join(rootOf(resource), name));
    for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });
    return new Groups(folders);
  }

  /** Files to which a process writes its own number to be in them. */
  get doors(): readonly string[] {
    return [...new Set(Object.values(this.#folders))].map((folder) => path.join(folder, 'cgroup.procs'));
  }

  /** The limit as the kernel tells it. */
  limit(resource: Resource): string {
    return this.#read(resource, this.#files[resource].limit);
  }

  /** Sets a limit, in per cent of a processor, bytes, or processes and threads. */
  setLimit(resource: Resource, value: number): void {
    this.#write(resource, this.#files[resource].limitText(value));
  }

  /** Sees that there is none; says whether there was one. */
  free(resource: Resource): boolean {
    const found = this.limit(resource);
    this.#write(resource, this.#files[resource].none);
    return this.limit(resource) !== found;
  }

  /** How much is used now: bytes of memory that cannot be had back, or processes and threads. */
  used(resource: 'memory' | 'processes'): number {
    if (resource === 'processes') return Number(this.#read(resource, 'pids.current'));
    return countIn(this.#read(resource, 'memory.stat'), isVersion2() ? 'anon' : 'total_rss');
  }

  /** How often the limit was felt since the group was made. */
  bites(resource: Resource): number {
    const { bites } = this.#files[resource];
    return bites.reduce((sum, [file, name]) => sum + countIn(attempt(() => this.#read(resource, file)) ?? '', name), 0);
  }

  #read(resource: Resource, file: string): string {
    return readFileSync(path.join(this.#folders[resource], file), 'utf8').trim();
  }

  #write(resource: Resource, text: string): void {
    writeFileSync(path.join(this.#folders[resource], this.#files[resource].limit), text);
  }
}

const rootOf = (resource: Resource): string => (isVersion2() ? ROOT : path.join(ROOT, CONTROLLERS[resource]));

const foldersBy = (folderOf: (resource: Resource) => string): Record<Resource, string> => ({
  processor: folderOf('processor'),
  memory: folderOf('memory'),
  processes: folderOf('processes'),
});

const countIn = (text: string, name: string): number =>
  Number(name === '' ? text : (new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? 0));

const tagOf = (runId: string | null): RegExp =>
  runId === null ? /^ordeal-[0-9a-f]{8}-/ : new RegExp(`^ordeal-${runId}-`);

/** Removes the groups of that run, or of all runs, whose processes have ended; a line for each. */
export async function removeGroups(runId: string | null): Promise<readonly string[]> {
  const folders = new Set(resources.map(rootOf)).values();
  const found = [...folders].flatMap((root) =>
    (attempt(() => readdirSync(root)) ?? [])
      .filter((name) => tagOf(runId).test(name))
      .map((name) => path.join(root, name)),
  );
  return takeAllSteps(found.map((folder) => () => removeGroup(folder)));
}

async function removeGroup(folder: string): Promise<readonly string[]> {
  for (let tries = 1; existsSync(folder); tries++)
    try {
      rmdirSync(folder);
    } catch (error) {
      // The last process of it may be dead and still be there for a moment.
      if (tries === REMOVAL_TRIES) throw stays(folder, error as Error);
      await sleep(20);
    }
  return [`control group ${folder}`];
}

/** Whoever is inside and is none of ours is not ended: it is let out, by a person. */
function stays(folder: string, { message }: Error): LeftBehind {
  const inside = (attempt(() => readFileSync(`${folder}/cgroup.procs`, 'utf8')) ?? '').split('\n').filter(Boolean);
  if (inside.length === 0)
    return new LeftBehind(`the control group could not be removed: ${message}`, `rmdir ${folder}`);
  const who = inside.map((pid) => `${pid} (${titleOf(Number(pid))})`).join(', ');
  return new LeftBehind(
    `the control group ${folder}, which may be limited, has processes of somebody else in it: ${who}`,
    `for p in ${inside.join(' ')}; do echo $p >${path.dirname(folder)}/cgroup.procs; done`,
  );
}

/** Why limits cannot be set on this machine; `null`: they can. */
export function whyUnlimited(): string | null {
  const version = isVersion2() ? 'version 2' : 'version 1';
  for (const resource of resources) {
    const root = rootOf(resource);
    if (!existsSync(root)) return `there is no ${root}: no control groups for the ${resource} are mounted here`;
  }
  if (process.getuid?.() !== 0) return `control groups, ${version}, can be written to by root alone`;
  return null;
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
