/**
 * What one kind of change to nodes must know how to do. Each is one file in this folder, put in force by `index.ts`, and
 * taken back without it by an `Undo` in `undo.ts`. Holds, their order, restarts and the lease are the cluster's business:
 * a control keeps what is wanted in `Wishes`, and is told when to make a party agree with them.
 */

import type { Clock } from '../../../rig/clock.ts';
import type { ControlName, Controls, Evidence, HostName, NodeId, Party } from '../../../rig/contract.ts';
import type { Lab, Program } from '../host.ts';
import type { Steps } from '../steps.ts';
import type { Wanted } from './wishes.ts';

export interface Control<C extends ControlName = ControlName> {
  readonly name: C;
  /** What a nemesis gets under that hold. Every lever changes something by `change` alone. */
  levers(hold: string, change: Change): Controls[C];
  /**
   * Makes this party be as all wishes that are not released say together: the whole state, found and compared rather than
   * remembered, in force and seen to be once it resolves. Without wishes it is as it was before the first. A node may
   * be down: then it is called again after the node was started.
   */
  agree(party: Party): Promise<void>;
  /** Before the rest is released at once: gives up, part after part, what has to go in some order, and lets the parties agree. */
  unwind?(hold: string, agree: (parties: ReadonlySet<Party>) => Promise<void>): Promise<void>;
  readonly wishes: Wanted;
  /** Does what is left to do once all parties of a hold that was released agree. Any number of times. */
  settle?(hold: string): Promise<void>;
  /** Waits for what takes its time to be over after that, while other changes go on. Any number of times. */
  conclude?(hold: string): Promise<void>;
  /** What has been seen of what that hold wants or wanted; `null` if it never wanted anything of this kind. */
  evidence(hold: string): Promise<Evidence | null>;
  /** To look takes its time, because the system itself is asked: changes go on meanwhile. */
  readonly looksMeanwhile?: true;
  /** Makes what the node needs before its first start, in a run that needs this control. Rejects, by name, where it cannot. */
  prepare?(node: NodeId): Promise<void>;
  /** Looks at the node after its first start, in a run that needs this control. Rejects, by name, if it is out of reach. */
  started?(node: NodeId): Promise<void>;
  /** Whether the node is to be down, for what can only be done to one that is: killed, or ended as it is asked to. */
  wantsDown?(node: NodeId): 'killed' | 'ended' | null;
  /** What it changes has nothing to do with whether nodes are up: it alone has to agree with a change of its own. */
  readonly isApart?: true;
  /** Only the system itself can change back what it changes: a watchdog takes the cluster down instead. */
  readonly isBeyondUndo?: true;
  /** Nodes may end of what it does. They are started again when it is released. */
  readonly mayEndNodes?: true;
  /** The program as it has to be started for this control to get hold of it later. */
  dress?(node: NodeId, program: Program): Program;
  close?(): Promise<void>;
}

/**
 * Notes wishes, then makes these parties agree, in turn with all other changes of the cluster. Rejects before anything
 * is noted if the hold was released or the lease is lost.
 */
export type Change = (parties: readonly Party[], note: () => void) => Promise<void>;

/** What controls work on. */
export interface Bench {
  readonly lab: Lab;
  readonly runId: string;
  readonly host: HostName;
  /** The controls that the run will need. */
  readonly needed: ReadonlySet<ControlName>;
  readonly clock: Clock;
  readonly steps: Steps;
  /** Every node, supporting ones too. */
  readonly members: readonly NodeId[];
  /** Between what the network can be cut. */
  readonly parties: readonly Party[];
  /** Whom that control can strike: every node, unless the system says otherwise. */
  subjects(control: ControlName): readonly NodeId[];
  /** What to run on that node, dressed by every control. */
  program(node: NodeId): Program;
  /** In turn with all other changes: a node that has ended by itself is started again, unless it is to be down. */
  revive(node: NodeId): Promise<void>;
}

/** @param otherwise what is said when nothing was seen. */
export const evidenceOf = (seen: readonly string[], otherwise: string): Evidence => ({
  effective: seen.length > 0,
  observed: seen.join('; ') || otherwise,
});

export function mustBeOneOf(name: string, known: readonly string[], done: string): void {
  if (!known.includes(name)) throw new RangeError(`${name} cannot be ${done} here; these can: ${known.join(', ')}`);
}
