/**
 * Workers select, insert, update and delete rows, several in one transaction. Each inserts the rows that it last knew to
 * be missing and updates or, seldom, deletes those that it last saw, so that most statements find what they are for.
 */

import { sqlRows as checker } from '../checkers/isolation/sql-rows.ts';
import type { MicroOperation, WorkerContext } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';
import type { Random } from '../rig/random.ts';
import { finalRequests, KeysInTurn, type Rounds } from './rounds.ts';
import type { TransactionInput, TransactionOutput, Transactions } from './transactions.ts';

/** Few keys, so that transactions meet; not for long, so that a row is not deleted and made again without end. */
const ROUNDS: Rounds = { keys: 5, requests: 120 };
const LONGEST = 4;
const READS = 0.5;
const DELETES = 0.05;
/** Workers count the versions of rows from multiples of this, so that no two rows are alike. */
const VERSIONS_PER_WORKER = 1_000_000;

export const sqlRows = defineWorkload<'txn', TransactionInput, TransactionOutput>({
  name: 'sql-rows',
  summary: 'transactions select, insert, update and delete rows by key; they must be strictly serializable',
  api: 'txn',
  checkers: [checker],
  semantics: { txn: 'unsafe' },

  *generator(context): Transactions {
    const { rng } = context;
    const keys = new KeysInTurn(ROUNDS, context);
    const rows = new KnownRows(context);
    for (;;) {
      const value = Array.from({ length: rng.integer(1, LONGEST) }, () => rows.statement(keys.draw()));
      const answer = yield { f: 'txn', value };
      if (answer.type !== 'ok') continue;
      rows.learn(answer.output);
      keys.spend(value.length);
    }
  },

  finalGenerator: (context) =>
    finalRequests<TransactionInput, TransactionOutput>(
      ROUNDS,
      context,
      (key) => ({ f: 'txn', value: [['select', key, null]] }),
      { isUsed: ([select]) => (select as MicroOperation)[2] !== null, again: () => false },
    ),

  invoke: (store, { value }, signal) => store.transact(value, signal),
});

/** Which rows there are, as far as one worker knows. */
class KnownRows {
  readonly #rng: Random;
  readonly #there = new Set<string>();
  #version: number;

  constructor({ rng, worker }: WorkerContext) {
    this.#rng = rng;
    this.#version = worker * VERSIONS_PER_WORKER;
  }

  statement(key: string): MicroOperation {
    if (this.#rng.chance(READS)) return ['select', key, null];
    const row = { version: ++this.#version };
    if (!this.#there.has(key)) {
      // It is there after this, or was there before, and then the insert is refused.
      this.#there.add(key);
      return ['insert', key, row];
    }
    return this.#rng.chance(DELETES) ? ['delete', key, null] : ['update', key, row];
  }

  learn(answered: readonly MicroOperation[]): void {
    for (const [f, key, row, changed] of answered) {
      const isThere = f === 'select' ? row !== null : f === 'insert' || (f === 'update' && changed === 1);
      if (isThere) this.#there.add(key);
      else this.#there.delete(key);
    }
  }
}
