/** Money is moved between the accounts of a ledger, each transfer asked for once, while others read all accounts at once. */

import { type BankInput, bankOverdraft, type BankOutput } from '../checkers/bank.ts';
import type { Json, Transfer } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';

const READS = 0.3;
const LARGEST_AMOUNT = 5;

type Asked = BankInput & ({ readonly f: 'accounts' } | ({ readonly f: 'transfer' } & Transfer));

export const bank = defineWorkload<'ledger', Asked, BankOutput>({
  name: 'bank',
  summary: 'moves money between accounts while all of them are read at once; the total must never change',
  api: 'ledger',
  // How far an account may be overdrawn is the ledger's own affair.
  checkers: [bankOverdraft],
  semantics: { transfer: 'unsafe', accounts: 'safe' },

  *generator({ worker, rng }) {
    let names: readonly string[] = [];
    for (let transfer = 0; ; ) {
      if (names.length === 0 || rng.chance(READS)) {
        const answer = yield { f: 'accounts' };
        if (answer.type === 'ok') names = accountsIn(answer.output);
        continue;
      }
      const from = rng.pick(names);
      const to = rng.pick(names.filter((name) => name !== from));
      yield { f: 'transfer', key: `w${worker}-${++transfer}`, from, to, amount: rng.integer(1, LARGEST_AMOUNT) };
    }
  },

  *finalGenerator({ worker, nodes }) {
    if (worker === 0) for (const via of nodes) yield { ask: { f: 'accounts' }, via };
  },

  async invoke(ledger, input, signal) {
    if (input.f === 'accounts') return ledger.accounts(signal);
    const { key, from, to, amount } = input;
    return { ...(await ledger.transfer({ key, from, to, amount }, signal)) };
  },
});

const accountsIn = (output: Json): readonly string[] =>
  (output as readonly { readonly account: string }[]).map(({ account }) => account);
