/**
 * The control `resources`: how much processor and memory, and how many processes, a node may use, by control groups
 * (`cgroups.ts`). Of several holds the tightest limit is in force. A node that is killed for lack of memory is started
 * again when the fault ends.
 */

import type { Evidence, NodeId, Party, ResourceControl } from '../../../rig/contract.ts';
import { Groups, type Resource } from '../cgroups.ts';
import type { Program } from '../host.ts';
import { type Bench, type Change, type Control, evidenceOf, mustBeOneOf } from './control.ts';
import { Wishes } from './wishes.ts';

const resources: readonly Resource[] = ['processor', 'memory', 'processes'];
/** The kernel refuses a limit below what it cannot have back at once. */
const MEMORY_TRIES = 20;
const MEMORY_STEP = 1.05;
const LEAST_MEMORY_BYTES = 1 << 20;

interface Wish {
  readonly resource: Resource;
  /** Per cent of a processor, spare per cent of memory, or spare processes. */
  readonly amount: number;
}

interface Seen {
  /** Bites before this hold, and the last count. */
  readonly before: number;
  since: number;
  readonly limit: string;
}

export class Resources implements Control<'resources'> {
  readonly name = 'resources';
  readonly mayEndNodes = true;
  readonly wishes = new Wishes<Wish>();
  readonly #bench: Bench;
  /** Groups that were made for nodes without one of their own. */
  readonly #made = new Map<NodeId, Groups>();
  /** node → resource → the limit before the first fault, as the kernel told it. */
  readonly #before = new Map<NodeId, Map<Resource, string>>();
  /** `hold resource` → node → what was seen. */
  readonly #seen = new Map<string, Map<NodeId, Seen>>();
  /** `hold node` of nodes that were seen to have ended meanwhile. */
  readonly #ended = new Set<string>();

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  async prepare(node: NodeId): Promise<void> {
    const { lab, runId, host } = this.#bench;
    if (host === 'docker') return;
    const make = async () => Groups.make(`ordeal-${runId}-${node}`);
    this.#made.set(node, await lab.guard.disturb(node, ['mkdir', 'cgroup'], make));
  }

  /** A node that is a process of this machine enters its groups before it becomes its program. */
  dress(node: NodeId, program: Program): Program {
    const doors = this.#made.get(node)?.doors;
    if (!doors) return program;
    const enter = doors.map((door) => `echo $$ >'${door}'`).join(' && ');
    return { ...program, command: ['sh', '-c', `${enter} && exec "$0" "$@"`, ...program.command] };
  }

