/**
 * A register for each key: a read sees the last write, a compare-and-set swaps on a match only.
 *
 * A swap refused with `cas-mismatch` observed that the value differed; any other failed swap observed nothing.
 */

import type { Input, Json, Model } from '../../rig/contract.ts';
import { monitored } from '../monitors/monitor.ts';
import { READ, registerMonitor, SWAP, WRITE } from '../monitors/register.ts';
import { impossible, same, text } from './text.ts';

/** Without a `key` there is one register. An absent value is `null`. */
export type RegisterInput = Input &
  (
    | { readonly f: 'read'; readonly key?: Json }
    | { readonly f: 'write'; readonly key?: Json; readonly value: Json }
    | { readonly f: 'cas'; readonly key?: Json; readonly from: Json; readonly to: Json }
  );

/** What a read saw; of a swap `false` if the value differed, anything else if it happened. */
export type RegisterOutput = Json;

/** The error class of a swap that was refused because the value differed. */
export const CAS_MISMATCH = 'cas-mismatch';

const plainRegister: Model<Json, RegisterInput, RegisterOutput> = {
  name: 'register',
  initial: null,
  functions: { read: 'read', write: 'replace', cas: 'write' },

  step(state, input, output) {
    switch (input.f) {
      case 'write':
        return input.value;
      case 'read':
        if (output === undefined || same(output, state)) return state;
        return impossible(() => `cannot read ${text(output)} while it holds ${text(state)}`);
      case 'cas': {
        const matches = same(state, input.from);
        if (output === false)
          return matches ? impossible(() => `cannot miss ${text(input.from)} while it holds just that`) : state;
        if (matches) return input.to;
        return impossible(() => `cannot swap ${text(input.from)} for ${text(input.to)} while it holds ${text(state)}`);
      }
    }
  },

  fingerprint: (state) => JSON.stringify(state),
  partition: ['key'],
  refused: (input, error) => (input.f === 'cas' && error === CAS_MISMATCH ? false : undefined),

  describe(input, output) {
    const of = input.key === undefined ? '' : ` ${text(input.key)}`;
    switch (input.f) {
      case 'read':
        return output === undefined ? `read${of}` : `read${of} → ${text(output)}`;
      case 'write':
        return `write${of} ${text(input.value)}`;
      case 'cas':
        return `cas${of} ${text(input.from)} → ${text(input.to)}${output === false ? ', refused' : ''}`;
    }
  },
};

export const register = monitored(plainRegister, registerMonitor({ read: READ, write: WRITE, cas: SWAP }));
