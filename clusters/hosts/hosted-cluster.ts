/**
 * A running cluster on a lab. Changes go through one queue; each notes under its hold what is wanted, then makes every
 * touched party agree with the union of all holds, by what its state is seen to be, not by what it was thought to be. So
 * releases can come in any order, again, or after a change that failed half-way. What can be changed: `controls/`.
 */

import { mkdir } from 'node:fs/promises';
import { type Clock, deadline } from '../../rig/clock.ts';
import type {
  ApiName,
  Client,
  ControlName,
  Controls,
  Evidence,
  Link,
  NodeId,
  Party,
  RunningCluster,
  Sight,
  Subjects,
} from '../../rig/contract.ts';
import type { Change, Control } from './controls/control.ts';
import { controlsOn, type ControlSet } from './controls/index.ts';
import type { Lab, ProcessState, Program } from './host.ts';
import type { Deployment, SystemDefinition } from './hosted.ts';
import { allSettled, messageOf, STEP_MS, Steps } from './steps.ts';

const probeMs = 3_000;
const disposeMs = 60_000;

/** A change in the queue, of these parties. */
interface Turn {
  readonly parties: Set<Party>;
  readonly done: Promise<void>;
}

export class HostedCluster implements RunningCluster {
  readonly nodes: readonly NodeId[];
  readonly parties: readonly Party[];
  readonly links: readonly Link[] | undefined;
  readonly subjects: Subjects | undefined;
  readonly spares: readonly NodeId[];
  /** Nodes and supporting nodes, in the order they are started. */
  readonly members: readonly NodeId[];
  facts: Readonly<Record<string, string>>;
  readonly #system: SystemDefinition;
  readonly #deployment: Deployment;
  readonly #lab: Lab;
  readonly #clock: Clock;
  readonly #steps: Steps;
  /** Aborts when the lease under which faults are in force is lost; see `guard.ts`. */
  readonly lost: AbortSignal;
  readonly #controls: ControlSet;
  readonly #needed: ReadonlySet<ControlName>;
  readonly #released = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();
  /** By control: the turn that has not yet come. */
  readonly #waiting = new Map<Control, Turn>();
  #disposed: Promise<void> | null = null;

