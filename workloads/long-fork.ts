/**
 * Keys in small groups, each written once, while others read whole groups: whoever sees one key written and another not
 * yet says in which order they were written, and nobody may say otherwise.
 */

import { longFork as checker, type LongForkInput, type LongForkOutput } from '../checkers/long-fork.ts';
import type { MicroOperation } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';
import type { Random } from '../rig/random.ts';

const KEYS_PER_GROUP = 3;
/** Requests that a worker makes of one group before it moves on: enough that some read falls between two writes. */
const REQUESTS_PER_GROUP = 4;

type Asked = LongForkInput & { readonly f: 'read' | 'write'; readonly value: readonly MicroOperation[] };

export const longFork = defineWorkload<'txn', Asked, LongForkOutput>({
  name: 'long-fork',
  summary: 'writes keys one by one while others read several at once; all must see the writes in one order',
  api: 'txn',
  checkers: [checker],
  // A repeat writes the one value that the key ever has.
  semantics: { read: 'safe', write: 'idempotent' },

  *generator({ worker, workerCount, rng }) {
    for (let group = 0; ; group++) {
      const own = keysOf(group).filter((_, key) => (group * KEYS_PER_GROUP + key) % workerCount === worker);
      const writes = new Map(own.map((key) => [rng.integer(0, REQUESTS_PER_GROUP - 1), key]));
      for (let request = 0; request < REQUESTS_PER_GROUP; request++) {
        const key = writes.get(request);
        yield key === undefined ? { f: 'read', value: readsOf(group, rng) } : { f: 'write', value: [['w', key, 1]] };
      }
    }
  },

  invoke: (store, { value }, signal) => store.transact(value, signal),
});

const keysOf = (group: number): readonly string[] =>
  Array.from({ length: KEYS_PER_GROUP }, (_, key) => `g${group}k${key}`);

/** Beginning anywhere: a store that reads one key after the other must not be spared by their order. */
function readsOf(group: number, rng: Random): readonly MicroOperation[] {
  const reads = keysOf(group).map((key): MicroOperation => ['r', key, null]);
  const first = rng.integer(0, KEYS_PER_GROUP - 1);
  return [...reads.slice(first), ...reads.slice(0, first)];
}
