/**
 * A running cluster on a lab. Changes go through one queue; each records what is wanted under its hold, then makes
 * every touched node agree with the union of all holds, by what the node's state is seen to be, not by what it was
 * thought to be. So releases can come in any order, again, or after a change that failed half-way.
 */

import { mkdir } from 'node:fs/promises';
import { type Clock, deadline } from '../../rig/clock.ts';
import type { ApiName, Client, Controls, Evidence, Link, NodeId, Party, RunningCluster } from '../../rig/contract.ts';
import { type Hold, Holds } from './holds.ts';
import type { Lab, ProcessState } from './host.ts';
import type { Deployment, SystemDefinition } from './hosted.ts';

/** No single step on a host takes longer, or it counts as failed. */
const stepMs = 30_000;
const seenMs = 10_000;
const probeMs = 3_000;
const disposeMs = 60_000;

export class HostedCluster implements RunningCluster {
  readonly nodes: readonly NodeId[];
  readonly parties: readonly Party[];
  readonly links: readonly Link[] | undefined;
  /** Nodes and supporting nodes, in the order they are started. */
  readonly members: readonly NodeId[];
  facts: Readonly<Record<string, string>>;
  readonly #system: SystemDefinition;
  readonly #deployment: Deployment;
  readonly #lab: Lab;
  readonly #clock: Clock;
  /** Aborts when the lease under which faults are in force is lost; see `guard.ts`. */
  readonly lost: AbortSignal;
  readonly #holds = new Holds();
  /** Nodes killed under some hold and not started again since. */
  readonly #downed = new Set<NodeId>();
  #queue: Promise<unknown> = Promise.resolve();
  #disposed: Promise<void> | null = null;

  constructor(
    system: SystemDefinition,
    deployment: Deployment,
    parties: readonly Party[],
    links: readonly Link[] | undefined,
    clock: Clock,
  ) {
    this.nodes = deployment.nodes;
    this.parties = parties;
    this.links = links;
    this.members = [...deployment.supporting, ...deployment.nodes];
    this.facts = { host: deployment.host, ...deployment.lab.facts };
    this.#system = system;
    this.#deployment = deployment;
    this.#lab = deployment.lab;
    this.#clock = clock;
    this.lost = deployment.lab.guard.lost;
    const letGo = () => {
      this.#holds.releaseAll();
      void deployment.traffic?.releaseAll();
    };
    this.lost.addEventListener('abort', letGo, { once: true });
  }

