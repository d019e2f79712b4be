/** Random transactions over keys that are used for a while and then left for fresh ones, each value written once. */

import type { Completion, Directed, MicroOperation, WorkerContext } from '../rig/contract.ts';
import { finalRequests, KeysInTurn, type Rounds } from './rounds.ts';

export type TransactionInput = { readonly f: 'txn'; readonly value: readonly MicroOperation[] };
export type TransactionOutput = readonly MicroOperation[];
export type Transactions = Generator<
  TransactionInput | Directed<TransactionInput>,
  void,
  Completion<TransactionOutput>
>;

const LONGEST = 4;
const READS = 0.5;
/** Workers count their writes from multiples of this, so that a read tells whose write it saw. */
const VALUES_PER_WORKER = 1_000_000;

/** What one worker asks for: one to four micro-operations, half of them reads. */
export function* transactions(write: 'append' | 'w', rounds: Rounds, context: WorkerContext): Transactions {
  const { rng, worker } = context;
  const keys = new KeysInTurn(rounds, context);
  let written = worker * VALUES_PER_WORKER;
  for (;;) {
    const value = Array.from({ length: rng.integer(1, LONGEST) }, (): MicroOperation => {
      const key = keys.draw();
      return rng.chance(READS) ? ['r', key, null] : [write, key, ++written];
    });
    const answer = yield { f: 'txn', value };
    if (answer.type === 'ok') keys.spend(value.length);
  }
}

/** Reads each key that was used. */
export const lastReads = (rounds: Rounds, context: WorkerContext): Transactions =>
  finalRequests<TransactionInput, TransactionOutput>(
    rounds,
    context,
    (key) => ({ f: 'txn', value: [['r', key, null]] }),
    { isUsed: ([read]) => (read as MicroOperation)[2] !== null, again: () => false },
  );
