/** Who wants what of whom: what is wanted of a party is the union over all holds that are not released. */

import type { Party } from '../../../rig/contract.ts';

/** What a control has been asked for. */
export interface Wanted {
  /** From now on nothing is wanted under that hold. Returns every party that it ever wanted something of. */
  release(hold: string): ReadonlySet<Party>;
  /** From now on nothing is wanted at all, for the faults have been undone by somebody else. */
  releaseAll(): void;
}

export class Wishes<Wish> implements Wanted {
  /** hold → party → what that hold wants or wanted of it. */
  readonly #holds = new Map<string, Map<Party, Wish[]>>();
  readonly #released = new Set<string>();

  add(hold: string, party: Party, wish: Wish): void {
    const parties = this.#holds.get(hold) ?? new Map<Party, Wish[]>();
    parties.set(party, [...(parties.get(party) ?? []), wish]);
    this.#holds.set(hold, parties);
  }

  /** Gives up those wishes of the hold that are picked; returns the parties of whom they were. */
  take(hold: string, isPicked: (party: Party, wish: Wish) => boolean): ReadonlySet<Party> {
    const parties = this.#holds.get(hold) ?? new Map<Party, Wish[]>();
    const changed = new Set<Party>();
    for (const [party, wishes] of parties) {
      const kept = wishes.filter((wish) => !isPicked(party, wish));
      if (kept.length < wishes.length) changed.add(party);
      parties.set(party, kept);
    }
    return changed;
  }

  /** All wishes in force, the oldest hold's first. */
  of(party: Party): readonly Wish[] {
    return this.holding(party).flatMap((hold) => [...this.under(hold, party)]);
  }

  /** The holds in force that want something of this party, the oldest first. */
  holding(party: Party): readonly string[] {
    return [...this.#holds].flatMap(([hold, parties]) =>
      parties.has(party) && !this.#released.has(hold) ? [hold] : [],
    );
  }

  /** What this hold wants of that party, or wanted before it was released. */
  under(hold: string, party: Party): readonly Wish[] {
    return this.#holds.get(hold)?.get(party) ?? [];
  }

  /** Every party that this hold ever wanted something of. */
  touched(hold: string): ReadonlySet<Party> {
    return new Set(this.#holds.get(hold)?.keys());
  }

  release(hold: string): ReadonlySet<Party> {
    this.#released.add(hold);
    return this.touched(hold);
  }

  releaseAll(): void {
    for (const hold of this.#holds.keys()) this.#released.add(hold);
  }
}
