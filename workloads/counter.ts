/** Workers add to shared counters, and sometimes take away, by compare-and-set, and read them. */

import { type CounterInput, type CounterOutput, counter as withinBounds } from '../checkers/counter.ts';
import type { Json } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';
import { finalRequests, KeysInTurn, type Rounds } from './rounds.ts';
import { update } from './update.ts';

/** Unknown adds widen what is allowed, so that fresh counters are begun now and then. */
const ROUNDS: Rounds = { keys: 6, requests: 60 };
const READS = 0.4;
const LARGEST_ADD = 9;

type Asked = CounterInput & { readonly f: 'add' | 'read' };

export const counter = defineWorkload<'kv', Asked, CounterOutput>({
  name: 'counter',
  summary: 'adds to counters by compare-and-set; each acknowledged add must count, and count once',
  api: 'kv',
  checkers: [withinBounds],
  semantics: { add: 'unsafe', read: 'safe' },

  *generator(context) {
    const { rng } = context;
    for (const keys = new KeysInTurn(ROUNDS, context); ; ) {
      const key = keys.draw();
      // Every other counter only grows, so that its reads must never go back.
      const takesAway = /[135]$/.test(key);
      const value = rng.integer(1, LARGEST_ADD) * (takesAway && rng.chance(0.3) ? -1 : 1);
      const answer = yield rng.chance(READS) ? { f: 'read', key } : { f: 'add', key, value };
      if (answer.type === 'ok') keys.spend();
    }
  },

  *finalGenerator(context) {
    yield* finalRequests<Asked, CounterOutput>(ROUNDS, context, (key) => ({ f: 'read', key }), {
      isUsed: (output) => output !== null,
      again: () => false,
    });
  },

  async invoke(kv, input, signal) {
    const key = String(input.key);
    if (input.f === 'read') return kv.get(key, signal);
    await update(kv, key, (value) => numberIn(value) + (input.value ?? 1), signal);
    return null;
  },
});

const numberIn = (value: Json): number => (typeof value === 'number' ? value : 0);
