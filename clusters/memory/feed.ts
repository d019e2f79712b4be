/** The changes of the simulated store, asked for again and again until they have come far enough. */

import type { Client, FeedChange } from '../../rig/contract.ts';
import type { Ask } from './clients.ts';

export function feedClient(ask: Ask): Client<'feed'> {
  return {
    definite: new Set(['connection-refused', 'no-leader']),
    async [Symbol.asyncDispose]() {},
    write: async (key, value, signal) => (await ask({ f: 'record', key, value }, null, signal)) as number,
    async read(key, signal) {
      const changes = (await ask({ f: 'changes', from: 1 }, null, signal)) as unknown as readonly FeedChange[];
      const { value, revision } = changes.findLast((change) => change.key === key) ?? { value: null, revision: 0 };
      return value === null ? { value, revision: 0 } : { value, revision };
    },
    async watch(prefix, from, to, signal) {
      for (;;) {
        const changes = (await ask({ f: 'changes', from }, null, signal)) as unknown as readonly FeedChange[];
        const wanted = changes.filter(({ key }) => key.startsWith(prefix));
        const revision = changes.at(-1)?.revision ?? from - 1;
        if (wanted.some((change) => change.revision >= to)) return [{ revision, changes: wanted }];
      }
    },
  };
}
