/** The control `network`: who cannot hear whom. What a hold did is told by the packets that did not arrive. */

import type { Evidence, NetworkControl, Party } from '../../../rig/contract.ts';
import { allSettled } from '../steps.ts';
import { type Bench, type Change, type Control, mustBeOneOf } from './control.ts';
import { Wishes } from './wishes.ts';

/** Packets that a listener was kept from hearing: when a hold first touched it, and when last looked at. */
interface Count {
  readonly before: number;
  since: number;
}

export class Network implements Control<'network'> {
  readonly name = 'network';
  readonly #bench: Bench;
  /** By listener: the senders it must not hear. */
  readonly #wishes = new Wishes<Party>();
  /** hold → listener → packets. */
  readonly #counts = new Map<string, Map<Party, Count>>();
  /** Holds of which nothing more is to be counted. */
  readonly #settled = new Set<string>();

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  levers(hold: string, change: Change): NetworkControl {
    return {
      drop: (from, to) => {
        for (const party of [...from, ...to]) mustBeOneOf(party, this.#bench.parties, 'cut off');
        return change(to, () => {
          for (const listener of to)
            for (const sender of from) if (sender !== listener) this.#wishes.add(hold, listener, sender);
        });
      },
    };
  }

  async agree(listener: Party): Promise<void> {
    const { lab, steps } = this.#bench;
    for (const hold of this.#wishes.holding(listener)) {
      const counts = this.#counts.get(hold) ?? new Map<Party, Count>();
      this.#counts.set(hold, counts);
      if (counts.has(listener)) continue;
      const before = await this.#unheard(listener);
      counts.set(listener, { before, since: before });
    }
    const senders = new Set(this.#wishes.of(listener));
    await steps.step(`change the network of ${listener}`, lab.deafen(listener, senders));
  }

  release(hold: string): ReadonlySet<Party> {
    this.#wishes.release(hold);
    return this.#wishes.touched(hold);
  }

  /** What rules had counted is known when they have been taken back. */
  async settle(hold: string): Promise<void> {
    if (this.#settled.has(hold)) return;
    this.#settled.add(hold);
    await this.#look(hold).catch(() => {});
  }

  async evidence(hold: string): Promise<Evidence | null> {
    const counts = this.#counts.get(hold);
    if (!counts) return null;
    if (!this.#settled.has(hold)) await this.#look(hold);
    const unheard = [...counts].map(
      ([listener, { before, since }]) => [listener, Math.max(0, since - before)] as const,
    );
    const observed = unheard
      .filter(([, count]) => count > 0)
      .map(([listener, count]) => `${count} packet${count === 1 ? '' : 's'} did not reach ${listener}`);
    return { effective: observed.length > 0, observed: observed.join('; ') || 'no packet was stopped' };
  }

  releaseAll(): void {
    this.#wishes.releaseAll();
  }

  async #look(hold: string): Promise<void> {
    const look = async ([listener, count]: [Party, Count]) => void (count.since = await this.#unheard(listener));
    await allSettled([...(this.#counts.get(hold) ?? [])].map(look));
  }

  #unheard(listener: Party): Promise<number> {
    return this.#bench.steps.step(`count at ${listener}`, this.#bench.lab.unheard(listener));
  }
}
