/** Keys are used for a round and then left for fresh ones, so that no value and no key's history grows without end. */

import type { Completion, Directed, Input, Json, Requests, WorkerContext } from '../rig/contract.ts';

/** How a workload spends its keys. */
export interface Rounds {
  /** Keys in use at once. */
  readonly keys: number;
  /** Requests that a worker makes before it moves on. */
  readonly requests: number;
}

const FINAL_TRIES = 8;
const RETRY_MS = 150;

export const keyOf = (round: number, key: number): string => `r${round}k${key}`;

/** The keys of the workers' requests, one after the other, for ever. */
export function* keysInTurn({ keys, requests }: Rounds, { rng }: WorkerContext): Generator<string, never> {
  for (let round = 0; ; round++)
    for (let request = 0; request < requests; request++) yield keyOf(round, rng.integer(0, keys - 1));
}

/**
 * Every worker asks `ask` of its share of the keys, round after round, until one in which nobody used them. `isUsed`
 * tells by an answer whether the key was used, and `again` whether there is more to ask of it.
 */
export function* finalRequests<In extends Input, Out extends Json>(
  { keys }: Rounds,
  { worker, workerCount }: WorkerContext,
  ask: (key: string) => In,
  { isUsed, again }: { isUsed(output: Out): boolean; again(output: Out): boolean },
): Requests<In, Out> {
  for (let round = 0, wasUsed = true; wasUsed; round++) {
    wasUsed = false;
    for (let key = worker % keys; key < keys; key += workerCount)
      for (let failures = 0; failures < FINAL_TRIES; ) {
        const request: Directed<In> = { ask: ask(keyOf(round, key)), afterMs: failures * RETRY_MS };
        const answer: Completion<Out> = yield request;
        if (answer.type !== 'ok') failures++;
        else {
          wasUsed ||= isUsed(answer.output);
          if (!again(answer.output)) break;
        }
      }
  }
}