  levers(hold: string, change: Change): ResourceControl {
    const want = (resource: Resource) => async (nodes: readonly NodeId[], amount: number) => {
      for (const node of nodes) mustBeOneOf(node, this.#bench.members, 'kept short');
      if (!(amount >= 0 && amount <= 100_000)) throw new RangeError(`${amount} is no amount for the ${resource}`);
      await change(nodes, () => {
        for (const node of nodes) this.wishes.add(hold, node, { resource, amount });
      });
    };
    return { processor: want('processor'), memory: want('memory'), processes: want('processes') };
  }

  async agree(node: Party): Promise<void> {
    const wanted = this.wishes.of(node);
    if (wanted.length === 0 && !this.#before.has(node)) return;
    const groups = await this.#groupsOf(node);
    if (!groups) return void this.#before.delete(node); // It is down, and will have new ones.
    const { guard } = this.#bench.lab;
    const before = this.#before.get(node) ?? new Map<Resource, string>();
    this.#before.set(node, before);
    for (const resource of resources) {
      const amounts = wanted.filter((wish) => wish.resource === resource).map(({ amount }) => amount);
      if (amounts.length > 0) {
        if (!before.has(resource)) before.set(resource, groups.limit(resource));
        const amount = Math.min(...amounts);
        const limit = async () => this.#limit(node, groups, resource, amount);
        await guard.disturb(node, ['limit', resource, String(amount)], limit);
      } else if (before.has(resource)) {
        await guard.mend(node, ['free', resource], async () => this.#free(node, groups, resource));
      }
    }
    if (before.size === 0) this.#before.delete(node);
  }

  #limit(node: NodeId, groups: Groups, resource: Resource, amount: number): void {
    const bites = groups.bites(resource);
    const isFree = groups.limit(resource) === this.#before.get(node)?.get(resource);
    if (resource === 'processor') groups.setLimit(resource, Math.max(1, amount));
    // What is spare is spare when the fault begins; a second one tightens nothing.
    else if (isFree && resource === 'processes') groups.setLimit(resource, groups.used(resource) + amount);
    else if (isFree) limitMemory(groups, amount);
    const limit = groups.limit(resource);
    if (limit === this.#before.get(node)?.get(resource))
      throw new Error(`the ${resource} of ${node} cannot be limited: it is still ${limit}`);
    for (const hold of this.wishes.holding(node)) {
      if (!this.wishes.under(hold, node).some((wish) => wish.resource === resource)) continue;
      const key = `${hold} ${resource}`;
      const seen = this.#seen.get(key) ?? new Map<NodeId, Seen>();
      this.#seen.set(key, seen);
      if (!seen.has(node)) seen.set(node, { before: bites, since: bites, limit });
    }
  }

  #free(node: NodeId, groups: Groups, resource: Resource): void {
    this.#count(node, groups);
    groups.free(resource);
    const before = this.#before.get(node);
    const [limit, was] = [groups.limit(resource), before?.get(resource)];
    if (limit !== was) throw new Error(`the ${resource} of ${node} was limited to ${was}, and now is to ${limit}`);
    before?.delete(resource);
  }

  async #groupsOf(node: NodeId): Promise<Groups | null> {
    const made = this.#made.get(node);
    if (made) return made;
    const [first] = await this.#bench.lab.processes(node);
    return first === undefined ? null : Groups.of(first);
  }

  #count(node: NodeId, groups: Groups): void {
    for (const hold of this.wishes.holding(node))
      for (const resource of resources) {
        const seen = this.#seen.get(`${hold} ${resource}`)?.get(node);
        if (seen) seen.since = groups.bites(resource);
      }
  }

  async evidence(hold: string): Promise<Evidence | null> {
    const touched = [...this.wishes.touched(hold)];
    if (touched.length === 0) return null;
    for (const node of touched) {
      const groups = await this.#groupsOf(node);
      if (groups) this.#count(node, groups);
      const isHeld = this.wishes.holding(node).includes(hold);
      if (isHeld && (await this.#bench.lab.state(node)) === 'gone') this.#ended.add(`${hold} ${node}`);
    }
    const ended = touched.filter((node) => this.#ended.has(`${hold} ${node}`));
    const observed = resources.flatMap((resource) =>
      [...(this.#seen.get(`${hold} ${resource}`) ?? [])].flatMap(([node, { before, since, limit }]) => {
        if (since > before) return [`${node} came up against its limit of ${resource} ${since - before} times`];
        // Nothing more can be had: seen in force, though nobody may have tried.
        return resource === 'processes' ? [`${node} can have no more than ${limit} processes and threads`] : [];
      }),
    );
    observed.push(...ended.map((node) => `${node} ended under its limits`));
    return evidenceOf(observed, 'no limit was reached');
  }
}

function limitMemory(groups: Groups, sparePercent: number): void {
  let bytes = Math.max(LEAST_MEMORY_BYTES, Math.round(groups.used('memory') * (1 + sparePercent / 100)));
  for (let tries = 1; ; tries++) {
    try {
      return groups.setLimit('memory', bytes);
    } catch (error) {
      if (tries === MEMORY_TRIES) throw error;
      bytes = Math.round(bytes * MEMORY_STEP);
    }
  }
}

/** Frees the groups of these processes, where that is part of their path, of every limit; a line for each that there was. */
export function freeResources(processes: readonly number[], own: string): readonly string[] {
  const undone: string[] = [];
  for (const pid of processes) {
    const groups = Groups.of(pid);
    if (!groups?.folders.every((folder) => folder.includes(own))) continue;
    for (const resource of resources)
      if (groups.free(resource)) undone.push(`the limit of ${resource} of process ${pid}`);
  }
  return undone;
}
