/** How a client insists on an answer: again through other nodes, later and later, as long as the answer leaves a doubt. */

import type { Completion, Directed, Input, Json, NodeId, WorkerContext } from '../rig/contract.ts';

/** Requests that end with a result. */
export type Asks<In extends Input, Out extends Json, Result> = Generator<In | Directed<In>, Result, Completion<Out>>;

/** A request that is not answered is repeated so often at most, over about four seconds. */
const MOST_ATTEMPTS = 8;
const FIRST_BACKOFF_MS = 40;
const LONGEST_BACKOFF_MS = 1_200;
/** Not every client insists after a refusal: a request that was only ever refused must never take effect. */
const GIVE_UP_WHEN_REFUSED = 0.5;
/** Nobody was there, or not now. */
const BUSY: readonly string[] = ['http-503', 'connection-refused', 'connect-timeout'];

/** `inUse`: classes of error by which a service says that it is at work on the request. Whether it was acknowledged. */
export function* insist<In extends Input, Out extends Json>(
  { rng, nodes, node }: WorkerContext,
  request: In,
  inUse: readonly string[],
): Asks<In, Out, boolean> {
  const others = nodes.length > 1 ? nodes.filter((other) => other !== node) : nodes;
  const isWorthRepeating = (end: Completion<Out>): boolean => {
    if (end.type !== 'fail') return end.type === 'info';
    return inUse.includes(end.error) || (BUSY.includes(end.error) && !rng.chance(GIVE_UP_WHEN_REFUSED));
  };
  let answer = yield request;
  for (let attempt = 1; attempt < MOST_ATTEMPTS && isWorthRepeating(answer); attempt++) {
    const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), LONGEST_BACKOFF_MS);
    answer = yield {
      ask: request,
      via: attempt % 3 === 0 ? node : rng.pick(others),
      afterMs: Math.round(backoffMs * (0.5 + rng.float() / 2)),
    };
  }
  return answer.type === 'ok';
}

/** Before the final reads: longer than a sound service works on a request that nobody waits for any more. */
export const SETTLE_MS = 1_500;
const FINAL_TRIES = 40;
const FINAL_RETRY_MS = 250;

/** Asks through one node after the other until one answers, first after so long. `null`: none did in the end. */
export function* untilAnswered<In extends Input, Out extends Json>(
  nodes: readonly NodeId[],
  ask: In,
  firstAfterMs: number,
): Asks<In, Out, Out | null> {
  for (let attempt = 0; attempt < FINAL_TRIES; attempt++) {
    const afterMs = attempt === 0 ? firstAfterMs : FINAL_RETRY_MS;
    const answer = yield { ask, via: nodes[attempt % nodes.length] as NodeId, afterMs };
    if (answer.type === 'ok') return answer.output;
  }
  return null;
}
