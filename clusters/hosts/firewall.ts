/**
 * Impairments by iptables, inside the network namespaces of nodes. All rules of a run stand in chains of their own that
 * carry the run's id, are replaced as a whole in one transaction, and are read back. Nobody else's rules are touched.
 * What `clients` must not hear meets its rule where it leaves the node: the rig's own machine gets none.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeId, Party } from '../../rig/contract.ts';
import type { Guard } from './guard.ts';
import { CLIENTS } from './host.ts';
import { type Impairment, NAME_SERVERS, nameOf, united } from './impairment.ts';
import { PacketQueue, queuesFor } from './packet-queue.ts';
import { type Direction, duplicateRule, packetRules } from './packet-rules.ts';
import type { Command } from './run-command.ts';
import { allSettled } from './steps.ts';

/** Runs a command inside a node's network namespace. */
export type RunInside = (command: Command, input?: string) => Promise<string>;

/** Into a node's network namespace; `enter` goes before a command that is to stay there, `null` where none can. */
export interface Access {
  readonly run: RunInside;
  readonly enter: readonly string[] | null;
}

const SECOND_LOOK_MS = 200;
const save: Command = ['iptables-save', '-c', '-t', 'filter'];
const restore: Command = ['iptables-restore', '--noflush', '--wait', '5'];
const replaced = '# replaced\n';
const replaceAndSave = `${restore.join(' ')} && printf '${replaced.trim()}\\n' && exec ${save.join(' ')}`;
const tagOf = (runId: string): string => `ordeal-${runId}`;
const hooks = { in: 'INPUT', out: 'OUTPUT' } as const;

/** By direction: what is wanted there; and what the node is to send twice. */
type Wanted = Readonly<Record<Direction, readonly Impairment[]>> & { readonly doubled: readonly Doubled[] };
type Doubled = {
  readonly from: Party;
  readonly do: 'duplicate';
  readonly probability: number;
  readonly listener: Party;
};
const isDuplicate = (impairment: Impairment): boolean => impairment.do === 'duplicate';
/** By direction: the names of the impairments in force, once for each rule; `null`: not even the chain is there. */
type Found = Readonly<Record<Direction, readonly string[] | null>>;
/** A new namespace has no rules. */
const nothing: Found = { in: null, out: null };

/** The firewalls of all nodes of a lab, which together make parties deaf. */
export class Firewalls {
  readonly #walls: ReadonlyMap<NodeId, Firewall>;
  readonly #access: (node: NodeId) => Promise<Access | null>;
  readonly #guard: Guard;
  readonly #address: (party: Party) => string;
  readonly #wanted = new Map<Party, readonly Impairment[]>();

  /** `access` to a node's namespace, or `null` while the node has none. */
  constructor(
    runId: string,
    nodes: readonly NodeId[],
    guard: Guard,
    address: (party: Party) => string,
    access: (node: NodeId) => Promise<Access | null>,
  ) {
    this.#walls = new Map(nodes.map((node) => [node, new Firewall(runId, node, guard, address)]));
    this.#access = access;
    this.#guard = guard;
    this.#address = address;
  }

