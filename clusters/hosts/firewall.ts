/**
 * Deafness by iptables, inside the network namespaces of nodes. All rules of a run stand in chains of their own that
 * carry the run's id, are replaced as a whole in one transaction, and are read back. Nobody else's rules are touched.
 * What `clients` must not hear is dropped where it leaves the node: the rig's own machine gets no rule.
 */

import type { NodeId, Party } from '../../rig/contract.ts';
import type { Guard } from './guard.ts';
import { CLIENTS } from './host.ts';
import type { Command } from './run-command.ts';

/** Runs a command inside a node's network namespace. */
export type RunInside = (command: Command, input?: string) => Promise<string>;

type Direction = 'in' | 'out';
const save: Command = ['iptables-save', '-c', '-t', 'filter'];
const restore: Command = ['iptables-restore', '--noflush', '--wait', '5'];
const replaced = '# replaced\n';
const swap = `${save.join(' ')} && ${restore.join(' ')} && printf '${replaced.trim()}\\n' && exec ${save.join(' ')}`;
const tagOf = (runId: string): string => `ordeal-${runId}`;
const directions = { in: { hook: 'INPUT', match: '-s' }, out: { hook: 'OUTPUT', match: '-d' } } as const;

type Rules = Readonly<Record<Direction, ReadonlySet<string>>>;
type Found = Readonly<Record<Direction, ReadonlySet<string> | null>>;
/** A new namespace has no rules. */
const nothing: Found = { in: null, out: null };

/** The firewalls of all nodes of a lab, which together make parties deaf. */
export class Firewalls {
  readonly #walls: ReadonlyMap<NodeId, Firewall>;
  readonly #run: (node: NodeId) => Promise<RunInside | null>;
  readonly #deafTo = new Map<Party, ReadonlySet<Party>>();

  /** `run` gives access to a node's namespace, or `null` while the node has none. */
  constructor(
    runId: string,
    nodes: readonly NodeId[],
    guard: Guard,
    address: (party: Party) => string,
    run: (node: NodeId) => Promise<RunInside | null>,
  ) {
    this.#walls = new Map(nodes.map((node) => [node, new Firewall(runId, node, guard, address)]));
    this.#run = run;
  }

