/** What is done to the simulated nodes, hold by hold. What is in force is the union of all that is held. */

import type { Delay, Evidence, NodeId, Party } from '../../rig/contract.ts';
import type { Random } from '../../rig/random.ts';

interface Held {
  readonly cuts: Set<string>;
  /** link → the probability that a message is lost. */
  readonly lossy: Map<string, number>;
  /** link → how much later a message arrives. */
  readonly slow: Map<string, Delay>;
  readonly killed: Set<NodeId>;
  readonly paused: Set<NodeId>;
  /** Those that were killed, and are not now. */
  readonly revived: Set<NodeId>;
  dropped: number;
  delayed: number;
  isReleased: boolean;
}

export class Holds {
  /** Kept after the release too, as evidence. */
  readonly #held = new Map<string, Held>();
  readonly #rng: Random;

  constructor(rng: Random) {
    this.#rng = rng;
  }

  drop(hold: string, from: readonly Party[], to: readonly Party[]): void {
    for (const sender of from) for (const listener of to) this.#of(hold).cuts.add(link(sender, listener));
  }

  /** Nothing more is cut between this node and others under that hold. */
  rejoin(hold: string, node: NodeId): void {
    const cuts = this.#held.get(hold)?.cuts;
    for (const cut of cuts ?? []) if (cut.split('>').includes(node)) cuts?.delete(cut);
  }

  lose(hold: string, from: readonly Party[], to: readonly Party[], probability: number): void {
    for (const sender of from) for (const listener of to) this.#of(hold).lossy.set(link(sender, listener), probability);
  }

  delay(hold: string, from: readonly Party[], to: readonly Party[], delay: Delay): void {
    for (const sender of from) for (const listener of to) this.#of(hold).slow.set(link(sender, listener), delay);
  }

  kill(hold: string, node: NodeId): void {
    this.#of(hold).killed.add(node);
  }

  /** A node that this hold has killed may run again for a while. */
  revive(hold: string, node: NodeId): void {
    this.#held.get(hold)?.revived.add(node);
    this.#held.get(hold)?.killed.delete(node);
  }

  isReleased(hold: string): boolean {
    return this.#held.get(hold)?.isReleased ?? false;
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
    return forbidding.length === 0 && !this.#isLost(from, to);
  }

  /** How much later than usual a message arrives, in milliseconds. */
  delayMs(from: Party, to: Party): number {
    let longestMs = 0;
    for (const held of this.#inForce()) {
      const delay = held.slow.get(link(from, to));
      if (!delay) continue;
      held.delayed++;
      longestMs = Math.max(longestMs, delay.ms + delay.jitterMs * (2 * this.#rng.float() - 1));
    }
    return longestMs;
  }

  evidence(hold: string): Evidence {
    const held = this.#held.get(hold);
    if (!held) return { effective: false, observed: 'nothing was done' };
    const { cuts, lossy, slow, paused, dropped, delayed } = held;
    const killed = new Set([...held.killed, ...held.revived]);
    const seen = [
      ...(cuts.size > 0 || lossy.size > 0 || dropped > 0 ? [`${dropped} messages dropped`] : []),
      ...(slow.size > 0 ? [`${delayed} messages delayed`] : []),
      ...(killed.size > 0 ? [`${[...killed].join(', ')} killed`] : []),
      ...(paused.size > 0 ? [`${[...paused].join(', ')} paused`] : []),
    ];
    return { effective: dropped > 0 || delayed > 0 || killed.size > 0 || paused.size > 0, observed: seen.join('; ') };
  }

  #isLost(from: Party, to: Party): boolean {
    for (const held of this.#inForce()) {
      const probability = held.lossy.get(link(from, to));
      if (probability === undefined || !this.#rng.chance(probability)) continue;
      held.dropped++;
      return true;
    }
    return false;
  }

  #of(hold: string): Held {
    let held = this.#held.get(hold);
    if (!held || held.isReleased) {
      held = {
        cuts: new Set(),
        lossy: new Map(),
        slow: new Map(),
        killed: new Set(),
        paused: new Set(),
        revived: new Set(),
        dropped: 0,
        delayed: 0,
        isReleased: false,
      };
      this.#held.set(hold, held);
    }
    return held;
  }

  #inForce(): Held[] {
    return [...this.#held.values()].filter(({ isReleased }) => !isReleased);
  }
}

const link = (from: Party, to: Party): string => `${from}>${to}`;
