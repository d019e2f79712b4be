/** A text for each key: `get` sees all of it, `put` replaces it, `append` adds to its end. What is `null` is empty. */

import type { Input, Json, Model } from '../../rig/contract.ts';
import { UnknownFunction } from '../monitors/operations.ts';
import { impossible } from './text.ts';

export type KvAppendInput = Input &
  (
    | { readonly f: 'get'; readonly key: Json }
    | { readonly f: 'put' | 'append'; readonly key: Json; readonly value: string }
  );

/** What a `get` saw; the others observe nothing. */
export type KvAppendOutput = string | null;

export const kvAppend: Model<string, KvAppendInput, KvAppendOutput> = {
  name: 'kv-append',
  initial: '',
  functions: { get: 'read', put: 'replace', append: 'write' },

  step(state, input, output) {
    switch (input.f) {
      case 'put':
        return textIn(input.value);
      case 'append':
        return state + textIn(input.value);
      case 'get':
        if (output === undefined || textIn(output) === state) return state;
        return impossible(() => `cannot get ${text(output)} while it holds ${text(state)}`);
    }
  },

  fingerprint: (state) => state,
  partition: ['key'],
  leadsTo: (state, _, output) => typeof output !== 'string' || output.startsWith(state),

  describe(input, output) {
    if (input.f !== 'get') return `${input.f} ${input.key} ${text(input.value)}`;
    return output === undefined ? `get ${input.key}` : `get ${input.key} → ${text(output)}`;
  },
};

/** A number is taken for its digits. Throws for what is no text, so that nothing is judged. */
function textIn(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (value === null || value === undefined) return '';
  throw new UnknownFunction(`the model kv-append knows texts, found ${JSON.stringify(value).slice(0, 60)}`);
}

/** Long texts differ at their ends, where the last append is. */
const text = (value: Json | undefined): string => {
  const quoted = JSON.stringify(value ?? null);
  return quoted.length <= 60 ? quoted : `${quoted.slice(0, 20)} … ${quoted.slice(-36)}`;
};
