/**
 * The `lock` API over etcd's own lock service. A lock is a key that lives as long as its holder's lease; the revision at
 * which that key was made is the fencing token. etcd queues those who wait.
 */

import type { Client } from '../../rig/contract.ts';
import { Refused, RequestError } from '../../rig/define.ts';
import { type Answer, encode, openEtcd } from './client.ts';
import { definite } from './errors.ts';

export function connectLocks(origin: string): Client<'lock'> {
  const { ask, close } = openEtcd(origin);
  /** The keys that this connection holds, by token. */
  const keys = new Map<number, string>();
  return {
    definite,
    async acquire(name, ttlMs, signal) {
      const lease = (await ask('/v3/lease/grant', { TTL: Math.ceil(ttlMs / 1000) }, signal))['ID'];
      if (typeof lease !== 'string') throw new RequestError('bad-answer', 'the answer has no lease');
      const { key } = await ask('/v3/lock/lock', { name: encode(name), lease }, signal);
      if (typeof key !== 'string') throw new RequestError('bad-answer', 'the answer has no key');
      const token = tokenIn(await ask('/v3/kv/range', { key }, signal));
      keys.set(token, key);
      return token;
    },
    async release(name, token, signal) {
      const key = keys.get(token);
      if (key === undefined) throw new Refused('not-held', `${name} was not acquired here under token ${token}`);
      await ask('/v3/lock/unlock', { key }, signal);
      keys.delete(token);
    },
    [Symbol.asyncDispose]: close,
  };
}

/** The revision at which the holder's key was made. Without the key the lease ran out while it waited. */
function tokenIn(range: Answer): number {
  const [kept] = (range['kvs'] ?? []) as readonly { readonly create_revision?: unknown }[];
  if (!kept) throw new Refused('lease-expired', 'the lease ran out before the lock was had');
  return Number(kept.create_revision);
}
