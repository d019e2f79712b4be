/** The simulated ledger as a service of keyed requests: one operation, a transfer; what is spoilt is refused. */

import type { Client, ServiceTerms } from '../../rig/contract.ts';
import { type Ask, ledgerClient } from './clients.ts';

const TERMS: Omit<ServiceTerms, 'operations'> = {
  name: 'memory',
  keyPrefix: '',
  longestKey: 128,
  scope: ['from'],
  inUse: [],
  mismatch: ['key-reused'],
  kept: [],
  ok: [201],
  fail: [400],
  methods: ['POST'],
  repeatsBody: true,
  comparesMeaning: true,
  retentionMs: null,
  expiry: null,
  expired: [],
};

export function serviceClient(ask: Ask): Client<'service'> {
  const ledger = ledgerClient(ask);
  return {
    definite: ledger.definite,
    async terms(signal) {
      const names = (await ledger.accounts(signal)).map(({ account }) => account);
      const values = {
        from: { oneOf: names },
        to: { oneOf: names, not: 'from' },
        amount: { integer: [1, 100] },
      } as const;
      return { ...TERMS, operations: { transfer: { values, state: { path: '/{{from}}', conditional: false } } } };
    },
    async request({ key, values }, signal) {
      const { from, to, amount } = values;
      const receipt = await ledger.transfer({ key, from: `${from}`, to: `${to}`, amount: Number(amount) }, signal);
      return { status: 201, id: receipt.id };
    },
    effects: async (signal) =>
      (await ledger.applied(signal)).map(({ key, id, from, to, amount }) => ({
        key,
        id,
        values: { from, to, amount },
      })),
    state: async ({ values }, signal) => ({
      shown: String(await ledger.balance(`${values['from']}`, signal)),
      etag: null,
    }),
    probe: async () => ({ status: 400, detail: 'refused' }),
    memory: async () => null,
    async [Symbol.asyncDispose]() {},
  };
}
