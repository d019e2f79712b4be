/** Workers add elements of their own to shared sets, each kept as a list under one key, and read the sets now and then. */

import { type SetInput, setFull, type SetOutput } from '../checkers/set-full.ts';
import type { Json } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';
import { finalRequests, KeysInTurn, type Rounds } from './rounds.ts';
import { update } from './update.ts';

/** A set is its list, sent whole with every add: some hundred elements are enough. */
const ROUNDS: Rounds = { keys: 4, requests: 120 };
const READS = 0.35;
/** Workers count their elements from multiples of this. */
const ELEMENTS_PER_WORKER = 1_000_000;

export const set = defineWorkload<'kv', SetInput, SetOutput>({
  name: 'set',
  summary: 'adds elements to sets by compare-and-set; none that was acknowledged may be missing, or be there twice',
  api: 'kv',
  checkers: [setFull],
  semantics: { add: 'unsafe', read: 'safe' },

  *generator(context) {
    let added = context.worker * ELEMENTS_PER_WORKER;
    for (const keys = new KeysInTurn(ROUNDS, context); ; ) {
      const key = keys.draw();
      const answer = yield context.rng.chance(READS) ? { f: 'read', key } : { f: 'add', key, value: ++added };
      if (answer.type === 'ok') keys.spend();
    }
  },

  *finalGenerator(context) {
    yield* finalRequests<SetInput, SetOutput>(ROUNDS, context, (key) => ({ f: 'read', key }), {
      isUsed: (output) => output !== null,
      again: () => false,
    });
  },

  async invoke(kv, input, signal) {
    const key = String(input.key);
    if (input.f === 'read') return kv.get(key, signal);
    await update(kv, key, (value) => [...listOf(value), input.value], signal);
    return null;
  },
});

const listOf = (value: Json): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);
