/**
 * Workers change keys under a few prefixes and watch what happened to them since they last looked. In the end everybody
 * watches everything, so that all must have been told the same.
 */

import { watch as guarantees, type WatchInput, type WatchOutput } from '../checkers/watch.ts';
import type { FeedMessage } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';

const PREFIXES = ['a/', 'b/', 'c/'] as const;
const KEYS = 3;
const WATCHES = 0.3;
const DELETES = 0.2;
/** Workers count their values from multiples of this. */
const VALUES_PER_WORKER = 1_000_000;
const FINAL_TRIES = 5;
const RETRY_MS = 200;

type Asked = WatchInput &
  (
    | { readonly f: 'write' }
    | { readonly f: 'watch'; readonly prefix: string; readonly from: number; readonly to: number }
  );

export const watch = defineWorkload<'feed', Asked, WatchOutput>({
  name: 'watch',
  summary: 'changes keys and watches them; every watch must be told everything, once, in order and as it was',
  api: 'feed',
  checkers: [guarantees],
  semantics: { write: 'unsafe', watch: 'safe' },

  *generator({ worker, rng }) {
    let written = worker * VALUES_PER_WORKER;
    /** By prefix, the revision from which to watch, and the last that must be told. */
    const next = new Map<string, number>();
    const last = new Map<string, number>();
    for (;;) {
      const prefix = rng.pick(PREFIXES);
      const from = next.get(prefix) ?? 1;
      const to = last.get(prefix) ?? 0;
      if (from <= to && rng.chance(WATCHES)) {
        const answer = yield { f: 'watch', prefix, from, to };
        if (answer.type === 'ok') next.set(prefix, 1 + lastTold(answer.output));
        continue;
      }
      const key = `${prefix}${rng.integer(1, KEYS)}`;
      const answer = yield { f: 'write', key, value: rng.chance(DELETES) ? null : ++written };
      if (answer.type === 'ok') last.set(prefix, Math.max(to, Number(answer.output)));
    }
  },

  /** Whoever writes a last mark under a prefix must be told all that was acknowledged there before. */
  *finalGenerator({ worker, nodes }) {
    if (worker >= nodes.length) return;
    for (const prefix of PREFIXES) {
      let mark = 0;
      for (let tries = 0; tries < FINAL_TRIES && mark === 0; tries++) {
        const ask = { f: 'write', key: `${prefix}mark`, value: `${worker} ${tries}` } as const;
        const answer = yield { ask, afterMs: tries * RETRY_MS };
        if (answer.type === 'ok') mark = Number(answer.output);
      }
      for (let tries = 0; tries < FINAL_TRIES && mark > 0; tries++) {
        const answer = yield { ask: { f: 'watch', prefix, from: 1, to: mark }, afterMs: tries * RETRY_MS };
        if (answer.type === 'ok') break;
      }
    }
  },

  async invoke(feed, input, signal) {
    if (input.f === 'write') return feed.write(input.key, input.value, signal);
    return feed.watch(input.prefix, input.from, input.to, signal);
  },
});

const lastTold = (output: WatchOutput): number =>
  (output as unknown as readonly FeedMessage[]).at(-1)?.changes.at(-1)?.revision ?? 0;
