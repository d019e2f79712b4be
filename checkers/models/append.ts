/** A list for each key: an `append` adds to its end, a `read` sees all of it. A list that nobody appended to may read as `null`. */

import type { Input, Json, Model } from '../../rig/contract.ts';
import { impossible, text } from './text.ts';

export type AppendInput = Input &
  ({ readonly f: 'append'; readonly key?: Json; readonly value: Json } | { readonly f: 'read'; readonly key?: Json });

/** What a read saw, a list or `null`; an append observes nothing. */
export type AppendOutput = Json;

export const append: Model<readonly Json[], AppendInput, AppendOutput> = {
  name: 'append',
  initial: [],
  functions: { append: 'write', read: 'read' },
  partition: ['key'],

  step(state, input, output) {
    if (input.f === 'append') return [...state, input.value];
    if (output === undefined || JSON.stringify(output ?? []) === JSON.stringify(state)) return state;
    return impossible(() => `cannot read ${text(output)} while it holds ${text(state)}`);
  },

  fingerprint: (state) => JSON.stringify(state),
  leadsTo: (state, _, output) =>
    !Array.isArray(output ?? []) ||
    state.every((value, at) => JSON.stringify(value) === JSON.stringify((output as readonly Json[] | null)?.[at])),

  describe(input, output) {
    if (input.f === 'append') return `append ${text(input.value)}`;
    return output === undefined ? 'read' : `read → ${text(output)}`;
  },
};
