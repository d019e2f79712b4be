/** A lock for each key: acquired only while free, released only while held. It does not know who holds it. */

import type { Input, Json, Model } from '../../rig/contract.ts';

export type MutexInput = Input & { readonly f: 'acquire' | 'release'; readonly key?: Json };

export const mutex: Model<boolean, MutexInput, Json> = {
  name: 'mutex',
  initial: false,
  functions: { acquire: 'write', release: 'write' },

  step(held, { f }) {
    if (f === 'acquire') return held ? { inconsistent: 'cannot acquire a lock that is held' } : true;
    return held ? false : { inconsistent: 'cannot release a lock that is free' };
  },

  fingerprint: (held) => (held ? 'held' : 'free'),
  partition: ({ key }) => (key === undefined ? '' : JSON.stringify(key)),
  describe: ({ f, key }) => (key === undefined ? f : `${f} ${JSON.stringify(key)}`),
};
