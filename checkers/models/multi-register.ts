/**
 * Registers that are read and written several at once: a `txn` of `["r", key, value]` and `["w", key, value]`, one after the
 * other, in one step. A register that nobody wrote is `null`, or 0 if it was seen to be. They cannot be split by key, so
 * this suits short histories.
 */

import type { Input, Json, Model } from '../../rig/contract.ts';
import { UnknownFunction } from '../monitors/operations.ts';
import { microFunction } from '../vocabulary.ts';
import { impossible, same, text } from './text.ts';

export type MultiRegisterInput = Input & { readonly f: 'txn'; readonly value: readonly Json[] };

/** The same list with what the reads saw. */
export type MultiRegisterOutput = Json;

/** By the JSON of its key, what each register holds. */
type Registers = Readonly<Record<string, Json>>;

export const multiRegister: Model<Registers, MultiRegisterInput, MultiRegisterOutput> = {
  name: 'multi-register',
  initial: {},
  functions: { txn: 'write' },

  step(state, input, output) {
    if (!Array.isArray(input.value))
      throw new UnknownFunction(
        `the model multi-register knows lists of reads and writes; an operation asks for ${text(input.value)}`,
      );
    let after = state;
    const seen = Array.isArray(output) ? (output as readonly Json[]) : null;
    for (const [at, micro] of input.value.entries()) {
      const [f, key, value] = partsOf(micro);
      if (f === 'w') after = { ...after, [JSON.stringify(key)]: value };
      else if (f !== 'r')
        throw new UnknownFunction(`the model multi-register knows r and w; an operation asks for ${text(f)}`);
      else {
        if (!seen) continue;
        const [, of, saw] = partsOf(seen[at] ?? null);
        if (!same(of, key))
          throw new UnknownFunction(
            `the model multi-register wants ${text(key)} answered; an answer is of ${text(of)}`,
          );
        const name = JSON.stringify(key);
        if (!(name in after)) after = { ...after, [name]: saw === 0 ? 0 : null };
        const holds = after[name] as Json;
        if (!same(saw, holds))
          return impossible(() => `cannot read ${text(saw)} from ${text(key)} while it holds ${text(holds)}`);
      }
    }
    return after;
  },

  fingerprint: (state) =>
    Object.keys(state)
      .sort()
      .map((key) => `${key}: ${JSON.stringify(state[key])}`)
      .join(', '),

  describe(input, output) {
    const micros = (Array.isArray(output) ? (output as readonly Json[]) : input.value).map(partsOf);
    return micros
      .map(([f, key, value]) =>
        f === 'w' ? `write ${text(key)} ${text(value)}` : `read ${text(key)} → ${text(value)}`,
      )
      .join(', ');
  },
};

/** What it does, `r` or `w`, the key, and the value. */
function partsOf(micro: Json): readonly [Json, Json, Json] {
  const [f = null, key = null, value = null] = Array.isArray(micro) ? (micro as readonly Json[]) : [];
  return [microFunction(f), key, value];
}
