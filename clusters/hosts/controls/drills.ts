/**
 * The control `drills`: troubles of the system's own parts that only the system can make. How each is made is the
 * system's business, and what it leaves in force if the rig dies ends by itself; here is who wants it, and that it ends.
 */

import { deadline } from '../../../rig/clock.ts';
import type { Drill, DrillControl, DrillName, Evidence, NodeId, Party } from '../../../rig/contract.ts';
import type { Deployment } from '../hosted.ts';
import { type Bench, type Change, type Control, mustBeOneOf } from './control.ts';
import type { Network } from './network.ts';
import type { Processes } from './processes.ts';
import { Wishes } from './wishes.ts';

/** Less than the rig waits for an injection, with time for the last step that was begun. */
const BEGIN_MS = 15_000;
/** Less than the rig waits for a release. */
const END_MS = 28_000;

/** Makes a drill that has not begun; asked once for each that is wanted. */
export type DrillMaker = (drill: Drill, levers: DrillLevers) => RunningDrill;

export interface RunningDrill {
  /** Resolves once it was seen to be in force. */
  begin(signal: AbortSignal): Promise<void>;
  /** What it has done so far. Never rejects. */
  seen(): Promise<Evidence>;
  /** Takes it back; any number of times, also when it had begun in part. Resolves once it was seen to be gone. */
  end(signal: AbortSignal): Promise<void>;
}

/** What a drill may use: the deployment, and changes under its own hold, which are undone before its `end` is called. */
export interface DrillLevers {
  readonly deployment: Deployment;
  kill(members: readonly NodeId[]): Promise<void>;
  drop(from: readonly Party[], to: readonly Party[]): Promise<void>;
  /** Starts a node again that has ended by itself, unless somebody's hold wants it down. */
  start(node: NodeId): Promise<void>;
}

export type DrillMakers = Readonly<Partial<Record<DrillName, DrillMaker>>>;

export class Drills implements Control<'drills'> {
  readonly name = 'drills';
  readonly looksMeanwhile = true;
  /** None: where they are to end without their rig, they do so by themselves. */
  readonly wishes = new Wishes<never>();
  readonly #bench: Bench;
  readonly #makers: DrillMakers;
  readonly #deployment: Deployment;
  readonly #processes: Processes;
  readonly #network: Network;
  /** By hold, in the order in which they were begun, until they have ended. */
  readonly #begun = new Map<string, RunningDrill[]>();
  /** By hold: the nodes that its drills are for. */
  readonly #struck = new Map<string, Set<NodeId>>();
  /** The last that was seen of each hold, or the last that had an effect. */
  readonly #seen = new Map<string, Evidence>();

  constructor(bench: Bench, makers: DrillMakers, deployment: Deployment, processes: Processes, network: Network) {
    this.#bench = bench;
    this.#makers = makers;
    this.#deployment = deployment;
    this.#processes = processes;
    this.#network = network;
    processes.mayHaveEnded = (node) => this.#strikes(node);
  }

  /** Whether a drill is in force for this node; what it has done so far is noted. */
  async #strikes(node: NodeId): Promise<boolean> {
    const holds = [...this.#begun.keys()].filter((hold) => this.#struck.get(hold)?.has(node));
    for (const hold of holds) await this.evidence(hold);
    return holds.length > 0;
  }

  levers(hold: string, change: Change): DrillControl {
    return { begin: (drill) => this.#begin(hold, drill, change) };
  }

  async #begin(hold: string, drill: Drill, change: Change): Promise<void> {
    for (const node of drill.nodes) mustBeOneOf(node, this.#deployment.nodes, 'drilled');
    const maker = this.#makers[drill.name];
    if (!maker)
      throw new RangeError(
        `there is no drill ${drill.name} here; there are ${Object.keys(this.#makers).join(', ') || 'none'}`,
      );
    const running = maker(drill, {
      deployment: this.#deployment,
      kill: (members) => this.#processes.levers(hold, change).kill(members),
      drop: (from, to) => this.#network.levers(hold, change).drop(from, to),
      start: (node) => this.#bench.revive(node),
    });
    await change([], () => this.#begun.set(hold, [...(this.#begun.get(hold) ?? []), running]));
    this.#struck.set(hold, new Set([...(this.#struck.get(hold) ?? []), ...drill.nodes]));
    const limit = deadline(this.#bench.clock, BEGIN_MS);
    try {
      await running.begin(limit.signal);
    } finally {
      limit.cancel();
    }
  }

  async agree(): Promise<void> {
    // What a drill changes at nodes, it changes by other controls.
  }

  /** The last first. What could not be ended stays begun, for another try. */
  async conclude(hold: string): Promise<void> {
    const drills = this.#begun.get(hold);
    if (!drills) return;
    await this.evidence(hold);
    const limit = deadline(this.#bench.clock, END_MS);
    try {
      for (const drill of [...drills].reverse()) await drill.end(limit.signal);
    } finally {
      limit.cancel();
    }
    this.#begun.delete(hold);
  }

  async evidence(hold: string): Promise<Evidence | null> {
    for (const drill of this.#begun.get(hold) ?? []) {
      const evidence = await drill.seen();
      if (evidence.effective || !this.#seen.get(hold)?.effective) this.#seen.set(hold, evidence);
    }
    return this.#seen.get(hold) ?? null;
  }
}
