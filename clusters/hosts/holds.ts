/**
 * Who wants what of a cluster: every change is recorded under a hold, and what is in force is the union of all
 * holds that are not released. Pure bookkeeping; `hosted.ts` carries it out. Killed beats paused beats running.
 */

import type { Evidence, NodeId, Party } from '../../rig/contract.ts';
import type { ProcessState } from './host.ts';

/** What all holds together want of one party. */
export interface Wanted {
  readonly process: ProcessState;
  readonly deafTo: ReadonlySet<Party>;
}

/** The changes under one name, and what was seen of them. */
export class Hold {
  readonly name: string;
  readonly killed = new Set<NodeId>();
  readonly paused = new Set<NodeId>();
  /** listener → the senders it must not hear. */
  readonly deafTo = new Map<Party, Set<Party>>();
  /** listener → packets unheard when this hold first touched it. */
  readonly unheardBefore = new Map<Party, number>();
  /** listener → packets unheard when this hold was last looked at. */
  readonly unheardSince = new Map<Party, number>();
  /** Nodes seen in the state that this hold put them into. */
  readonly seen = new Map<NodeId, ProcessState>();
  released = false;

  constructor(name: string) {
    this.name = name;
  }

  touched(): ReadonlySet<Party> {
    return new Set([...this.deafTo.keys(), ...this.killed, ...this.paused]);
  }

  evidence(): Evidence {
    const observed: string[] = [];
    let packets = 0;
    for (const [listener, before] of this.unheardBefore) {
      const count = Math.max(0, (this.unheardSince.get(listener) ?? before) - before);
      packets += count;
      if (count > 0) observed.push(`${count} packet${count === 1 ? '' : 's'} did not reach ${listener}`);
    }
    if (this.unheardBefore.size > 0 && packets === 0) observed.push('no packet was stopped');
    for (const [node, state] of this.seen) observed.push(`the process of ${node} was seen ${state}`);
    return {
      effective: packets > 0 || this.seen.size > 0,
      observed: observed.join('; ') || 'nothing was changed',
    };
  }
}

export class Holds {
  readonly #holds = new Map<string, Hold>();

  /** The hold of that name, empty if it is new. */
  named(name: string): Hold {
    const hold = this.#holds.get(name) ?? new Hold(name);
    this.#holds.set(name, hold);
    return hold;
  }

  /** Notes with every hold that wanted it that the node was seen in this state. */
  saw(node: NodeId, state: ProcessState): void {
    for (const hold of this.#inForce()) {
      const wanted = state === 'gone' ? hold.killed : hold.paused;
      if (state !== 'running' && wanted.has(node)) hold.seen.set(node, state);
    }
  }

  /** From now on nobody wants anything, and nothing more can be wanted under these names. */
  releaseAll(): void {
    for (const hold of this.#holds.values()) hold.released = true;
  }

  wanted(party: Party): Wanted {
    const inForce = this.#inForce();
    const killed = inForce.some((hold) => hold.killed.has(party));
    const paused = inForce.some((hold) => hold.paused.has(party));
    return {
      process: killed ? 'gone' : paused ? 'stopped' : 'running',
      deafTo: new Set(inForce.flatMap((hold) => [...(hold.deafTo.get(party) ?? [])])),
    };
  }

  #inForce(): readonly Hold[] {
    return [...this.#holds.values()].filter((hold) => !hold.released);
  }
}
