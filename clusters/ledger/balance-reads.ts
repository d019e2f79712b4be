/**
 * Where a balance comes from. Fresh from the primary store, or, if that is out of reach or the client says that an old
 * one will do, from a copy: the replica or the cache, never older than the limit, and never without saying so.
 */

import type { BalanceCache } from './balance-cache.ts';
import { monotonicMs, pause, type Store, StoreUnavailable } from './store.ts';
import { type Bug, LIMITS } from './terms.ts';

/** `staleMs` of a copy: the account held this at some time within so many milliseconds; absent: it holds it now. */
export interface Reading {
  readonly balance: number;
  readonly staleMs?: number;
}

export class BalanceReads {
  readonly #store: Store;
  readonly #cache: BalanceCache | null;
  readonly #bug: Bug | null;
  /** For `stale-balance`: what this process believes the accounts hold. */
  readonly #believed = new Map<string, number>();

  constructor(store: Store, cache: BalanceCache | null, bug: Bug | null) {
    this.#store = store;
    this.#cache = cache;
    this.#bug = bug;
  }

  /** Rejects with `StoreUnavailable` if there is not even a copy. `null`: there is no such account. */
  async read(account: string, mayBeOld: boolean): Promise<Reading | null> {
    const believed = this.#bug === 'stale-balance' ? this.#believed.get(account) : undefined;
    if (believed !== undefined) return { balance: believed };
    if (this.#bug === 'balance-from-replica') return this.#unmarked(await this.#fromReplica(account));
    if (mayBeOld) {
      const copy = (await this.#fromCache(account)) ?? (await this.#fromReplica(account).catch(() => null));
      if (copy) return copy;
    }
    try {
      return await this.#fresh(account);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      const copy = (await this.#fromReplica(account).catch(() => null)) ?? (await this.#fromCache(account));
      if (!copy) throw error;
      return this.#bug === 'hides-staleness' ? this.#unmarked(copy) : copy;
    }
  }

  /** This process has changed what the account holds. */
  forget(account: string): void {
    this.#believed.delete(account);
  }

  async #fresh(account: string): Promise<Reading | null> {
    const atMs = monotonicMs();
    const rows = await inTime(LIMITS.primaryReadMs, this.#store.accounts());
    const row = rows.find((one) => one.account === account);
    if (!row) return null;
    this.#believed.set(account, row.balance);
    void this.#cache?.put(account, row.balance, atMs);
    return { balance: row.balance };
  }

  async #fromReplica(account: string): Promise<Reading | null> {
    const { rows, staleMs } = await inTime(LIMITS.copyMs, this.#store.replica());
    const row = rows.find((one) => one.account === account);
    return row ? this.#recent(row.balance, staleMs) : null;
  }

  async #fromCache(account: string): Promise<Reading | null> {
    const cached = (await this.#cache?.get(account)) ?? null;
    return cached && this.#recent(cached.balance, cached.ageMs);
  }

  #recent(balance: number, staleMs: number): Reading | null {
    return staleMs <= LIMITS.oldestCopyMs ? { balance, staleMs: Math.max(0, Math.ceil(staleMs)) } : null;
  }

  #unmarked(copy: Reading | null): Reading {
    if (!copy) throw new StoreUnavailable('the replica is too old');
    return { balance: copy.balance };
  }
}

async function inTime<T>(ms: number, read: Promise<T>): Promise<T> {
  const late = pause(ms).then((): T => {
    throw new StoreUnavailable(`no answer within ${ms} ms`);
  });
  late.catch(() => {}); // It may come when nobody waits for it any more.
  return Promise.race([read, late]);
}