  constructor(
    system: SystemDefinition,
    deployment: Deployment,
    parties: readonly Party[],
    links: readonly Link[] | undefined,
    clock: Clock,
  ) {
    const { lab, nodes, supporting, host, spares, runId, needed } = deployment;
    this.#needed = needed;
    this.nodes = nodes;
    this.parties = parties;
    this.links = links;
    this.spares = spares;
    this.members = [...supporting, ...nodes];
    this.facts = { host, ...lab.facts };
    this.#system = system;
    this.#deployment = deployment;
    this.#lab = lab;
    this.#clock = clock;
    this.#steps = new Steps(clock);
    const program = (node: NodeId) => this.#program(node);
    this.subjects = system.subjects?.({ nodes, supporting }, host);
    const subjects = (control: ControlName) => this.subjects?.[control] ?? nodes;
    const { members } = this;
    const revive = (node: NodeId) => this.#revive(node);
    const bench = { lab, clock, runId, host, needed, steps: this.#steps, members, parties, subjects, program, revive };
    const serves = (node: NodeId, signal: AbortSignal) => this.#serves(node, signal);
    const membership = system.membership ? { ...system.membership(deployment), serves } : null;
    const upgraded = (node: NodeId) => system.upgraded?.(node, deployment) ?? null;
    const means = { drills: system.drills?.(host) ?? {}, membership, upgrades: { upgraded, serves } };
    this.#controls = controlsOn(bench, deployment, means);
    this.lost = lab.guard.lost;
    const letGo = () => {
      for (const control of this.#all) control.wishes.releaseAll();
    };
    this.lost.addEventListener('abort', letGo, { once: true });
  }

  get #all(): readonly Control[] {
    const { membership, others, processes } = this.#controls;
    return [...others, ...((membership ? [membership] : []) as readonly Control[]), processes as Control];
  }

  /** Starts these nodes and waits until all of them serve. */
  async start(nodes: readonly NodeId[], signal: AbortSignal): Promise<void> {
    const needed = this.#all.filter(({ name }) => this.#needed.has(name));
    for (const control of needed)
      await allSettled(
        nodes.map((node) => this.#steps.step(`prepare ${node}`, control.prepare?.(node) ?? Promise.resolve())),
      );
    await allSettled(
      nodes.map((node) => this.#steps.step(`start ${node}`, this.#lab.start(node, this.#program(node)))),
    );
    await this.#allServe(nodes, signal);
    for (const control of needed) await allSettled(nodes.map(async (node) => control.started?.(node)));
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

  async observe(state: string, node: NodeId | null, signal: AbortSignal): Promise<Sight> {
    const known = this.#system.states?.[state];
    if (!known) throw new RangeError(`${this.#system.name} does not tell of the state ${state}`);
    return known.see(this.#deployment, node, signal);
  }

  controls(hold: string): Partial<Controls> {
    const changeBy =
      (control: Control): Change =>
      (parties, note) =>
        this.#change(control, hold, parties, note);
    return Object.fromEntries(
      this.#all
        .filter(({ name }) => this.#system.controls.includes(name))
        .map((control) => [control.name, control.levers(hold, changeBy(control))]),
    );
  }

  async inspect(hold: string): Promise<Evidence> {
    const look = (controls: readonly Control[]) => Promise.all(controls.map((control) => control.evidence(hold)));
    const meanwhile = this.#all.filter(({ looksMeanwhile }) => looksMeanwhile);
    const inTurn = this.#all.filter((control) => !meanwhile.includes(control));
    const evidence = await Promise.all([this.#enqueue(() => look(inTurn)), look(meanwhile)]);
    const found = evidence.flat().filter((one) => one !== null);
    return {
      effective: found.some(({ effective }) => effective),
      observed: found.map(({ observed }) => observed).join('; ') || 'nothing was changed',
    };
  }

  async release(hold: string): Promise<void> {
    // Other changes go on meanwhile, and what fails here is tried again below.
    for (const control of this.#all)
      await control
        .unwind?.(hold, (parties) => this.#enqueue(() => this.#agree([{ control, parties }])))
        .catch(() => {});
    await this.#enqueue(async () => {
      const isFirst = !this.#released.has(hold);
      this.#released.add(hold);
      const touched = this.#all.map((control) => ({ control, parties: control.wishes.release(hold) }));
      for (const { control, parties } of isFirst ? touched : [])
        if (control.mayEndNodes) for (const node of parties) await this.#controls.processes.mourn(node);
      await this.#agree(touched);
      await allSettled(this.#all.map(async (control) => control.settle?.(hold)));
    });
    // What one hold waits for, another may have to let go.
    await allSettled(this.#all.map(async (control) => control.conclude?.(hold)));
    this.#lab.guard.letGo(hold);
  }

  async recovered(signal: AbortSignal): Promise<void> {
    await this.#allServe(this.members, signal);
  }

  async collect(directory: string): Promise<void> {
    await mkdir(directory, { recursive: true });
    await this.#steps.step('collect the logs', this.#lab.collect(directory));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#takeDown();
    return this.#disposed;
  }

  async #takeDown(): Promise<void> {
    // A change that is under way might start something after all has been removed.
    await this.#steps.within(STEP_MS, 'finish a change', this.#queue).catch(() => {});
    await Promise.all(this.#all.map(async (control) => control.close?.()));
    await this.#steps.within(disposeMs, `take down ${this.#system.name}`, this.#lab[Symbol.asyncDispose]());
  }

  // ── Changes ────────────────────────────────────────────────────────────────────────────────────────────

  async #change(control: Control, hold: string, parties: readonly Party[], note: () => void): Promise<void> {
    this.#mustBeHeld(hold);
    note();
    this.#lab.guard.hold(hold, control.isBeyondUndo === true);
    const waiting = this.#waiting.get(control);
    // What is noted before its turn has come is done in the same turn, for all parties at once.
    if (waiting) for (const party of parties) waiting.parties.add(party);
    const turn = waiting ?? this.#turnOf(control, parties);
    await turn.done;
    this.#mustBeHeld(hold);
  }

  #turnOf(control: Control, parties: readonly Party[]): Turn {
    const asked = new Set(parties);
    const done = this.#enqueue(() => {
      this.#waiting.delete(control);
      return this.#agree([{ control, parties: asked }]);
    });
    const turn = { parties: asked, done };
    this.#waiting.set(control, turn);
    return turn;
  }

  /** A change that comes after its hold was let go would never be undone. */
  #mustBeHeld(hold: string): void {
    this.#lab.guard.mustHold();
    if (this.#released.has(hold))
      throw new Error(`the hold ${hold} is already released; nothing more is changed under it`);
    if (this.#disposed) throw new Error(`${this.#system.name} is being taken down; nothing more is changed`);
  }

  #revive(node: NodeId): Promise<void> {
    return this.#enqueue(async () => {
      await this.#controls.processes.revive(node);
      await this.#agreeNode(node);
    });
  }

  #enqueue<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(() => {
      if (this.#disposed) throw new Error(`${this.#system.name} is being taken down`);
      return change();
    });
    this.#queue = result.catch(() => {});
    return result;
  }

  /**
   * Makes these parties be as all holds together want them, in so far as these controls have to do with it; tries all of
   * them whatever happens to one.
   */
  async #agree(changed: readonly { readonly control: Control; readonly parties: ReadonlySet<Party> }[]): Promise<void> {
    const [apart, together] = [
      changed.filter(({ control }) => control.isApart),
      changed.filter(({ control }) => !control.isApart),
    ];
    const nodes = new Set(together.flatMap(({ parties }) => [...parties]));
    await allSettled([
      ...[...nodes].map((party) =>
        this.members.includes(party) || this.spares.includes(party) ? this.#agreeNode(party) : this.#agreeOthers(party),
      ),
      ...apart.flatMap(({ control, parties }) =>
        [...parties].filter((party) => !nodes.has(party)).map((party) => control.agree(party)),
      ),
    ]);
  }

  async #agreeNode(node: NodeId): Promise<void> {
    const { membership, processes } = this.#controls;
    const wanted = this.#wantedDown(node);
    const isDown = await processes.takeDown(node, wanted);
    // Before a start for what outlives the process, and after it for what a new process, or a new network, needs anew.
    await this.#agreeOthers(node);
    // Some want it down only for a moment.
    const now = this.#wantedDown(node);
    const staysDown = isDown && (now === wanted || (await processes.takeDown(node, now)));
    if (staysDown || (membership && !(await membership.admits(node)))) return;
    if (await processes.letUp(node)) await this.#agreeOthers(node);
    await processes.agree(node);
  }

  /** How it is to end for what other controls do to a node that is down. */
  #wantedDown(node: NodeId): 'killed' | 'ended' | null {
    const ways = this.#controls.others.map((control) => control.wantsDown?.(node) ?? null);
    return ways.includes('killed') ? 'killed' : ways.includes('ended') ? 'ended' : null;
  }

  async #agreeOthers(party: Party): Promise<void> {
    await allSettled(this.#controls.others.map((control) => control.agree(party)));
  }

  // ── Waiting ────────────────────────────────────────────────────────────────────────────────────────────

  /** What to run on that node, as every control needs it to be started. */
  #program(node: NodeId): Program {
    const plain = this.#system.program(node, this.#deployment);
    return this.#all.reduce((program, control) => control.dress?.(node, program) ?? program, plain);
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
        return await this.#steps.within(
          2 * probeMs,
          `ask ${node}`,
          this.#system.ready(node, this.#deployment, probe.signal),
        );
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

  #state(node: NodeId): Promise<ProcessState> {
    return this.#steps.step(`look at ${node}`, this.#lab.state(node));
  }
}
