/**
 * A replicated store inside this process: registers and a ledger on simulated nodes, which fail, pause and lose
 * each other as real ones do. It comes up in no time, the seed decides everything that happens in it, and it can be
 * run with a known bug: the rig's own test bench.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  ApiName,
  Client,
  ClusterOptions,
  Controls,
  Evidence,
  Json,
  NetworkControl,
  NodeId,
  Party,
  RunningCluster,
  Sight,
} from '../../rig/contract.ts';
import { defineCluster, RequestError } from '../../rig/define.ts';
import type { Random } from '../../rig/random.ts';
import { type Ask, kvClient, ledgerClient, txnClient } from './clients.ts';
import { feedClient } from './feed.ts';
import { Holds } from './holds.ts';
import { lockClient } from './locks.ts';
import type { Command } from './machine.ts';
import { Network } from './network.ts';
import { type Bug, type Message, Replica, type Reply } from './replica.ts';
import { serviceClient } from './service.ts';

const bugs: Readonly<Record<Bug, string>> = {
  'double-apply': 'A command that is sent again is applied again.',
  'forgets-on-restart':
    'Nodes answer for what is not on disk yet, and forget it when they are killed: most of them at once, --beyond-quorum.',
  'half-done': 'Transactions run one micro-operation after the other, and others see them half done.',
  'lost-reply': 'A command that nobody answered in time is refused for certain, though it may have been applied.',
  'lost-update': 'The leader acknowledges what it alone has.',
  'skips-missed': 'A node that missed much while it was cut off never applies it, and answers from what it has.',
  'split-brain': 'A leader counts a majority of the nodes that it still hears, be it alone.',
  'stale-read': 'A node that cannot reach the leader answers reads from its own copy.',
  'write-skew':
    'A transaction commits though what it read has changed, if nobody wrote what it writes: snapshot isolation.',
};

/** A node that lacks so many entries is far behind: a second or so of the usual load. */
const FAR = 200;

export const memory = defineCluster({
  name: 'memory',
  summary: 'A simulated replicated store with a ledger, in this process and in virtual time.',
  apis: ['feed', 'kv', 'ledger', 'lock', 'service', 'txn'],
  controls: ['network', 'processes'],
  lacks: async () => Object.fromEntries(lackingLevers.map((lever) => [`network.${lever}`, NOT_SIMULATED])),
  hosts: ['memory'],
  variants: bugs,
  states: {
    election: 'No node that is up leads.',
    'far-behind': `The node lacks ${FAR} entries of the log or more.`,
  },
  nodeCounts: { default: 5, allowed: [1, 3, 5, 7] },
  async up(options) {
    const cluster = new MemoryCluster(options);
    await cluster.recovered(options.signal);
    return cluster;
  },
});

const lackingLevers = [
  'reject',
  'dropNew',
  'limit',
  'reorder',
  'corrupt',
  'duplicate',
  'reset',
  'failNames',
] as const satisfies readonly (keyof NetworkControl)[];
type LackingLevers = Pick<NetworkControl, (typeof lackingLevers)[number]>;
const NOT_SIMULATED = 'the simulation knows messages alone, and neither packets, connections nor names';

function refuse(lever: string): never {
  throw new Error(`network.${lever} is not to be had on memory: ${NOT_SIMULATED}`);
}

const TICK_MS = 10;
/** How often a client loses its connection, before the request arrives and before the answer does. */
const LOSS = 0.005;
const LOOP_DOWN_MS = 300;

class MemoryCluster implements RunningCluster {
  readonly nodes: readonly NodeId[];
  readonly parties: readonly Party[];
  readonly facts: Readonly<Record<string, string>>;
  readonly #options: ClusterOptions;
  readonly #bug: Bug | null;
  readonly #network: Network;
  readonly #holds: Holds;
  readonly #replicas: ReadonlyMap<NodeId, Replica>;
  readonly #dead = new Set<NodeId>();
  /** What arrived at each paused node: it waits in the buffers of the kernel. */
  readonly #backlog = new Map<NodeId, (() => void)[]>();
  readonly #losses: Random;
  /** hold → who comes back in which order when it is released. */
  readonly #comingBack = new Map<string, { readonly back: readonly NodeId[]; readonly gapMs: number }>();
  #requests = 0;
  #stopTicking = () => {};

