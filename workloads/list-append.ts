/** Workers append to lists and read them, several in one transaction: reads show the order of all appends before them. */

import { listAppend as checker } from '../checkers/isolation/list-append.ts';
import { defineWorkload } from '../rig/define.ts';
import type { Rounds } from './rounds.ts';
import { lastReads, type TransactionInput, type TransactionOutput, transactions } from './transactions.ts';

/** Few keys, so that transactions meet; not for long, so that no list grows beyond some hundred elements. */
const ROUNDS: Rounds = { keys: 5, requests: 120 };

export const listAppend = defineWorkload<'txn', TransactionInput, TransactionOutput>({
  name: 'list-append',
  summary: 'transactions append to lists and read them; they must be strictly serializable',
  api: 'txn',
  checkers: [checker],
  semantics: { txn: 'unsafe' },
  generator: (context) => transactions('append', ROUNDS, context),
  finalGenerator: (context) => lastReads(ROUNDS, context),
  invoke: (store, { value }, signal) => store.transact(value, signal),
});
