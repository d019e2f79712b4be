/** The APIs of the simulated store, each call a command. */

import type {
  Account,
  AppliedTransfer,
  Client,
  Json,
  MicroOperation,
  Transactional,
  TransferReceipt,
} from '../../rig/contract.ts';
import { RequestError } from '../../rig/define.ts';
import { execute, isRead, keysOf } from '../transaction.ts';
import type { Command, Pair } from './machine.ts';
import type { Bug } from './replica.ts';

/** Asks a node. Commands of one `name` are the same command; `null` is like no other. */
export type Ask = (command: Command, name: string | null, signal: AbortSignal) => Promise<Json>;

/** The error classes after which nothing has happened. */
const definite: ReadonlySet<string> = new Set([
  'conflict',
  'connection-refused',
  'key-reused',
  'no-leader',
  'no-such-account',
  'row-exists',
]);

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

/** A transaction is one command; the bugs that break isolation make several of it. */
export function txnClient(ask: Ask, bug: Bug | null): Client<'txn'> {
  const transact: Transactional['transact'] = (micros, signal) => {
    if (bug === 'write-skew') return onSnapshot(ask, micros, signal);
    if (bug === 'half-done') return oneByOne(ask, micros, signal);
    return asOne(ask, micros, signal);
  };
  return { ...hangUp, transact };
}

type Transact = (
  ask: Ask,
  micros: readonly MicroOperation[],
  signal: AbortSignal,
) => Promise<readonly MicroOperation[]>;

const asOne: Transact = async (ask, micros, signal) =>
  (await ask({ f: 'txn', micros }, null, signal)) as unknown as readonly MicroOperation[];

/** Reads everything at once and commits if nobody has written meanwhile what it writes, whatever happened to what it read. */
const onSnapshot: Transact = async (ask, micros, signal) => {
  const values = new Map(
    (await ask({ f: 'snapshot', keys: keysOf(micros) }, null, signal)) as unknown as readonly Pair[],
  );
  const { output, writes } = execute(micros, (key) => values.get(key) ?? null);
  const expects = [...writes.keys()].map((key): Pair => [key, values.get(key) ?? null]);
  if (writes.size > 0) await ask({ f: 'commit', expects, writes: [...writes] }, null, signal);
  return output;
};

const oneByOne: Transact = async (ask, micros, signal) => {
  const output: MicroOperation[] = [];
  for (const micro of micros) {
    try {
      output.push(...(await asOne(ask, [micro], signal)));
    } catch (error) {
      throw !output.every(isRead) ? new RequestError('half-done', String(error)) : error;
    }
  }
  return output;
};
