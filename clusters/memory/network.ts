/**
 * The network between simulated nodes: a message takes 1 to 5 ms, messages between the same two arrive in the
 * order of sending, and what a fault keeps from arriving is lost without a word.
 */

import type { Clock } from '../../rig/clock.ts';
import type { Party } from '../../rig/contract.ts';
import type { Random } from '../../rig/random.ts';

export interface Faults {
  /** Asked as a message is sent: how much later it arrives. */
  delayMs(from: Party, to: Party): number;
  /** Asked as a message arrives: whether it does. */
  passes(from: Party, to: Party): boolean;
}

export class Network {
  readonly #clock: Clock;
  readonly #rng: Random;
  readonly #faults: Faults;
  /** For each link, when its latest message arrives. */
  readonly #latestNs = new Map<string, number>();
  #closed = false;

  constructor(clock: Clock, rng: Random, faults: Faults) {
    this.#clock = clock;
    this.#rng = rng;
    this.#faults = faults;
  }

  send(from: Party, to: Party, deliver: () => void): void {
    const link = `${from}>${to}`;
    const nowNs = this.#clock.nowNs();
    const usualMs = 1 + 4 * this.#rng.float();
    const delayMs = this.#faults.delayMs(from, to);
    const arrivesNs = Math.max(nowNs + 1e6 * (usualMs + delayMs), this.#latestNs.get(link) ?? 0);
    this.#latestNs.set(link, arrivesNs);
    this.#clock.after((arrivesNs - nowNs) / 1e6, () => {
      if (!this.#closed && this.#faults.passes(from, to)) deliver();
    });
  }

  /** Nothing arrives any more. */
  close(): void {
    this.#closed = true;
  }
}
