/**
 * Registers of numbers that only go up, one for each key, at first `null`: one that keeps the largest number written, and
 * one that refuses smaller ones.
 */

import type { Input, Json, Model } from '../../rig/contract.ts';
import { maxRegisterMonitor, READ, WRITE } from '../monitors/max-register.ts';
import { monitored } from '../monitors/monitor.ts';
import { monotonicRegisterMonitor } from '../monitors/monotonic-register.ts';
import { UnknownFunction } from '../monitors/operations.ts';
import { impossible, text } from './text.ts';

export type RisingInput = Input &
  ({ readonly f: 'write'; readonly key?: Json; readonly value: number } | { readonly f: 'read'; readonly key?: Json });

type Held = number | null;

const functions = { write: 'write', read: 'read' } as const;
const roles = { write: WRITE, read: READ } as const;

const rising = (
  name: string,
  write: (held: Held, value: number) => Held | { readonly inconsistent: string },
): Model<Held, RisingInput, Json> => ({
  name,
  initial: null,
  functions,
  partition: ['key'],
  step(state, input, output) {
    const { f, value } = input as { readonly f: string; readonly value?: Json };
    if (f === 'write' && typeof value !== 'number')
      throw new UnknownFunction(`the model ${name} compares numbers; an operation writes ${text(value)}`);
    if (input.f === 'write') return write(state, input.value);
    if (output === undefined || output === state) return state;
    return impossible(() => `cannot read ${text(output)} while it holds ${state}`);
  },
  fingerprint: String,
  describe(input, output) {
    if (input.f === 'write') return `write ${text(input.value)}`;
    return output === undefined ? 'read' : `read → ${text(output)}`;
  },
});

export const maxRegister = monitored(
  rising('max-register', (held, value) => (held === null || value > held ? value : held)),
  maxRegisterMonitor(roles),
);

export const monotonicRegister = monitored(
  rising('monotonic-register', (held, value) =>
    held === null || value >= held
      ? value
      : impossible(() => `cannot write ${value} while it holds ${held}, which is more`),
  ),
  monotonicRegisterMonitor(roles),
);
