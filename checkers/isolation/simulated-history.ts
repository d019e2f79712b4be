/**
 * Histories of transactions on a store that runs them one after the other, as JSON lines in Jepsen's form: what tests
 * plant anomalies in. The same seed gives the same history.
 */

import type { Json } from '../../rig/contract.ts';
import { Random } from '../../rig/random.ts';

export interface SimulatedHistory {
  readonly kind: 'list' | 'register';
  readonly transactions: number;
  readonly concurrency: number;
  readonly seed: number;
}

/** Keys in use at once, and writes after which a key is left for a fresh one. */
const KEYS = 10;
const WRITES_PER_KEY = 32;
const LONGEST = 4;
const FAILED = 0.02;
const UNKNOWN = 0.005;

type Micro = readonly [f: 'r' | 'append' | 'w', key: number, value: Json];

/** Line after line, without newlines. */
export function* simulatedHistory({ kind, transactions, concurrency, seed }: SimulatedHistory): Generator<string> {
  const rng = new Random(seed);
  const store = new Store(kind, rng);
  const open: { process: number; did: readonly Micro[] | null }[] = [];
  for (let process = 0; process < concurrency; process++) open.push({ process, did: null });
  let processes = concurrency;
  let index = 0;
  const line = (type: string, process: number, value: readonly Micro[]) =>
    JSON.stringify({ index, time: 1000 * index++, type, process, f: 'txn', value });
  for (let asked = 0, answered = 0; answered < transactions; ) {
    const worker = rng.pick(open);
    if (worker.did === null) {
      if (asked === transactions) continue;
      asked++;
      worker.did = store.ask();
      yield line('invoke', worker.process, worker.did);
      continue;
    }
    const { process, did } = worker;
    const luck = rng.float();
    const type = luck < FAILED ? 'fail' : luck < FAILED + UNKNOWN ? 'info' : 'ok';
    const happens = type === 'ok' || (type === 'info' && rng.chance(0.5));
    const seen = happens ? store.run(did) : did;
    yield line(type, process, type === 'ok' ? seen : did);
    answered++;
    worker.did = null;
    if (type === 'info') worker.process = processes++;
  }
}

class Store {
  readonly #write: 'append' | 'w';
  readonly #rng: Random;
  readonly #values = new Map<number, Json>();
  readonly #keys = Array.from({ length: KEYS }, (_, key) => ({ key, written: 0 }));
  #fresh = KEYS;

  constructor(kind: 'list' | 'register', rng: Random) {
    this.#write = kind === 'list' ? 'append' : 'w';
    this.#rng = rng;
  }

  /** A transaction that nobody has asked for before. */
  ask(): Micro[] {
    return Array.from({ length: this.#rng.integer(1, LONGEST) }, (): Micro => {
      const place = this.#rng.pick(this.#keys);
      if (this.#rng.chance(0.5)) return ['r', place.key, null];
      if (place.written === WRITES_PER_KEY) {
        place.key = this.#fresh++;
        place.written = 0;
      }
      return [this.#write, place.key, ++place.written];
    });
  }

  run(did: readonly Micro[]): Micro[] {
    return did.map(([f, key, value]): Micro => {
      const before = this.#values.get(key) ?? null;
      if (f === 'r') return [f, key, before];
      this.#values.set(key, f === 'w' ? value : [...((before ?? []) as readonly Json[]), value]);
      return [f, key, value];
    });
  }
}
