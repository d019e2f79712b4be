/** A counter for each key, from 0. An addition observes nothing; without a `value` it adds one. */

import type { Input, Json, Model } from '../../rig/contract.ts';
import { ADD, counterMonitor, DOWN, READ, UP } from '../monitors/counter.ts';
import { monitored } from '../monitors/monitor.ts';
import { impossible, text } from './text.ts';

export type CounterInput = Input &
  (
    | { readonly f: 'add' | 'increment' | 'decrement'; readonly key?: Json; readonly value?: number }
    | { readonly f: 'read'; readonly key?: Json }
  );

const plainCounter: Model<number, CounterInput, Json> = {
  name: 'counter',
  initial: 0,
  functions: { add: 'write', increment: 'write', decrement: 'write', read: 'read' },
  partition: ['key'],

  step(state, input, output) {
    if (input.f !== 'read') return state + amountOf(input);
    if (output === undefined || output === state) return state;
    return impossible(() => `cannot read ${text(output)} while it is at ${state}`);
  },

  fingerprint: String,

  describe(input, output) {
    if (input.f === 'read') return output === undefined ? 'read' : `read → ${text(output)}`;
    return `add ${amountOf(input)}`;
  },
};

export const counter = monitored(
  plainCounter,
  counterMonitor({ add: ADD, increment: UP, decrement: DOWN, read: READ }),
);

const amountOf = ({ f, value = 1 }: CounterInput): number => (f === 'decrement' ? -Number(value) : Number(value));
