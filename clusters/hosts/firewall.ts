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
const replaceRules: Command = ['iptables-restore', '--noflush', '--wait', '5'];
const tagOf = (runId: string): string => `ordeal-${runId}`;
const directions = { in: { hook: 'INPUT', match: '-s' }, out: { hook: 'OUTPUT', match: '-d' } } as const;

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

  async #count(node: NodeId): Promise<Readonly<Record<Direction, number>>> {
    return this.#wall(node).count(await this.#run(node));
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
  await run(replaceRules, script.join('\n'));
  const left = await rules();
  if (left.length > 0) throw new Error(`these rules are still there: ${left.join('; ')}`);
  return true;
}

/** The rules of one node. */
class Firewall {
  readonly #tag: string;
  readonly #node: NodeId;
  readonly #guard: Guard;
  readonly #address: (party: Party) => string;
  /** Packets counted by rules that have been replaced. */
  readonly #past = { in: 0, out: 0 };
  /** Packets counted by the rules in force, when last read. */
  #current = { in: 0, out: 0 };
  #queue: Promise<unknown> = Promise.resolve();

  constructor(runId: string, node: NodeId, guard: Guard, address: (party: Party) => string) {
    this.#tag = tagOf(runId);
    this.#node = node;
    this.#guard = guard;
    this.#address = address;
  }

  renewed(): void {
    for (const direction of ['in', 'out'] as const) this.#past[direction] += this.#current[direction];
    this.#current = { in: 0, out: 0 };
  }

  count(run: RunInside | null): Promise<Readonly<Record<Direction, number>>> {
    return this.#enqueue(async () => {
      if (run) await this.#read(run);
      return { in: this.#past.in + this.#current.in, out: this.#past.out + this.#current.out };
    });
  }

  set(run: RunInside, parties: Readonly<Record<Direction, ReadonlySet<Party>>>): Promise<void> {
    return this.#enqueue(async () => {
      const before = await this.#read(run);
      const wanted = { in: this.#addresses(parties.in), out: this.#addresses(parties.out) };
      if (same(before, wanted)) return;
      const script = this.#script(before, wanted);
      const change = () => run(replaceRules, script);
      const argv = [...replaceRules, script];
      if (wanted.in.size + wanted.out.size > 0) await this.#guard.disturb(this.#node, argv, change);
      else await this.#guard.mend(this.#node, argv, change);
      this.renewed();
      const after = await this.#read(run);
      if (!same(after, wanted)) {
        throw new Error(`the rules ${this.#tag} were to be ${text(wanted)}, but are ${text(after)}`);
      }
    });
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

  /** What is in force, by address, and notes what it has counted. `null`: not even the chain is there. */
  async #read(run: RunInside): Promise<Found> {
    const lines = (await run(['iptables-save', '-c', '-t', 'filter'])).split('\n');
    const found: { in: Set<string> | null; out: Set<string> | null } = { in: null, out: null };
    for (const direction of ['in', 'out'] as const) {
      const chain = this.#chain(direction);
      const jumps = lines.some((line) => line.endsWith(`-j ${chain}`));
      if (!jumps) continue;
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

type Rules = Readonly<Record<Direction, ReadonlySet<string>>>;
type Found = Readonly<Record<Direction, ReadonlySet<string> | null>>;

const text = (rules: Found): string =>
  JSON.stringify({ in: [...(rules.in ?? [])].sort(), out: [...(rules.out ?? [])].sort() });

const same = (found: Found, wanted: Rules): boolean =>
  text(found) === text(wanted) &&
  (found.in !== null) === wanted.in.size > 0 &&
  (found.out !== null) === wanted.out.size > 0;
