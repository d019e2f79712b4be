/**
 * Transactions over etcd, which has none that read and then write: all keys are read at one revision, and what follows
 * is written if every one of them still has the revision at which it was read. So no transaction misses another.
 */

import type { Client, Json } from '../../rig/contract.ts';
import { Refused, RequestError } from '../../rig/define.ts';
import { execute, keysOf } from '../transaction.ts';
import { type Answer, type Ask, encode, type EtcdOptions, openEtcd, valueIn, writes } from './client.ts';
import { definite } from './errors.ts';

/** What a key held, and the revision at which it was written last: `'0'` if it is absent. */
interface Held {
  readonly value: Json;
  readonly revision: string;
}

export function connectTransactions(origin: string, options: EtcdOptions): Client<'txn'> {
  const { ask, close } = openEtcd(origin);
  return {
    definite,
    async transact(transaction, signal) {
      const held = await read(ask, keysOf(transaction), options, signal);
      const { output, writes: written } = execute(transaction, (key) => held.get(key)?.value ?? null);
      if (written.size > 0) await commit(ask, held, written, signal);
      return output;
    },
    [Symbol.asyncDispose]: close,
  };
}

/** All keys at one revision. Whatever goes wrong here has changed nothing. */
async function read(
  ask: Ask,
  keys: readonly string[],
  { serializable }: EtcdOptions,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Held>> {
  const success = keys.map((key) => ({ requestRange: { key: encode(key), serializable } }));
  try {
    const { responses } = await ask('/v3/kv/txn', { success }, signal);
    return new Map(keys.map((key, at) => [key, heldIn((responses as readonly Answer[] | undefined)?.[at])]));
  } catch (error) {
    throw error instanceof RequestError ? new Refused(error.errorClass, error.message) : error;
  }
}

function heldIn(response: Answer | undefined): Held {
  const range = response?.['response_range'] as Answer | undefined;
  if (range === undefined) throw new RequestError('bad-answer', 'the answer lacks a range');
  const [first] = (range['kvs'] ?? []) as readonly { readonly mod_revision?: unknown }[];
  return { value: valueIn(range), revision: first === undefined ? '0' : String(first.mod_revision) };
}

async function commit(
  ask: Ask,
  held: ReadonlyMap<string, Held>,
  written: ReadonlyMap<string, Json>,
  signal: AbortSignal,
): Promise<void> {
  const compare = [...held].map(([key, { revision }]) => ({
    key: encode(key),
    target: 'MOD',
    result: 'EQUAL',
    modRevision: revision,
  }));
  const success = [...written].map(([key, value]) => writes(key, value));
  const { succeeded } = await ask('/v3/kv/txn', { compare, success }, signal);
  if (succeeded !== true) throw new Refused('conflict', 'what it read was written meanwhile');
}
