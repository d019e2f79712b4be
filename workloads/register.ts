/** Workers race to read, write and swap registers; each key is used for a while and then left for a fresh one. */

import { linearizable } from '../checkers/linearizable.ts';
import {
  CAS_MISMATCH,
  register as model,
  type RegisterInput,
  type RegisterOutput,
} from '../checkers/models/register.ts';
import { defineWorkload, Refused } from '../rig/define.ts';

/** Keys in use at once: few enough that workers meet on them and a stale read is seen within seconds. */
const KEYS = 16;
/**
 * Requests that a worker makes before it moves on to fresh keys, so that no key's history grows beyond a few hundred
 * operations. Many, so that a worker held up by a fault does not fall behind to keys that nobody else uses.
 */
const REQUESTS_PER_ROUND = 600;
/** Workers count their writes from multiples of this, so that a read tells whose write it saw. */
const VALUES_PER_WORKER = 1_000_000;
const FINAL_TRIES = 5;

export const register = defineWorkload<'kv', RegisterInput, RegisterOutput>({
  name: 'register',
  summary: 'reads, writes and compare-and-sets many registers; each key must be linearizable',
  api: 'kv',
  checkers: [linearizable(model)],
  // A late repeat of a write could overwrite a newer one.
  semantics: { read: 'safe', write: 'unsafe', cas: 'unsafe' },

  *generator({ worker, rng }) {
    let written = worker * VALUES_PER_WORKER;
    for (let round = 0; ; round++) {
      const seen = new Map<string, RegisterOutput>();
      for (let request = 0; request < REQUESTS_PER_ROUND; request++) {
        const key = keyOf(round, rng.integer(0, KEYS - 1));
        const dice = rng.float();
        if (dice < 0.5) {
          const answer = yield { f: 'read', key };
          if (answer.type === 'ok') seen.set(key, answer.output);
        } else if (dice < 0.8) yield { f: 'write', key, value: ++written };
        else yield { f: 'cas', key, from: seen.get(key) ?? null, to: ++written };
      }
    }
  },

  /** Every worker reads its share of the keys, round after round, until one that nobody wrote to. */
  *finalGenerator({ worker, workerCount }) {
    for (let round = 0, wasUsed = true; wasUsed; round++) {
      wasUsed = false;
      for (let index = worker % KEYS; index < KEYS; index += workerCount) {
        for (let tries = 0; tries < FINAL_TRIES; tries++) {
          const answer = yield { ask: { f: 'read', key: keyOf(round, index) }, afterMs: tries * 100 };
          if (answer.type !== 'ok') continue;
          wasUsed ||= answer.output !== null;
          break;
        }
      }
    }
  },

  async invoke(kv, input, signal) {
    const key = String(input.key);
    switch (input.f) {
      case 'read':
        return kv.get(key, signal);
      case 'write':
        await kv.put(key, input.value, signal);
        return null;
      case 'cas':
        if (!(await kv.cas(key, input.from, input.to, signal))) throw new Refused(CAS_MISMATCH);
        return null;
    }
  },
});

const keyOf = (round: number, key: number): string => `r${round}k${key}`;
