/** The APIs of the simulated store, each call a command. */

import type { Account, AppliedTransfer, Client, Json, TransferReceipt } from '../../rig/contract.ts';
import type { Command } from './machine.ts';

/** Asks a node. Commands of one `name` are the same command; `null` is like no other. */
export type Ask = (command: Command, name: string | null, signal: AbortSignal) => Promise<Json>;

/** The error classes after which nothing has happened. */
const definite: ReadonlySet<string> = new Set(['connection-refused', 'key-reused', 'no-leader', 'no-such-account']);

const hangUp = { definite, async [Symbol.asyncDispose]() {} };

export const kvClient = (ask: Ask): Client<'kv'> => ({
  ...hangUp,
  get: (key, signal) => ask({ f: 'get', key }, null, signal),
  async put(key, value, signal) {
    await ask({ f: 'put', key, value }, null, signal);
  },
  cas: async (key, from, to, signal) => (await ask({ f: 'cas', key, from, to }, null, signal)) === true,
});

export const ledgerClient = (ask: Ask): Client<'ledger'> => ({
  ...hangUp,
  transfer: async ({ key, from, to, amount }, signal) =>
    (await ask({ f: 'transfer', transfer: { key, from, to, amount } }, `${from} ${key}`, signal)) as TransferReceipt,
  balance: async (account, signal) => (await ask({ f: 'balance', account }, null, signal)) as number,
  accounts: async (signal) => (await ask({ f: 'accounts' }, null, signal)) as unknown as readonly Account[],
  applied: async (signal) => (await ask({ f: 'applied' }, null, signal)) as unknown as readonly AppliedTransfer[],
});
