/** Keys are used for a round and then left for fresh ones, so that no value and no key's history grows without end. */

import type { Completion, Directed, Input, Json, Requests, WorkerContext } from '../rig/contract.ts';
import type { Random } from '../rig/random.ts';

/** How a workload spends its keys. */
export interface Rounds {
  /** Keys in use at once. */
  readonly keys: number;
  /** Requests that a worker makes before it moves on. */
  readonly requests: number;
}

const FINAL_TRIES = 8;
const RETRY_MS = 150;
/** Rounds without use after which there are no more: workers that a fault held up are behind, but not far. */
const MOST_UNUSED = 3;

const keyOf = (round: number, key: number): string => `r${round}k${key}`;

/** Which key a worker asks for next. */
export class KeysInTurn {
  readonly #rounds: Rounds;
  readonly #rng: Random;
  #spent = 0;

  constructor(rounds: Rounds, { rng }: WorkerContext) {
    this.#rounds = rounds;
    this.#rng = rng;
  }

  draw(): string {
    return keyOf(Math.floor(this.#spent / this.#rounds.requests), this.#rng.integer(0, this.#rounds.keys - 1));
  }

  /** To be called for every request that counts: refusals come fast, and whoever counts them is soon far ahead of all others. */
  spend(requests = 1): void {
    this.#spent += requests;
  }
}

/**
 * Every worker asks `ask` of its share of the keys, round after round, as long as they were used. `isUsed` tells by an
 * answer whether the key was used, and `again` whether there is more to ask of it.
 */
export function* finalRequests<In extends Input, Out extends Json>(
  { keys }: Rounds,
  { worker, workerCount }: WorkerContext,
  ask: (key: string) => In,
  { isUsed, again }: { isUsed(output: Out): boolean; again(output: Out): boolean },
): Requests<In, Out> {
  for (let round = 0, unused = 0; worker < keys && unused < MOST_UNUSED; round++) {
    unused++;
    for (let key = worker; key < keys; key += workerCount)
      for (let failures = 0; failures < FINAL_TRIES; ) {
        const request: Directed<In> = { ask: ask(keyOf(round, key)), afterMs: failures * RETRY_MS };
        const answer: Completion<Out> = yield request;
        if (answer.type !== 'ok') failures++;
        else {
          if (isUsed(answer.output)) unused = 0;
          if (!again(answer.output)) break;
        }
      }
  }
}
