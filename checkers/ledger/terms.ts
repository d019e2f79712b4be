/** By which answers a service keeps its promises about keys, and in which words its requests are told. */

import type { Transfer } from '../../rig/contract.ts';

export interface Terms {
  /** Classes of errors: the key is being worked on; it was used with another payload; a refusal that is kept like a receipt. */
  readonly inUse: ReadonlySet<string>;
  readonly mismatch: ReadonlySet<string>;
  readonly finalRefusal: ReadonlySet<string>;
  /** Statuses that a repeat of the request gets again, as they are seen on the wire. */
  readonly finalStatuses: ReadonlySet<number>;
  /** Methods by which keyed requests come. */
  readonly methods: ReadonlySet<string>;
  /** Whether a repeat gets the same body too. */
  readonly repeatsBody: boolean;
  /** Whether the same payload in another form is the same payload; otherwise it may be refused as another one. */
  readonly comparesMeaning: boolean;
  /** Whether there are accounts, whose balances must add up. */
  readonly hasAccounts: boolean;
  /** What one request is called. */
  readonly noun: string;
  /** Whose it is, beside its key. */
  whose(from: string): string;
  payload(transfer: Pick<Transfer, 'amount' | 'to'>): string;
}

export const LEDGER_TERMS: Terms = {
  inUse: new Set(['http-409']),
  mismatch: new Set(['http-422', 'key-reused']),
  finalRefusal: new Set(['http-402']),
  finalStatuses: new Set([201, 402, 422]),
  methods: new Set(['POST']),
  repeatsBody: true,
  comparesMeaning: true,
  hasAccounts: true,
  noun: 'transfer',
  whose: (from) => `account ${from}`,
  payload: ({ amount, to }) => `${amount} to ${to}`,
};