  async impair(listener: Party, impairments: readonly Impairment[]): Promise<void> {
    const before = this.#wanted.get(listener) ?? [];
    const wanted = united(impairments);
    const doubled = (some: readonly Impairment[]) => some.filter(isDuplicate).map(({ from }) => from);
    if (doubled(wanted).includes(CLIENTS))
      throw new Error('the packets of clients cannot be sent twice; those of nodes can');
    this.#wanted.set(listener, wanted);
    const senders = [...doubled(before), ...doubled(wanted)];
    const nodes = new Set(listener === CLIENTS ? this.#walls.keys() : [listener, ...senders]);
    await allSettled([...nodes].map((node) => this.#set(node)));
  }

  async impaired(listener: Party): Promise<ReadonlyMap<string, number>> {
    const doubling = (this.#wanted.get(listener) ?? []).filter(isDuplicate).map(({ from }) => from);
    const others = listener === CLIENTS ? [...this.#walls.keys()] : doubling;
    const counts = new Map<string, number>();
    const note = (found: ReadonlyMap<string, number>, isMeant: (kind: string) => boolean) => {
      for (const [kind, packets] of found) if (isMeant(kind)) add(counts, kind.split('>')[0] as string, packets);
    };
    if (listener !== CLIENTS) {
      const { in: heard, out: said } = await this.#count(listener);
      note(heard, () => true);
      note(said, (kind) => kind.startsWith(`${NAME_SERVERS}:`));
    }
    for (const { out } of await Promise.all(others.map((node) => this.#count(node))))
      note(
        out,
        (kind) =>
          (kind.includes('>') ? kind.endsWith(`>${listener}`) : listener === CLIENTS) && !kind.startsWith(NAME_SERVERS),
      );
    return counts;
  }

  /** Breaks established connections of the node with these parties, which the other end is told by a reset; says how many. */
  async reset(node: NodeId, parties: readonly Party[]): Promise<number> {
    const access = await this.#access(node);
    if (!access || parties.length === 0) return 0;
    const others = parties.map((party) => `dst ${this.#address(party)}`).join(' or ');
    const command: Command = ['ss', '-K', '-H', '-t', '-n', 'state', 'established', `( ${others} )`];
    const said = await this.#guard.disturb(node, command, () => access.run(command));
    return said.split('\n').filter((line) => line.trim() !== '').length;
  }

  /** The node has a new namespace, or none: what its rules had counted is kept, and they are no longer in force. */
  async renewed(node: NodeId): Promise<void> {
    this.#wall(node).renewed();
    await this.#wall(node).close();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#walls.values()].map((wall) => wall.close()));
  }

  async #set(node: NodeId): Promise<void> {
    const access = await this.#access(node);
    if (!access) return;
    const own = this.#wanted.get(node) ?? [];
    const ofClients = this.#wanted.get(CLIENTS) ?? [];
    // Whoever sends what is dropped on its way out is told so; silence has to be made at what comes in.
    const isRefusal = ({ from, do: act }: Impairment) => from === NAME_SERVERS && act === 'reject';
    const wanted = {
      in: own.filter((impairment) => !isRefusal(impairment) && !isDuplicate(impairment)),
      out: [
        ...ofClients.filter((impairment) => impairment.from === node && !isDuplicate(impairment)),
        ...own.filter(isRefusal),
      ],
      doubled: [...this.#wanted].flatMap(([listener, some]) =>
        some.filter((one) => isDuplicate(one) && one.from === node).map((one) => ({ ...one, listener }) as Doubled),
      ),
    };
    try {
      await this.#wall(node).set(access, wanted);
    } catch {
      // A node that ended in the middle of it took its network along; one that is back since has another.
      const anew = await this.#accessAfterAll(node);
      if (anew) await this.#wall(node).set(anew, wanted);
    }
  }

  async #count(node: NodeId): Promise<Counts> {
    try {
      return await this.#wall(node).count(() => this.#access(node));
    } catch {
      return this.#wall(node).count(() => this.#accessAfterAll(node));
    }
  }

  /** As `#access`, once an engine that believed the node to be running has had time to learn that it is not. */
  async #accessAfterAll(node: NodeId): Promise<Access | null> {
    await sleep(SECOND_LOOK_MS);
    return this.#access(node);
  }

  #wall(node: NodeId): Firewall {
    const wall = this.#walls.get(node);
    if (!wall) throw new RangeError(`${node} has no firewall; these have: ${[...this.#walls.keys()].join(', ')}`);
    return wall;
  }
}

/** Removes every rule and chain of that run from one namespace, and looks again; says whether there were any. */
export async function takeBackRules(runId: string, run: RunInside): Promise<boolean> {
  const rules = async () =>
    (await run(['iptables-save', '-t', 'filter'])).split('\n').filter((line) => line.includes(tagOf(runId)));
  const found = await rules();
  if (found.length === 0) return false;
  const chains = found.flatMap((line) => /^:(\S+)/.exec(line)?.[1] ?? []);
  const others = found.filter((line) => line.startsWith('-A ') && !chains.includes(line.split(' ')[1] as string));
  const script = [
    '*filter',
    ...chains.map((chain) => `:${chain} - [0:0]`),
    ...others.map((line) => line.replace('-A', '-D')),
    ...chains.map((chain) => `-X ${chain}`),
    'COMMIT',
    '',
  ];
  await run(restore, script.join('\n'));
  const left = await rules();
  if (left.length > 0) throw new Error(`these rules are still there: ${left.join('; ')}`);
  return true;
}

/** Packets by kind of impairment. */
type Counts = Readonly<Record<Direction, ReadonlyMap<string, number>>>;

/** The rules of one node. */
class Firewall {
  readonly #runId: string;
  readonly #tag: string;
  readonly #node: NodeId;
  readonly #guard: Guard;
  readonly #address: (party: Party) => string;
  /** Packets counted by rules that have been replaced. */
  readonly #past = { in: new Map<string, number>(), out: new Map<string, number>() };
  /** Packets counted by the rules in force, when last read. */
  #current = { in: new Map<string, number>(), out: new Map<string, number>() };
  /** The rules as they were last seen; `null` after a change that failed. */
  #known: Found | null = nothing;
  #queue: Promise<unknown> = Promise.resolve();
  /** Where packets wait, and how. */
  #packetQueue: PacketQueue | null = null;
  #queues: readonly string[] = [];

  constructor(runId: string, node: NodeId, guard: Guard, address: (party: Party) => string) {
    this.#runId = runId;
    this.#tag = tagOf(runId);
    this.#node = node;
    this.#guard = guard;
    this.#address = address;
  }

  renewed(): void {
    for (const direction of ['in', 'out'] as const) {
      for (const [kind, packets] of this.#current[direction]) add(this.#past[direction], kind, packets);
      this.#current[direction] = new Map();
    }
    this.#known = nothing;
  }

  /** Nobody waits for packets any more: the namespace is gone. */
  async close(): Promise<void> {
    await this.#packetQueue?.stop();
    this.#packetQueue = null;
    this.#queues = [];
  }

  count(access: () => Promise<Access | null>): Promise<Counts> {
    return this.#enqueue(async () => {
      this.#packetQueue?.mustBeAlive();
      const here = this.#known && same(this.#known, nothing) ? null : await access();
      if (here) this.#known = this.#read(await here.run(save));
      const sum = (direction: Direction) => {
        const counts = new Map(this.#past[direction]);
        for (const [kind, packets] of this.#current[direction]) add(counts, kind, packets);
        return counts;
      };
      return { in: sum('in'), out: sum('out') };
    });
  }

  set({ run, enter }: Access, impairments: Wanted): Promise<void> {
    return this.#enqueue(async () => {
      const queues = queuesFor([...impairments.in, ...impairments.out]);
      const texts = [...queues.values()].map(({ text: queue }) => queue);
      await this.#wait(texts, enter);
      const wanted = {
        in: this.#rules('in', impairments, queues),
        out: [...this.#rules('out', impairments, queues), ...this.#doublings(impairments)],
      };
      let before = this.#known;
      if (!before || same(before, ruling(wanted))) before = this.#read(await run(save));
      if (same(before, ruling(wanted))) return;
      if (await this.#replace(run, before, wanted).catch(() => false)) return;
      // They were not what they were last seen to be: all are taken back, which is seen, and set anew.
      await this.#guard.mend(this.#node, ['take back', this.#tag], () => takeBackRules(this.#runId, run));
      this.#known = nothing;
      if (same(ruling(wanted), nothing) || (await this.#replace(run, nothing, wanted))) return;
      throw new Error(
        `the rules ${this.#tag} were to be ${text(ruling(wanted))}, but are ${text(this.#known ?? nothing)}`,
      );
    });
  }

  /** Sees to it that somebody waits at exactly these queues. */
  async #wait(queues: readonly string[], enter: readonly string[] | null): Promise<void> {
    if (queues.join() === this.#queues.join()) return;
    await this.#packetQueue?.stop();
    this.#packetQueue = null;
    this.#queues = queues;
    if (queues.length === 0) return;
    if (!enter) throw new Error('packets can be made to wait only where the rig is root beside the engine');
    this.#packetQueue = await this.#guard.disturb(this.#node, ['packet-queue', ...queues], () =>
      PacketQueue.start(this.#runId, enter, queues),
    );
  }

  /** In one go, since each process costs time: reads what has been counted, replaces, and reads what is in force now. */
  async #replace(run: RunInside, before: Found, wanted: Rules): Promise<boolean> {
    this.#known = null;
    const script = this.#script(before, wanted);
    // Where there is nothing, nothing has been counted.
    const all = same(before, nothing) ? replaceAndSave : `${save.join(' ')} && ${replaceAndSave}`;
    const change = () => run(['sh', '-c', all], script);
    const argv = [...restore, script];
    const harms = !same(ruling(wanted), nothing);
    const output = await (harms
      ? this.#guard.disturb(this.#node, argv, change)
      : this.#guard.mend(this.#node, argv, change));
    const [was = '', is = ''] = output.split(replaced);
    const found = same(before, nothing) ? nothing : this.#read(was);
    this.renewed();
    this.#known = this.#read(is);
    return same(found, before) && same(this.#known, ruling(wanted)) && (harms || !is.includes(this.#tag));
  }

  #rules(direction: Direction, wanted: Wanted, queues: ReturnType<typeof queuesFor>): readonly Rule[] {
    return wanted[direction].flatMap((impairment) =>
      packetRules(direction, impairment, this.#address, queues.get(impairment)?.number).map((rule) => ({
        name: nameOf(impairment),
        rule,
      })),
    );
  }

  #doublings({ doubled }: Wanted): readonly Rule[] {
    return doubled.map(({ listener, ...impairment }) => ({
      name: nameOf(impairment).replace('=', `>${listener}=`),
      rule: duplicateRule(this.#address(listener), impairment.probability),
    }));
  }

  #chain(direction: Direction): string {
    return `${this.#tag}-${direction}`;
  }

  /** One transaction: chains that are named are emptied or made; the jump to each comes and goes with its rules. */
  #script(before: Found, wanted: Rules): string {
    const chains: string[] = [];
    const rules: string[] = [];
    for (const direction of ['in', 'out'] as const) {
      const chain = this.#chain(direction);
      const [had, want] = [before[direction], wanted[direction]];
      if (!had && !want.length) continue;
      chains.push(`:${chain} - [0:0]`);
      for (const { name, rule } of want) rules.push(`-A ${chain} -m comment --comment ${this.#tag}/${name} ${rule}`);
      const jump = `${hooks[direction]} -m comment --comment ${this.#tag} -j ${chain}`;
      if (!had) rules.push(`-I ${jump}`);
      if (!want.length) rules.push(`-D ${jump}`, `-X ${chain}`);
    }
    return ['*filter', ...chains, ...rules, 'COMMIT', ''].join('\n');
  }

  /** What is in force as `iptables-save` tells it; notes what it has counted. */
  #read(saved: string): Found {
    const lines = saved.split('\n');
    const found: { in: string[] | null; out: string[] | null } = { in: null, out: null };
    for (const direction of ['in', 'out'] as const) {
      const chain = this.#chain(direction);
      if (!lines.some((line) => line.endsWith(`-j ${chain}`))) continue;
      const names: string[] = [];
      const counts = new Map<string, number>();
      for (const line of lines) {
        const [, packets, at, name] = /^\[(\d+):\d+\] -A (\S+) .*--comment "?[^\s"/]+\/([^\s"]+)/.exec(line) ?? [];
        if (at !== chain || name === undefined) continue;
        names.push(name);
        add(counts, name.split('=')[0] as string, Number(packets));
      }
      found[direction] = names;
      this.#current[direction] = counts;
    }
    return found;
  }

  #enqueue<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(change);
    this.#queue = result.catch(() => {});
    return result;
  }
}

/** A rule of a packet filter, without its chain, and the name of the impairment that it is a part of. */
interface Rule {
  readonly name: string;
  readonly rule: string;
}
type Rules = Readonly<Record<Direction, readonly Rule[]>>;

const text = (rules: Found): string => JSON.stringify([rules.in, rules.out].map((names) => names?.toSorted() ?? null));

/** Where nothing is to be impaired, there is not even a chain. */
const ruling = (wanted: Rules): Found => ({ in: namesOf(wanted.in), out: namesOf(wanted.out) });
const namesOf = (rules: readonly Rule[]): readonly string[] | null =>
  rules.length > 0 ? rules.map(({ name }) => name) : null;

const same = (some: Found, others: Found): boolean => text(some) === text(others);

const add = (counts: Map<string, number>, kind: string, packets: number): void =>
  void counts.set(kind, (counts.get(kind) ?? 0) + packets);