  async deafen(listener: Party, senders: ReadonlySet<Party>): Promise<void> {
    this.#deafTo.set(listener, senders);
    const nodes = listener === CLIENTS ? [...this.#walls.keys()] : [listener];
    await Promise.all(nodes.map((node) => this.#set(node)));
  }

  async unheard(listener: Party): Promise<number> {
    if (listener !== CLIENTS) return (await this.#count(listener)).in;
    const counts = await Promise.all([...this.#walls.keys()].map((node) => this.#count(node)));
    return counts.reduce((sum, count) => sum + count.out, 0);
  }

  /** The node has a new namespace, or none: what its rules had counted is kept, and they are no longer in force. */
  renewed(node: NodeId): void {
    this.#wall(node).renewed();
  }

  async #set(node: NodeId): Promise<void> {
    const run = await this.#run(node);
    if (!run) return;
    const unheardByClients = this.#deafTo.get(CLIENTS)?.has(node) ?? false;
    await this.#wall(node).set(run, {
      in: this.#deafTo.get(node) ?? new Set(),
      out: new Set(unheardByClients ? [CLIENTS] : []),
    });
  }

  #count(node: NodeId): Promise<Readonly<Record<Direction, number>>> {
    return this.#wall(node).count(() => this.#run(node));
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

/** The rules of one node. */
class Firewall {
  readonly #runId: string;
  readonly #tag: string;
  readonly #node: NodeId;
  readonly #guard: Guard;
  readonly #address: (party: Party) => string;
  /** Packets counted by rules that have been replaced. */
  readonly #past = { in: 0, out: 0 };
  /** Packets counted by the rules in force, when last read. */
  #current = { in: 0, out: 0 };
  /** The rules as they were last seen; `null` after a change that failed. */
  #known: Found | null = nothing;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(runId: string, node: NodeId, guard: Guard, address: (party: Party) => string) {
    this.#runId = runId;
    this.#tag = tagOf(runId);
    this.#node = node;
    this.#guard = guard;
    this.#address = address;
  }

  renewed(): void {
    for (const direction of ['in', 'out'] as const) this.#past[direction] += this.#current[direction];
    this.#current = { in: 0, out: 0 };
    this.#known = nothing;
  }

  count(access: () => Promise<RunInside | null>): Promise<Readonly<Record<Direction, number>>> {
    return this.#enqueue(async () => {
      const run = this.#known && same(this.#known, nothing) ? null : await access();
      if (run) this.#known = this.#read(await run(save));
      return { in: this.#past.in + this.#current.in, out: this.#past.out + this.#current.out };
    });
  }

  set(run: RunInside, parties: Readonly<Record<Direction, ReadonlySet<Party>>>): Promise<void> {
    return this.#enqueue(async () => {
      const wanted = { in: this.#addresses(parties.in), out: this.#addresses(parties.out) };
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

  /** In one go, since each process costs time: reads what has been counted, replaces, and reads what is in force now. */
  async #replace(run: RunInside, before: Found, wanted: Rules): Promise<boolean> {
    this.#known = null;
    const script = this.#script(before, wanted);
    const change = () => run(['sh', '-c', swap], script);
    const argv = [...restore, script];
    const harms = !same(ruling(wanted), nothing);
    const output = await (harms
      ? this.#guard.disturb(this.#node, argv, change)
      : this.#guard.mend(this.#node, argv, change));
    const [was = '', is = ''] = output.split(replaced);
    const found = this.#read(was);
    this.renewed();
    this.#known = this.#read(is);
    return same(found, before) && same(this.#known, ruling(wanted)) && (harms || !is.includes(this.#tag));
  }

  #addresses(parties: ReadonlySet<Party>): ReadonlySet<string> {
    return new Set([...parties].map((party) => this.#address(party)));
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
      const { hook, match } = directions[direction];
      const [had, want] = [before[direction], wanted[direction]];
      if (!had && !want.size) continue;
      chains.push(`:${chain} - [0:0]`);
      for (const address of want) {
        rules.push(`-A ${chain} ${match} ${address} -m comment --comment ${this.#tag} -j DROP`);
      }
      const jump = `${hook} -m comment --comment ${this.#tag} -j ${chain}`;
      if (!had) rules.push(`-I ${jump}`);
      if (!want.size) rules.push(`-D ${jump}`, `-X ${chain}`);
    }
    return ['*filter', ...chains, ...rules, 'COMMIT', ''].join('\n');
  }

  /** What is in force, by address, as `iptables-save` tells it; notes what it has counted. `null`: not even the chain is there. */
  #read(saved: string): Found {
    const lines = saved.split('\n');
    const found: { in: Set<string> | null; out: Set<string> | null } = { in: null, out: null };
    for (const direction of ['in', 'out'] as const) {
      const chain = this.#chain(direction);
      if (!lines.some((line) => line.endsWith(`-j ${chain}`))) continue;
      const addresses = new Set<string>();
      let packets = 0;
      for (const line of lines) {
        const rule = /^\[(\d+):\d+\] -A (\S+) -[sd] ([\d.]+)/.exec(line);
        if (rule?.[2] !== chain) continue;
        packets += Number(rule[1]);
        addresses.add(rule[3] as string);
      }
      found[direction] = addresses;
      this.#current[direction] = packets;
    }
    return found;
  }

  #enqueue<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(change);
    this.#queue = result.catch(() => {});
    return result;
  }
}

const text = (rules: Found): string =>
  JSON.stringify([rules.in, rules.out].map((addresses) => addresses && [...addresses].sort()));

/** Where nobody is to be unheard, there is not even a chain. */
const ruling = (wanted: Rules): Found => ({
  in: wanted.in.size > 0 ? wanted.in : null,
  out: wanted.out.size > 0 ? wanted.out : null,
});

const same = (some: Found, others: Found): boolean => text(some) === text(others);