  /** Starts these nodes and waits until all of them serve. */
  async start(nodes: readonly NodeId[], signal: AbortSignal): Promise<void> {
    await allSettled(nodes.map((node) => this.#step(`start ${node}`, this.#lab.start(node, this.#program(node)))));
    await this.#allServe(nodes, signal);
  }

  async learnFacts(signal: AbortSignal): Promise<void> {
    const learnt = await this.#system.facts?.(this.#deployment, signal);
    this.facts = { ...this.facts, ...learnt };
  }

  async connect<A extends ApiName>(api: A, node: NodeId): Promise<Client<A>> {
    const connect = this.#system.apis[api] as ((node: NodeId, to: Deployment) => Promise<Client<A>>) | undefined;
    if (!connect) {
      const known = Object.keys(this.#system.apis).join(', ');
      throw new RangeError(`${this.#system.name} does not offer the API ${api}; it offers ${known}`);
    }
    return connect(node, this.#deployment);
  }

  async primaries(signal: AbortSignal): Promise<readonly NodeId[]> {
    try {
      return await this.#system.primaries(this.#deployment, signal);
    } catch {
      return [];
    }
  }

  controls(name: string): Partial<Controls> {
    const hold = this.#holds.named(name);
    const { traffic } = this.#deployment;
    const all: Partial<Controls> = {
      network: { drop: (from, to) => this.#drop(hold, from, to) },
      processes: {
        kill: (nodes) => this.#halt(hold, 'killed', nodes),
        pause: (nodes) => this.#halt(hold, 'paused', nodes),
      },
      ...(traffic && {
        traffic: {
          apply: async (rule) => {
            this.#mustBeHeld(hold);
            traffic.apply(name, rule);
          },
        },
      }),
    };
    return Object.fromEntries(this.#system.controls.map((control) => [control, all[control]]));
  }

  inspect(name: string): Promise<Evidence> {
    const hold = this.#holds.named(name);
    return this.#enqueue(async () => {
      if (!hold.released) await this.#count(hold);
      return this.#deployment.traffic?.evidence(name) ?? hold.evidence();
    });
  }

  release(name: string): Promise<void> {
    const hold = this.#holds.named(name);
    return this.#enqueue(async () => {
      const isFirst = !hold.released;
      hold.released = true;
      await this.#agree(hold.touched());
      // What rules had counted is known when they have been taken back.
      if (isFirst) await this.#count(hold).catch(() => {});
      await this.#deployment.traffic?.release(name);
      this.#lab.guard.letGo(hold.name);
    });
  }

  async recovered(signal: AbortSignal): Promise<void> {
    await this.#allServe(this.members, signal);
  }

  async collect(directory: string): Promise<void> {
    await mkdir(directory, { recursive: true });
    await this.#step('collect the logs', this.#lab.collect(directory));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#takeDown();
    return this.#disposed;
  }

  async #takeDown(): Promise<void> {
    // A change that is under way might start something after all has been removed.
    await this.#within(stepMs, 'finish a change', this.#queue).catch(() => {});
    await this.#deployment.traffic?.close();
    await this.#within(disposeMs, `take down ${this.#system.name}`, this.#lab[Symbol.asyncDispose]());
  }

  // ── Changes ────────────────────────────────────────────────────────────────────────────────────────────

  async #drop(hold: Hold, from: readonly Party[], to: readonly Party[]): Promise<void> {
    for (const party of [...from, ...to]) mustBeOneOf(party, this.parties, 'cut off');
    this.#mustBeHeld(hold);
    this.#lab.guard.hold(hold.name);
    for (const listener of to) {
      const senders = hold.deafTo.get(listener) ?? new Set();
      for (const sender of from) if (sender !== listener) senders.add(sender);
      hold.deafTo.set(listener, senders);
    }
    await this.#enqueue(async () => {
      const untouched = to.filter((listener) => !hold.unheardBefore.has(listener));
      const count = async (listener: Party) =>
        void hold.unheardBefore.set(listener, await this.#step(`count at ${listener}`, this.#lab.unheard(listener)));
      await allSettled(untouched.map(count));
      await this.#agree(new Set(to));
      this.#mustBeHeld(hold);
    });
  }

  async #halt(hold: Hold, how: 'killed' | 'paused', nodes: readonly NodeId[]): Promise<void> {
    for (const node of nodes) mustBeOneOf(node, this.members, how);
    this.#mustBeHeld(hold);
    for (const node of nodes) hold[how].add(node);
    this.#lab.guard.hold(hold.name);
    await this.#enqueue(async () => {
      await this.#agree(new Set(nodes));
      this.#mustBeHeld(hold);
      for (const node of nodes) {
        // What another hold has killed is paused as soon as that one lets it go.
        if (!hold.seen.has(node) && !this.#downed.has(node)) throw new Error(`${node} has ended, it cannot be ${how}`);
      }
    });
  }

  /** A change that comes after its hold was let go would never be undone. */
  #mustBeHeld(hold: Hold): void {
    this.#lab.guard.mustHold();
    if (hold.released) throw new Error(`the hold ${hold.name} is already released; nothing more is changed under it`);
    if (this.#disposed) throw new Error(`${this.#system.name} is being taken down; nothing more is changed`);
  }

  #enqueue<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(() => {
      if (this.#disposed) throw new Error(`${this.#system.name} is being taken down`);
      return change();
    });
    this.#queue = result.catch(() => {});
    return result;
  }

  async #count(hold: Hold): Promise<void> {
    const count = async (listener: Party) =>
      void hold.unheardSince.set(listener, await this.#step(`count at ${listener}`, this.#lab.unheard(listener)));
    await allSettled([...hold.unheardBefore.keys()].map(count));
  }

  /** Makes these parties be as all holds together want them; tries all of them whatever happens to one. */
  async #agree(parties: ReadonlySet<Party>): Promise<void> {
    await allSettled(
      [...parties].map((party) => (this.members.includes(party) ? this.#agreeNode(party) : this.#deafen(party))),
    );
  }

  async #agreeNode(node: NodeId): Promise<void> {
    const wanted = this.#holds.wanted(node).process;
    if (wanted === 'gone') {
      this.#downed.add(node);
      await this.#step(`kill ${node}`, this.#lab.signal(node, 'SIGKILL'));
      this.#holds.saw(node, await this.#see(node, 'gone', (state) => state === 'gone'));
      return;
    }
    // Before a start for hosts whose nodes keep their network, and after it for those whose nodes get a new one.
    await this.#deafen(node);
    if (this.#downed.has(node)) {
      // Without a lease nothing is started that might then stay.
      if (!this.lost.aborted && (await this.#state(node)) === 'gone') {
        await this.#step(`start ${node} again`, this.#lab.start(node, this.#program(node)));
        await this.#deafen(node);
      }
      this.#downed.delete(node);
    }
    if (wanted === 'stopped') {
      const pause = () => this.#step(`pause ${node}`, this.#lab.signal(node, 'SIGSTOP'));
      // What has ended by itself cannot be paused; whoever asked for it finds out.
      this.#holds.saw(node, await this.#see(node, 'stopped', (now) => now !== 'running', pause));
    } else {
      const resume = () => this.#step(`resume ${node}`, this.#lab.signal(node, 'SIGCONT'));
      await this.#see(node, 'running', (now) => now !== 'stopped', resume);
    }
  }

  async #deafen(listener: Party): Promise<void> {
    const senders = this.#holds.wanted(listener).deafTo;
    await this.#step(`change the network of ${listener}`, this.#lab.deafen(listener, senders));
  }

  #state(node: NodeId): Promise<ProcessState> {
    return this.#step(`look at ${node}`, this.#lab.state(node));
  }

  /** Until it is so, `act` is done again and again: an engine that is busy may not do what it was asked for. */
  async #see(
    node: NodeId,
    wanted: ProcessState,
    holds: (state: ProcessState) => boolean,
    act: () => Promise<void> = async () => {},
  ): Promise<ProcessState> {
    const limit = this.#clock.nowNs() + seenMs * 1e6;
    for (let waitMs = 5; ; waitMs = Math.min(2 * waitMs, 200)) {
      const state = await this.#state(node);
      if (holds(state)) return state;
      if (this.#clock.nowNs() > limit) {
        throw new Error(`${node} was to be ${wanted}, but ${seenMs / 1000} s later it is still ${state}`);
      }
      await act();
      await this.#clock.sleep(waitMs);
    }
  }

  // ── Waiting ────────────────────────────────────────────────────────────────────────────────────────────

  #program(node: NodeId) {
    return this.#system.program(node, this.#deployment);
  }

  async #allServe(nodes: readonly NodeId[], signal: AbortSignal): Promise<void> {
    await allSettled(nodes.map((node) => this.#serves(node, signal)));
  }

  async #serves(node: NodeId, signal: AbortSignal): Promise<void> {
    const beganNs = this.#clock.nowNs();
    let reason = 'it was not asked';
    for (let waitMs = 50; !signal.aborted; waitMs = Math.min(1.5 * waitMs, 1000)) {
      const probe = deadline(this.#clock, probeMs, signal);
      try {
        return await this.#within(2 * probeMs, `ask ${node}`, this.#system.ready(node, this.#deployment, probe.signal));
      } catch (error) {
        reason = messageOf(error);
      } finally {
        probe.cancel();
      }
      if ((await this.#state(node)) === 'gone') throw new Error(`${node} does not serve: its process has ended`);
      await this.#clock.sleep(waitMs, signal);
    }
    const waited = ((this.#clock.nowNs() - beganNs) / 1e9).toFixed(1);
    throw new Error(`${node} does not serve after ${waited} s: ${reason}`);
  }

  #step<T>(what: string, step: Promise<T>): Promise<T> {
    return this.#within(stepMs, what, step);
  }

  /** A host that hangs must not hang the rig. */
  async #within<T>(ms: number, what: string, step: PromiseLike<T>): Promise<T> {
    let disarm = () => {};
    const late = new Promise<never>((_, reject) => {
      disarm = this.#clock.after(ms, () => reject(new Error(`could not ${what} within ${ms / 1000} s`)));
    });
    try {
      return await Promise.race([step, late]);
    } finally {
      disarm();
    }
  }
}

function mustBeOneOf(name: string, known: readonly string[], done: string): void {
  if (!known.includes(name)) throw new RangeError(`${name} cannot be ${done} here; these can: ${known.join(', ')}`);
}

/** Waits for all of them, so that none is still at work when it rejects with every reason. */
async function allSettled(steps: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(steps);
  const reasons = results.flatMap((result) => (result.status === 'rejected' ? [messageOf(result.reason)] : []));
  if (reasons.length > 0) throw new Error(reasons.join('; '));
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
