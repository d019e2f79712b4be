/**
 * When requests are sent. Open loop: arrivals of a Poisson process that do not wait for the system, so that a slow
 * system cannot hide its slowness by being asked less (coordinated omission). Closed loop: whenever a worker is free.
 */

import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

/** Arrivals that no worker was free for are kept up to this many; more are counted as never sent. */
const LONGEST_BACKLOG = 1_000_000;

/** A worker's turn to send. `dueNs` is when it was meant to; absent in closed loop. `null`: the load has ended. */
export type Turn = { readonly dueNs?: number } | null;

export interface Arrivals {
  /** Resolves when it is the caller's turn; first come, first served. */
  turn(): Promise<Turn>;
  /** Ends the load: every waiting and later turn is `null`. Returns how many arrivals were never sent. */
  end(): number;
}

const ANY_TIME: Turn = {};

export class ClosedLoop implements Arrivals {
  #ended = false;

  turn(): Promise<Turn> {
    return Promise.resolve(this.#ended ? null : ANY_TIME);
  }

  end(): number {
    this.#ended = true;
    return 0;
  }
}

export class OpenLoop implements Arrivals {
  readonly #clock: Clock;
  readonly #rng: Random;
  readonly #meanGapNs: number;
  readonly #free: ((turn: Turn) => void)[] = [];
  /** Due times of arrivals that nobody was free for; those before `#taken` are gone. */
  #backlog: number[] = [];
  #taken = 0;
  #nextNs: number;
  #lost = 0;
  #ended = false;
  #disarm: () => void = () => {};

  constructor(clock: Clock, rng: Random, ratePerSecond: number) {
    this.#clock = clock;
    this.#rng = rng;
    this.#meanGapNs = 1e9 / ratePerSecond;
    this.#nextNs = clock.nowNs() + this.#gapNs();
    this.#arm();
  }

  turn(): Promise<Turn> {
    if (this.#ended) return Promise.resolve(null);
    if (this.#taken < this.#backlog.length) {
      const dueNs = this.#backlog[this.#taken++] as number;
      if (this.#taken > 4096 && this.#taken * 2 > this.#backlog.length) {
        this.#backlog = this.#backlog.slice(this.#taken);
        this.#taken = 0;
      }
      return Promise.resolve({ dueNs });
    }
    return new Promise((resolve) => this.#free.push(resolve));
  }

  end(): number {
    this.#ended = true;
    this.#disarm();
    for (const resolve of this.#free.splice(0)) resolve(null);
    return this.#lost + this.#backlog.length - this.#taken;
  }

  /** In whole nanoseconds, as clocks count: a fraction left over would never be reached on virtual time. */
  #gapNs(): number {
    return Math.ceil(this.#rng.exponential() * this.#meanGapNs);
  }

  #arm(): void {
    const waitMs = Math.max(0, (this.#nextNs - this.#clock.nowNs()) / 1e6);
    this.#disarm = this.#clock.after(waitMs, () => this.#arrive());
  }

  /** Hands out every arrival that is due by now. */
  #arrive(): void {
    const nowNs = this.#clock.nowNs();
    for (; this.#nextNs <= nowNs; this.#nextNs += this.#gapNs()) {
      const dueNs = Math.round(this.#nextNs);
      const free = this.#free.shift();
      if (free) free({ dueNs });
      else if (this.#backlog.length - this.#taken < LONGEST_BACKLOG) this.#backlog.push(dueNs);
      else this.#lost++;
    }
    this.#arm();
  }
}
