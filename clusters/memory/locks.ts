/** Locks of the simulated store: a register for each says who may not have it, and how often it was had. They never expire. */

import type { Client, Json } from '../../rig/contract.ts';
import { RequestError } from '../../rig/define.ts';

type Kept = { readonly token: number; readonly held: boolean };

const keptIn = (value: Json): Kept => (value === null ? { token: 0, held: false } : (value as Kept));

/** Over the store's own registers; `held`, `overtaken` and `not-held` are refusals. */
export function lockClient(kv: Client<'kv'>): Client<'lock'> {
  return {
    definite: new Set([...kv.definite, 'held', 'overtaken', 'not-held']),
    [Symbol.asyncDispose]: () => kv[Symbol.asyncDispose](),
    async acquire(name, _ttlMs, signal) {
      const value = await kv.get(name, signal);
      const { token, held } = keptIn(value);
      if (held) throw new RequestError('held', `${name} is held under token ${token}`);
      const taken = await kv.cas(name, value, { token: token + 1, held: true }, signal);
      if (!taken) throw new RequestError('overtaken', `somebody else took ${name}`);
      return token + 1;
    },
    async release(name, token, signal) {
      if (!(await kv.cas(name, { token, held: true }, { token, held: false }, signal)))
        throw new RequestError('not-held', `${name} is not held under token ${token}`);
    },
  };
}
