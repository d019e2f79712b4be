/**
 * What an account may hold while it is read: the opening balance, with every transfer that surely was applied before
 * the read began, and any of those that may have been applied before it ended. Bounds by prefix sums, near-linear.
 */

import type { Transfer } from '../../rig/contract.ts';
import { FAIL, type History, NEVER, OK } from '../../rig/history.ts';
import type { Evidence, Listing, TransfersInput, TransfersOutput } from './evidence.ts';
import { payloadsOf } from './payloads.ts';

export interface Bounds {
  readonly low: number;
  readonly high: number;
}

export class Balances {
  readonly #accounts = new Map<string, { readonly in: Flow; readonly out: Flow }>();

  /** `truth`: a list read after everything was acknowledged; without it, what was asked for is all that is known. */
  constructor(history: History<TransfersInput, TransfersOutput>, evidence: Evidence, truth: Listing | null) {
    const firstSeen = firstListed(evidence.listings);
    const move = ({ from, to, amount }: Transfer, possibleFrom: number, sureFrom: number) => {
      if (from === to) return;
      this.#account(from).out.add(amount, possibleFrom, sureFrom);
      this.#account(to).in.add(amount, possibleFrom, sureFrom);
    };
    const sureOf = (name: string) =>
      Math.min(evidence.transfers.get(name)?.ackedAt ?? NEVER, firstSeen.get(name) ?? NEVER);
    for (const [name, entries] of truth?.applied ?? []) {
      const [first] = evidence.transfers.get(name)?.attempts ?? [];
      const possibleFrom = first === undefined ? -1 : (history.invokeIndex[first] as number);
      entries.forEach((entry, nth) => move(entry, possibleFrom, nth === 0 ? sureOf(name) : NEVER));
    }
    for (const { name, attempts } of evidence.transfers.values()) {
      if (truth?.applied.has(name)) continue;
      const groups = payloadsOf(evidence, attempts);
      for (const { attempts: alike } of groups) {
        const [first] = alike;
        if (first === undefined || alike.every((at) => history.type[at] === FAIL)) continue;
        // What the list lacks may have been applied since, but not before.
        const possibleFrom = Math.max(history.invokeIndex[first] as number, truth?.invoked ?? -1);
        const isSure = !truth && (groups.length === 1 || alike.some((at) => history.type[at] === OK));
        move(evidence.asked[first] as Transfer, possibleFrom, isSure ? sureOf(name) : NEVER);
      }
    }
    for (const { in: credits, out: debits } of this.#accounts.values()) {
      credits.seal();
      debits.seal();
    }
  }

  /** What `account` may hold in a read between these events. */
  during(account: string, opening: number, invoked: number, completed: number): Bounds {
    const flows = this.#accounts.get(account);
    if (!flows) return { low: opening, high: opening };
    return {
      low: opening + flows.in.sureBefore(invoked) - flows.out.possibleBefore(completed),
      high: opening + flows.in.possibleBefore(completed) - flows.out.sureBefore(invoked),
    };
  }

  #account(name: string): { readonly in: Flow; readonly out: Flow } {
    let account = this.#accounts.get(name);
    if (!account) this.#accounts.set(name, (account = { in: new Flow(), out: new Flow() }));
    return account;
  }
}

/** Clocks of the service and of the rig do not tick together, and ages are whole milliseconds. */
const AGE_SLACK_NS = 5e6;

/** An event so many milliseconds before the request at this position was made, or earlier. */
export function eventBefore({ invokedNs, invokeIndex }: History, at: number, ms: number): number {
  const timeNs = (invokedNs[at] as number) - ms * 1e6 - AGE_SLACK_NS;
  let [low, high] = [0, at];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((invokedNs[middle] as number) <= timeNs) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : (invokeIndex[low - 1] as number);
}

/** The event at which each transfer was first seen in a list. */
function firstListed(listings: readonly Listing[]): ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  for (const { applied, completed } of listings)
    for (const name of applied.keys()) first.set(name, Math.min(first.get(name) ?? NEVER, completed));
  return first;
}

/** Amounts that move in one direction. */
class Flow {
  readonly #possible = new Sums();
  readonly #sure = new Sums();

  add(amount: number, possibleFrom: number, sureFrom: number): void {
    this.#possible.add(possibleFrom, amount);
    if (sureFrom !== NEVER) this.#sure.add(sureFrom, amount);
  }

  seal(): void {
    this.#possible.seal();
    this.#sure.seal();
  }

  possibleBefore(index: number): number {
    return this.#possible.before(index);
  }

  sureBefore(index: number): number {
    return this.#sure.before(index);
  }
}

/** The sum of all amounts whose index is below a given one. */
class Sums {
  readonly #entries: { readonly index: number; readonly amount: number }[] = [];
  #totals = new Float64Array(0);

  add(index: number, amount: number): void {
    this.#entries.push({ index, amount });
  }

  seal(): void {
    this.#entries.sort((a, b) => a.index - b.index);
    this.#totals = new Float64Array(this.#entries.length + 1);
    this.#entries.forEach(({ amount }, at) => {
      this.#totals[at + 1] = (this.#totals[at] as number) + amount;
    });
  }

  before(index: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle] as { index: number }).index < index) low = middle + 1;
      else high = middle;
    }
    return this.#totals[low] as number;
  }
}
