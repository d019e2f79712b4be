/** Changes a value in a key-value store by reading it and swapping what it should become for what was read. */

import type { Json, KeyValue } from '../rig/contract.ts';
import { Refused, RequestError } from '../rig/define.ts';

/** Swaps that are tried before the request is given up as refused: others were always quicker. */
const MOST_TRIES = 12;

/**
 * Resolves to what `change` made of the value; where it returns its argument nothing is written. Rejects with
 * `Refused` where the value certainly stayed as it was.
 */
export async function update(
  kv: KeyValue,
  key: string,
  change: (value: Json) => Json,
  signal: AbortSignal,
): Promise<{ readonly before: Json; readonly after: Json }> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const before = await reading(kv.get(key, signal));
    const after = change(before);
    if (after === before || (await kv.cas(key, before, after, signal))) return { before, after };
  }
  throw new Refused('contention', `${MOST_TRIES} swaps of ${key} came too late`);
}

/** Whatever goes wrong while reading changes nothing. */
async function reading(answer: Promise<Json>): Promise<Json> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof RequestError ? new Refused(error.errorClass, error.message) : error;
  }
}
