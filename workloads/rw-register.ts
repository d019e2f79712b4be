/** Workers write and read registers, several in one transaction. */

import { rwRegister as checker } from '../checkers/isolation/rw-register.ts';
import { defineWorkload } from '../rig/define.ts';
import type { Rounds } from './rounds.ts';
import { lastReads, type TransactionInput, type TransactionOutput, transactions } from './transactions.ts';

const ROUNDS: Rounds = { keys: 5, requests: 240 };

export const rwRegister = defineWorkload<'txn', TransactionInput, TransactionOutput>({
  name: 'rw-register',
  summary: 'transactions write and read registers; they must be strictly serializable',
  api: 'txn',
  checkers: [checker],
  semantics: { txn: 'unsafe' },
  generator: (context) => transactions('w', ROUNDS, context),
  finalGenerator: (context) => lastReads(ROUNDS, context),
  invoke: (store, { value }, signal) => store.transact(value, signal),
});
