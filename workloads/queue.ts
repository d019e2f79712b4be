/**
 * Workers put values of their own into shared queues and take what comes first, each queue a list under one key. In the
 * end the queues are emptied, all that is left in one at once, so that what is missing is lost.
 */

import { queue as fifo, type QueueInput, type QueueOutput, totalQueue } from '../checkers/queue.ts';
import type { Json } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';
import { finalRequests, KeysInTurn, type Rounds } from './rounds.ts';
import { update } from './update.ts';

const ROUNDS: Rounds = { keys: 4, requests: 150 };
/** Enough more than half that no queue is left empty by chance at the end of its round: that would look like one never used. */
const ENQUEUES = 0.58;
/** Workers count their values from multiples of this. */
const VALUES_PER_WORKER = 1_000_000;

type Asked = QueueInput & { readonly f: 'enqueue' | 'dequeue' | 'drain' };

export const queue = defineWorkload<'kv', Asked, QueueOutput>({
  name: 'queue',
  summary:
    'puts values into queues and takes them out by compare-and-set; each must come out once, first in, first out',
  api: 'kv',
  checkers: [fifo, totalQueue],
  semantics: { enqueue: 'unsafe', dequeue: 'unsafe', drain: 'unsafe' },

  *generator(context) {
    let put = context.worker * VALUES_PER_WORKER;
    for (const keys = new KeysInTurn(ROUNDS, context); ; ) {
      const key = keys.draw();
      const answer = yield context.rng.chance(ENQUEUES) ? { f: 'enqueue', key, value: ++put } : { f: 'dequeue', key };
      if (answer.type === 'ok') keys.spend();
    }
  },

  *finalGenerator(context) {
    const hadSome = (output: QueueOutput) => listOf(output).length > 0;
    yield* finalRequests<Asked, QueueOutput>(ROUNDS, context, (key) => ({ f: 'drain', key }), {
      isUsed: hadSome,
      again: hadSome,
    });
  },

  async invoke(kv, input, signal) {
    const key = String(input.key);
    if (input.f === 'enqueue') {
      await update(kv, key, (value) => [...listOf(value), input.value], signal);
      return null;
    }
    const taken = (value: Json) => (input.f === 'drain' ? listOf(value) : listOf(value).slice(0, 1));
    const { before } = await update(
      kv,
      key,
      (value) => (listOf(value).length > 0 ? listOf(value).slice(taken(value).length) : value),
      signal,
    );
    return input.f === 'drain' ? taken(before) : (taken(before)[0] ?? null);
  },
});

const listOf = (value: Json): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);
