/**
 * Workers append values of their own to shared logs, each a list under one key, and read on where they left off. In the
 * end every log is read from its beginning, so that what is missing is lost.
 */

import { log as isLog, type LogInput, type LogOutput } from '../checkers/log.ts';
import type { Json } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';
import { finalRequests, KeysInTurn, type Rounds } from './rounds.ts';
import { update } from './update.ts';

/** A log is its list, sent whole with every append: some hundred entries are enough. */
const ROUNDS: Rounds = { keys: 4, requests: 150 };
const POLLS = 0.4;
/** Workers count their values from multiples of this. */
const VALUES_PER_WORKER = 1_000_000;

type Asked = LogInput &
  (
    | { readonly f: 'send'; readonly key: string; readonly value: number }
    | { readonly f: 'poll'; readonly key: string; readonly from: number }
  );

export const log = defineWorkload<'kv', Asked, LogOutput>({
  name: 'log',
  summary: 'appends to logs by compare-and-set and reads on; every acknowledged value must be at its one offset',
  api: 'kv',
  checkers: [isLog],
  semantics: { send: 'unsafe', poll: 'safe' },

  *generator(context) {
    let sent = context.worker * VALUES_PER_WORKER;
    /** By log, the offset that comes next. */
    const next = new Map<string, number>();
    for (const keys = new KeysInTurn(ROUNDS, context); ; ) {
      const key = keys.draw();
      const from = next.get(key) ?? 0;
      const polls = context.rng.chance(POLLS);
      const answer = yield polls ? { f: 'poll', key, from } : { f: 'send', key, value: ++sent };
      if (answer.type !== 'ok') continue;
      keys.spend();
      if (polls) next.set(key, from + listOf(answer.output).length);
    }
  },

  *finalGenerator(context) {
    yield* finalRequests<Asked, LogOutput>(ROUNDS, context, (key) => ({ f: 'poll', key, from: 0 }), {
      isUsed: (output) => listOf(output).length > 0,
      again: () => false,
    });
  },

  async invoke(kv, input, signal) {
    if (input.f === 'poll')
      return listOf(await kv.get(input.key, signal))
        .map((value, offset): Json => [offset, value])
        .slice(input.from);
    const { before } = await update(kv, input.key, (value) => [...listOf(value), input.value], signal);
    return listOf(before).length;
  },
});

const listOf = (value: Json): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);
