/**
 * The network between simulated nodes: a message takes 1 to 5 ms, messages between the same two arrive in the
 * order of sending, and what a cut forbids when it would arrive is lost without a word.
 */

import type { Clock } from '../../rig/clock.ts';
import type { Party } from '../../rig/contract.ts';
import type { Random } from '../../rig/random.ts';

export class Network {
  readonly #clock: Clock;
  readonly #rng: Random;
  readonly #passes: (from: Party, to: Party) => boolean;
  /** For each link, when its latest message arrives. */
  readonly #latestNs = new Map<string, number>();
  #closed = false;

  /** `passes` is asked as each message arrives. */
  constructor(clock: Clock, rng: Random, passes: (from: Party, to: Party) => boolean) {
    this.#clock = clock;
    this.#rng = rng;
    this.#passes = passes;
  }

  send(from: Party, to: Party, deliver: () => void): void {
    const link = `${from}>${to}`;
    const nowNs = this.#clock.nowNs();
    const arrivesNs = Math.max(nowNs + 1e6 * (1 + 4 * this.#rng.float()), this.#latestNs.get(link) ?? 0);
    this.#latestNs.set(link, arrivesNs);
    this.#clock.after((arrivesNs - nowNs) / 1e6, () => {
      if (!this.#closed && this.#passes(from, to)) deliver();
    });
  }

  /** Nothing arrives any more. */
  close(): void {
    this.#closed = true;
  }
}
