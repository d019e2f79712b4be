/** The API `service` on Redis: one script takes the key, numbers the effect and appends it to a list, or finds the key taken. */

import type { Client, ServiceEffect, ServiceValues } from '../../rig/contract.ts';
import { RequestError } from '../../rig/define.ts';
import type { Address } from '../hosts/host.ts';
import { mustBeKey, notHttp, orderTerms } from '../orders.ts';
import { dial } from './connection.ts';

const LIST = 'effects';

/** KEYS: the idempotency key's own, the counter, the list. ARGV: the effect. Returns the id. */
const TAKE = `
if not redis.call('SET', KEYS[1], '', 'NX') then return redis.call('GET', KEYS[1]) end
local id = tostring(redis.call('INCR', KEYS[2]))
redis.call('SET', KEYS[1], id)
redis.call('RPUSH', KEYS[3], cjson.encode({id = id, effect = ARGV[1]}))
return id`;

const TERMS = orderTerms('redis', 'EVAL', 512);

/** How the errors begin that a server gives before it runs a script. */
const DEFINITE: Readonly<Record<string, string>> = {
  READONLY: 'read-only',
  LOADING: 'loading',
  NOREPLICAS: 'no-replicas',
  MASTERDOWN: 'primary-down',
};

export async function connectOrders(address: Address): Promise<Client<'service'>> {
  const connection = await dial(address);
  const { redis } = connection;
  return {
    definite: new Set(Object.values(DEFINITE)),
    terms: async () => TERMS,
    async request({ key, values }) {
      mustBeKey(key, TERMS);
      try {
        const id = await redis.eval(TAKE, 3, `key:${key}`, 'count', LIST, JSON.stringify({ key, values }));
        return { status: 200, id: String(id) };
      } catch (error) {
        throw errorOf(error);
      }
    },
    async effects() {
      try {
        const [role] = (await redis.call('ROLE')) as readonly unknown[];
        if (role !== 'master') throw new RequestError('read-only', 'a replica may lack what the primary has');
        return (await redis.lrange(LIST, 0, -1)).map(effectOf);
      } catch (error) {
        throw errorOf(error);
      }
    },
    ...notHttp,
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

function effectOf(text: string): ServiceEffect {
  const { id, effect } = JSON.parse(text) as { readonly id: string; readonly effect: string };
  const { key, values } = JSON.parse(effect) as { readonly key: string; readonly values: ServiceValues };
  return { key, id, values };
}

function errorOf(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  const { message } = error as Error;
  return new RequestError(DEFINITE[message.split(' ')[0] ?? ''] ?? 'connection-lost', message.slice(0, 200));
}