  constructor(options: ClusterOptions) {
    const { clock, rng, nodeCount, variant } = options;
    this.#options = options;
    this.#bug = variant as Bug | null;
    this.nodes = Array.from({ length: nodeCount }, (_, number) => `n${number + 1}`);
    this.parties = [...this.nodes, 'clients'];
    this.facts = { store: 'simulated', bug: variant ?? 'none' };
    this.#losses = rng.fork('losses');
    this.#holds = new Holds(rng.fork('faults'));
    this.#network = new Network(clock, rng.fork('network'), this.#holds);
    this.#replicas = new Map(
      this.nodes.map((id) => {
        const send = (to: NodeId, message: Message) =>
          this.#network.send(id, to, () => this.#atNode(to, () => this.#replica(to).receive(id, message)));
        const peers = this.nodes.filter((node) => node !== id);
        return [id, new Replica({ id, peers, bug: this.#bug, clock, rng: rng.fork(id), send })];
      }),
    );
    this.#tick();
  }

  async connect<A extends ApiName>(api: A, node: NodeId): Promise<Client<A>> {
    this.#replica(node);
    const ask: Ask = (command, name, signal) => this.#ask(node, command, name, signal);
    const kv = kvClient(ask);
    const clients = {
      feed: feedClient(ask),
      kv,
      ledger: ledgerClient(ask),
      lock: lockClient(kv),
      service: serviceClient(ask),
      txn: txnClient(ask, this.#bug),
    };
    return clients[api] as unknown as Client<A>;
  }

  async primaries(): Promise<readonly NodeId[]> {
    return this.nodes.filter((node) => this.#replica(node).leads && !this.#dead.has(node));
  }

  async observe(state: string, node: NodeId | null): Promise<Sight> {
    if (state === 'election') {
      const leading = (await this.primaries()).filter((one) => !this.#backlog.has(one));
      return { holds: leading.length === 0, observed: `${leading.join(', ') || 'nobody'} leads` };
    }
    const longest = Math.max(...[...this.#replicas.values()].map(({ length }) => length));
    const { length } = this.#replica(node ?? '');
    return { holds: longest - length >= FAR, observed: `${node} has ${length} entries of ${longest}` };
  }

  controls(hold: string): Partial<Controls> {
    return {
      network: {
        ...(Object.fromEntries(
          lackingLevers.map((lever) => [lever, async () => refuse(lever)]),
        ) as unknown as LackingLevers),
        drop: async (from, to) => this.#holds.drop(hold, from, to),
        swizzle: (...parts) => this.#swizzle(hold, ...parts),
        lose: async (from, to, probability) => this.#holds.lose(hold, from, to, probability),
        delay: async (from, to, delay) => this.#holds.delay(hold, from, to, delay),
      },
      processes: {
        kill: async (nodes) => {
          for (const node of nodes) this.#holds.kill(hold, node);
          this.#settle();
        },
        terminate: async (nodes) => {
          for (const node of nodes) this.#holds.kill(hold, node);
          this.#settle();
        },
        loop: async (nodes, upMs) => this.#loop(hold, nodes, upMs),
        pause: async (nodes) => {
          for (const node of nodes) this.#holds.pause(hold, node);
          this.#settle();
        },
      },
    };
  }

  async inspect(hold: string): Promise<Evidence> {
    return this.#holds.evidence(hold);
  }

  async release(hold: string): Promise<void> {
    const { back, gapMs } = this.#comingBack.get(hold) ?? { back: [], gapMs: 0 };
    this.#comingBack.delete(hold);
    for (const [at, node] of back.entries()) {
      if (at > 0) await this.#options.clock.sleep(gapMs);
      this.#holds.rejoin(hold, node);
    }
    this.#holds.release(hold);
    this.#settle();
  }

  async recovered(signal: AbortSignal): Promise<void> {
    for (const node of this.nodes) {
      let error: unknown = 'nothing was heard';
      do {
        if (signal.aborted) throw new Error(`${node} does not serve: ${error}`);
        error = await this.#ask(node, { f: 'nothing' }, null, signal).then(
          () => null,
          (reason: unknown) => reason,
        );
        if (error) await this.#options.clock.sleep(TICK_MS, signal);
      } while (error);
    }
  }

  /** Synchronous, so that virtual time stands still meanwhile. */
  async collect(directory: string): Promise<void> {
    mkdirSync(directory, { recursive: true });
    for (const [node, replica] of this.#replicas) {
      writeFileSync(join(directory, `${node}.log`), `${JSON.stringify(replica.dump(), null, 2)}\n`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopTicking();
    this.#network.close();
  }

  async #swizzle(hold: string, ...[out, others, back, gapMs]: Parameters<NetworkControl['swizzle']>): Promise<void> {
    this.#comingBack.set(hold, { back, gapMs });
    for (const [at, node] of out.entries()) {
      if (at > 0) await this.#options.clock.sleep(gapMs);
      if (!this.#comingBack.has(hold)) return; // It was released meanwhile.
      this.#holds.drop(hold, [node], others);
      this.#holds.drop(hold, others, [node]);
    }
  }

  /** A client's request: over the network to the node, and the answer back. Either may be lost. */
  #ask(node: NodeId, command: Command, name: string | null, signal: AbortSignal): Promise<Json> {
    const request = ++this.#requests;
    return new Promise((resolve, reject) => {
      const abort = () => reject(new RequestError('timeout', 'no answer in time'));
      const finish = (reply: Reply) => {
        signal.removeEventListener('abort', abort);
        if ('value' in reply) resolve(reply.value);
        else if ('refused' in reply) reject(new RequestError(reply.refused, reply.detail));
        else reject(new RequestError(reply.unsure));
      };
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      const answer = (reply: Reply) =>
        this.#network.send(node, 'clients', () => finish(this.#isLost() ? { unsure: 'connection-reset' } : reply));
      this.#network.send('clients', node, () => {
        if (this.#dead.has(node)) return answer({ refused: 'connection-refused', detail: `${node} is down` });
        if (this.#isLost()) return answer({ unsure: 'connection-reset' });
        this.#atNode(node, () =>
          this.#replica(node).ask({ command, request, name: name ?? `request ${request}` }, answer),
        );
      });
    });
  }

  #isLost(): boolean {
    return this.#losses.chance(LOSS);
  }

  /** Does it now, when the node wakes up, or, if the process is gone by then, never. */
  #atNode(node: NodeId, act: () => void): void {
    if (this.#dead.has(node)) return;
    const backlog = this.#backlog.get(node);
    if (backlog) backlog.push(act);
    else act();
  }

  #loop(hold: string, nodes: readonly NodeId[], upMs: number): void {
    const turn = (isDown: boolean) => {
      if (this.#holds.isReleased(hold)) return;
      for (const node of nodes)
        if (isDown) this.#holds.kill(hold, node);
        else this.#holds.revive(hold, node);
      this.#settle();
      this.#options.clock.after(isDown ? LOOP_DOWN_MS : upMs, () => turn(!isDown));
    };
    turn(true);
  }

  /** Brings every process into the state that the holds leave it. */
  #settle(): void {
    for (const [node, replica] of this.#replicas) {
      const isKilled = this.#holds.isKilled(node);
      if (isKilled && !this.#dead.has(node)) {
        this.#dead.add(node);
        this.#backlog.delete(node);
        replica.kill();
      } else if (!isKilled && this.#dead.delete(node)) replica.start();
      if (isKilled) continue;
      if (this.#holds.isPaused(node)) {
        if (!this.#backlog.has(node)) this.#backlog.set(node, []);
        continue;
      }
      const backlog = this.#backlog.get(node) ?? [];
      this.#backlog.delete(node);
      for (const act of backlog) act();
    }
  }

  #tick(): void {
    this.#stopTicking = this.#options.clock.after(TICK_MS, () => {
      for (const [node, replica] of this.#replicas) {
        if (!this.#dead.has(node) && !this.#backlog.has(node)) replica.tick();
      }
      this.#tick();
    });
  }

  #replica(node: NodeId): Replica {
    const replica = this.#replicas.get(node);
    if (!replica) throw new RangeError(`no node is called "${node}"; there are ${this.nodes.join(', ')}`);
    return replica;
  }
}
