/**
 * How long a service keeps its keys, by the terms that it was declared by: what was acknowledged is asked for again while
 * its key is kept, where it must be known, and after its key is over, where what was declared must become of it.
 */

import { AGE_GUARANTEES, exactlyOnceProving, type ServiceInput, type ServiceOutput } from '../checkers/exactly-once.ts';
import type { Directed, NodeId, ServiceTerms, WorkerContext } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';
import { type Asks, SETTLE_MS, untilAnswered } from './insist.ts';
import { invokeService, type KeyedRequest, RequestDraw, readTerms } from './service-requests.ts';

type Asking<Result> = Asks<ServiceInput, ServiceOutput, Result>;

/** Of so many workers one waits for nothing: faults must meet requests while all others let keys grow old. */
const WORKERS_FOR_A_BUSY_ONE = 3;
/** Keys that a worker uses at about the same time, since they take long to grow old. */
const BATCH = 6;
/** How much of its retention has passed when a key is used again: most of it, and with time left for a slow answer. */
const WHILE_KEPT = [0.5, 0.7] as const;
/** Beyond its expiry, a key is used again so much later: as long as a request may take. */
const WHEN_OVER_MS = 1_200;

export const retention = defineWorkload<'service', ServiceInput, ServiceOutput>({
  name: 'retention',
  summary: 'keys used again while a service declares to keep them, and after it declares them to be over',
  api: 'service',
  checkers: [exactlyOnceProving(AGE_GUARANTEES)],
  semantics: { terms: 'safe', request: 'unsafe', effects: 'safe' },

  *generator(context) {
    const terms = yield* readTerms(context);
    const draw = new RequestDraw(context, terms);
    const isBusy = context.worker % WORKERS_FOR_A_BUSY_ONE === 0;
    for (;;) {
      if (isBusy) yield draw.own();
      else yield* oneBatch(context, terms, draw);
    }
  },

  // What is in doubt is not asked for again: its key may be over by then, and it would be done once more.
  *finalGenerator({ worker, nodes }) {
    if (worker !== 0) return;
    yield { ask: { f: 'terms' }, via: nodes[0] as NodeId };
    yield* untilAnswered(nodes, { f: 'effects' }, SETTLE_MS);
  },

  invoke: invokeService,
});

function* oneBatch(context: WorkerContext, { retentionMs, expiry }: ServiceTerms, draw: RequestDraw): Asking<void> {
  const { rng, nodes } = context;
  const acknowledged: KeyedRequest[] = [];
  for (let count = 0; count < BATCH; count++) {
    const request = draw.own();
    const answer = yield request;
    if (answer.type === 'ok') acknowledged.push(request);
  }
  const again = function* (afterMs: number): Asking<void> {
    for (const [nth, ask] of acknowledged.entries()) {
      const request: Directed<ServiceInput> = { ask, via: rng.pick(nodes) };
      yield nth === 0 ? { ...request, afterMs: Math.round(afterMs) } : request;
    }
  };
  if (retentionMs === null) return;
  const keptMs = retentionMs * (WHILE_KEPT[0] + rng.float() * (WHILE_KEPT[1] - WHILE_KEPT[0]));
  yield* again(keptMs);
  if (expiry) yield* again(expiry.afterMs - keptMs + WHEN_OVER_MS);
}
