/** Workers fight for a few locks, hold each for a moment, and give it back. Unknown outcomes may keep a lock: others follow. */

import { fencing, lock as exclusion, type LockInput, type LockOutput } from '../checkers/lock.ts';
import { defineWorkload } from '../rig/define.ts';
import { KeysInTurn, type Rounds } from './rounds.ts';

const ROUNDS: Rounds = { keys: 3, requests: 40 };
/** Far longer than anybody holds a lock, so that a lease seldom ends before its release. */
const TTL_MS = 5_000;
const LONGEST_HOLD_MS = 40;

type Asked = LockInput &
  (
    | { readonly f: 'acquire'; readonly key: string; readonly ttlMs: number }
    | { readonly f: 'release'; readonly key: string; readonly token: number }
  );

export const lock = defineWorkload<'lock', Asked, LockOutput>({
  name: 'lock',
  summary: 'acquires and releases locks; no two may hold one at once, and fencing tokens must go up',
  api: 'lock',
  checkers: [exclusion, fencing],
  semantics: { acquire: 'unsafe', release: 'unsafe' },

  *generator(context) {
    for (const keys = new KeysInTurn(ROUNDS, context); ; ) {
      const key = keys.draw();
      // Whatever the answer: a lock that nobody will give back must be left one day.
      keys.spend();
      const answer = yield { f: 'acquire', key, ttlMs: TTL_MS };
      if (answer.type !== 'ok') continue;
      const token = Number(answer.output);
      yield { ask: { f: 'release', key, token }, afterMs: context.rng.integer(0, LONGEST_HOLD_MS) };
    }
  },

  async invoke(locks, input, signal) {
    if (input.f === 'acquire') return locks.acquire(input.key, input.ttlMs, signal);
    await locks.release(input.key, input.token, signal);
    return null;
  },
});
