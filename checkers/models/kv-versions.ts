/**
 * A store whose every key has a version, one more with each write and 0 while the key is not there, and a revision that
 * is higher with each write, as in etcd. What an answer does not name, it did not observe.
 */

import type { Input, Json, Model } from '../../rig/contract.ts';
import { impossible, same, text } from './text.ts';

export type KvVersionsInput = Input &
  (
    | { readonly f: 'get' | 'delete'; readonly key: Json }
    | { readonly f: 'put'; readonly key: Json; readonly value: Json }
    /** A put if the key has that version. */
    | { readonly f: 'put-if'; readonly key: Json; readonly value: Json; readonly version: number }
  );

/** `{ value, version, revision }`, or some of them; `false` of a `put-if` whose version was another; `null` of a key that is not there. */
export type KvVersionsOutput = Json;

interface Entry {
  readonly value: Json;
  readonly version: number;
  /** `null`: nobody saw it yet, but it is above `least`. */
  readonly revision: number | null;
  readonly least: number;
}

export const kvVersions: Model<Entry, KvVersionsInput, KvVersionsOutput> = {
  name: 'kv-versions',
  initial: { value: null, version: 0, revision: null, least: 0 },
  // A get may tell the revision for the first time, which changes what is known.
  functions: { get: 'write', put: 'write', delete: 'write', 'put-if': 'write' },
  partition: ['key'],

  step(state, input, output) {
    if (input.f === 'get') return observed(state, output);
    if (input.f === 'put-if') {
      const isEqual = input.version === state.version;
      if (output === false)
        return isEqual ? impossible(() => `cannot miss version ${input.version} while it has just that`) : state;
      if (!isEqual)
        return impossible(() => `cannot put at version ${input.version} while it has version ${state.version}`);
    }
    if (input.f === 'delete' && state.version === 0) return observed(state, numbersOf(output));
    const least = state.revision ?? state.least;
    const written =
      input.f === 'delete'
        ? { value: null, version: 0, revision: null, least }
        : { value: input.value, version: state.version + 1, revision: null, least };
    return observed(written, numbersOf(output));
  },

  fingerprint: ({ value, version, revision, least }) =>
    `${JSON.stringify(value)}, version ${version}, revision ${revision ?? `above ${least}`}`,
  refused: (input, error) => (input.f === 'put-if' && error === 'cas-mismatch' ? false : undefined),
  invariant: ({ version, revision, least }) =>
    (version >= 0 && (revision === null || revision > least)) || 'a revision has gone back',

  describe(input, output) {
    const asked =
      'value' in input ? `${input.f} ${text(input.key)} ${text(input.value)}` : `${input.f} ${text(input.key)}`;
    const at = input.f === 'put-if' ? ` at version ${input.version}` : '';
    return `${asked}${at}${output === undefined || (output === null && input.f !== 'get') ? '' : ` → ${text(output)}`}`;
  },
};

/** A plain number is a revision; anything that is no object says nothing. */
const numbersOf = (output: Json | undefined): Json | undefined =>
  typeof output === 'number' ? { revision: output } : isRecord(output) ? output : undefined;

/** The state, once it is known that it was seen like this. */
function observed(state: Entry, output: Json | undefined): Entry | { readonly inconsistent: string } {
  if (output === undefined) return state;
  const seen = output === null ? { version: 0 } : isRecord(output) ? output : { value: output };
  const { value, version, revision } = seen as { readonly [name: string]: Json | undefined };
  if (value !== undefined && !same(value, state.value))
    return impossible(() => `cannot see ${text(value)} while it holds ${text(state.value)}`);
  if (typeof version === 'number' && version !== state.version)
    return impossible(() => `cannot see version ${version} while it has version ${state.version}`);
  if (typeof revision !== 'number' || revision === state.revision) return state;
  if (state.revision !== null)
    return impossible(() => `cannot see revision ${revision} while it has ${state.revision}`);
  if (revision <= state.least) return impossible(() => `cannot see revision ${revision} after revision ${state.least}`);
  return { ...state, revision };
}

const isRecord = (value: Json | undefined): value is { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
