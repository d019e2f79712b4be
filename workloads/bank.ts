/**
 * Money is moved between accounts in transactions, while others read all accounts in one. An account is the list of the
 * amounts that it was given and that were taken from it, so that a transfer needs not read first.
 */

import { type BankInput, bankOverdraft, type BankOutput } from '../checkers/bank.ts';
import type { Json, MicroOperation } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';
import type { Random } from '../rig/random.ts';

const ACCOUNTS = 4;
const READS = 0.4;
const LARGEST_AMOUNT = 50;
/** Requests that a worker makes of one bank before it moves on to the next: its accounts grow with every transfer. */
const REQUESTS_PER_BANK = 60;

type Asked = BankInput &
  (
    | { readonly f: 'read'; readonly bank: number }
    | {
        readonly f: 'transfer';
        readonly bank: number;
        readonly from: string;
        readonly to: string;
        readonly amount: number;
      }
  );

export const bank = defineWorkload<'txn', Asked, BankOutput>({
  name: 'bank',
  summary: 'moves money between accounts in transactions while all are read at once; the total must never change',
  api: 'txn',
  // All begin with nothing, so that some must lend.
  checkers: [bankOverdraft],
  semantics: { transfer: 'unsafe', read: 'safe' },

  *generator({ rng }) {
    for (let number = 0; ; number++)
      for (let request = 0; request < REQUESTS_PER_BANK; request++)
        yield rng.chance(READS) ? { f: 'read', bank: number } : transferIn(number, rng);
  },

  async invoke(store, input, signal) {
    if (input.f === 'transfer') {
      const { from, to, amount } = input;
      await store.transact([given(input.bank, from, -amount), given(input.bank, to, amount)], signal);
      return null;
    }
    const reads = accounts.map((account): MicroOperation => ['r', keyOf(input.bank, account), null]);
    const seen = await store.transact(reads, signal);
    return Object.fromEntries(accounts.map((account, at) => [account, sumOf(seen[at]?.[2] ?? null)]));
  },
});

const accounts = Array.from({ length: ACCOUNTS }, (_, number) => `a${number + 1}`);

const keyOf = (number: number, account: string): string => `bank ${number} ${account}`;

const given = (number: number, account: string, amount: number): MicroOperation => [
  'append',
  keyOf(number, account),
  amount,
];

const sumOf = (amounts: Json): number =>
  Array.isArray(amounts) ? (amounts as readonly number[]).reduce((sum, amount) => sum + amount, 0) : 0;

function transferIn(number: number, rng: Random): Asked {
  const from = rng.pick(accounts);
  const to = rng.pick(accounts.filter((account) => account !== from));
  return { f: 'transfer', bank: number, from, to, amount: rng.integer(1, LARGEST_AMOUNT) };
}
