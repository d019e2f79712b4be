/** What is forbidden to the simulated nodes, hold by hold. What is in force is the union of all that is held. */

import type { Evidence, NodeId, Party } from '../../rig/contract.ts';

interface Held {
  readonly cuts: Set<string>;
  readonly killed: Set<NodeId>;
  readonly paused: Set<NodeId>;
  dropped: number;
  isReleased: boolean;
}

export class Holds {
  /** Kept after the release too, as evidence. */
  readonly #held = new Map<string, Held>();

  drop(hold: string, from: readonly Party[], to: readonly Party[]): void {
    for (const sender of from) for (const listener of to) this.#of(hold).cuts.add(link(sender, listener));
  }

  kill(hold: string, node: NodeId): void {
    this.#of(hold).killed.add(node);
  }

  pause(hold: string, node: NodeId): void {
    this.#of(hold).paused.add(node);
  }

  release(hold: string): void {
    const held = this.#held.get(hold);
    if (held) held.isReleased = true;
  }

  isKilled(node: NodeId): boolean {
    return this.#inForce().some(({ killed }) => killed.has(node));
  }

  isPaused(node: NodeId): boolean {
    return this.#inForce().some(({ paused }) => paused.has(node));
  }

  /** Whether a message may arrive; where it may not, every hold that forbids it counts it. */
  passes(from: Party, to: Party): boolean {
    const forbidding = this.#inForce().filter(({ cuts }) => cuts.has(link(from, to)));
    for (const held of forbidding) held.dropped++;
    return forbidding.length === 0;
  }

  evidence(hold: string): Evidence {
    const held = this.#held.get(hold);
    if (!held) return { effective: false, observed: 'nothing was done' };
    const { cuts, killed, paused, dropped } = held;
    const seen = [
      ...(cuts.size > 0 ? [`${dropped} messages dropped`] : []),
      ...(killed.size > 0 ? [`${[...killed].join(', ')} killed`] : []),
      ...(paused.size > 0 ? [`${[...paused].join(', ')} paused`] : []),
    ];
    return { effective: dropped > 0 || killed.size > 0 || paused.size > 0, observed: seen.join('; ') };
  }

  #of(hold: string): Held {
    let held = this.#held.get(hold);
    if (!held || held.isReleased) {
      held = { cuts: new Set(), killed: new Set(), paused: new Set(), dropped: 0, isReleased: false };
      this.#held.set(hold, held);
    }
    return held;
  }

  #inForce(): Held[] {
    return [...this.#held.values()].filter(({ isReleased }) => !isReleased);
  }
}

const link = (from: Party, to: Party): string => `${from}>${to}`;
