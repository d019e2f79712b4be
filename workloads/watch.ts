/**
 * Workers change keys under a few prefixes and watch what happened to them since they last looked. In the end everybody
 * watches everything, so that all must have been told the same.
 */

import { watch as guarantees, type WatchInput, type WatchOutput } from '../checkers/watch.ts';
import type { FeedMessage, Requests, WorkerContext } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';
import type { Random } from '../rig/random.ts';

const PREFIXES = ['a/', 'b/', 'c/'] as const;
const KEYS = 3;
/** How often a worker asks what became of its prefix since it last looked. */
const FOLLOWS = 0.2;
const DELETES = 0.2;
/** How far ahead a watch may begin, in what the store grows by while one change is made. */
const AHEAD = [1, 10, 100] as const;
/** Workers count their values from multiples of this. */
const VALUES_PER_WORKER = 1_000_000;
const FINAL_TRIES = 5;
const RETRY_MS = 200;

type Asked = WatchInput &
  (
    | { readonly f: 'write' }
    | { readonly f: 'watch'; readonly prefix: string; readonly from: number; readonly to: number }
  );

/** Changes keys under all prefixes, and asks from time to time what became of one of them since it last looked. */
function* follows({ worker, rng }: WorkerContext): Requests<Asked, WatchOutput> {
  const prefix = PREFIXES[worker % PREFIXES.length] as string;
  const change = changesOf(worker, rng);
  let next = 1;
  let last = 0;
  for (;;) {
    if (next <= last && rng.chance(FOLLOWS)) {
      const answer = yield { f: 'watch', prefix, from: next, to: last };
      if (answer.type === 'ok') next = 1 + lastTold(answer.output);
      continue;
    }
    const asked = change();
    const answer = yield asked;
    if (answer.type === 'ok' && asked.key.startsWith(prefix)) last = Math.max(last, Number(answer.output));
  }
}

/**
 * Learns by two changes how far the store is and how fast it grows, and watches through any node from a revision that
 * is yet to come: as a client that was connected to another node, or to none, since.
 */
function* looksAhead({ worker, rng, nodes }: WorkerContext): Requests<Asked, WatchOutput> {
  const change = changesOf(worker, rng);
  for (;;) {
    const before = yield change();
    const after = yield change();
    if (before.type !== 'ok' || after.type !== 'ok' || Number(after.output) === 0) continue;
    const grown = Math.max(1, Number(after.output) - Number(before.output));
    const from = Number(after.output) + 1 + rng.integer(0, rng.pick(AHEAD) * grown);
    // Whatever is delivered first ends it: nothing before `from` should be.
    yield { ask: { f: 'watch', prefix: rng.pick(PREFIXES), from, to: 0 }, via: rng.pick(nodes) };
  }
}

/** Changes to any of the keys, each with a value of its own or none. */
function changesOf(worker: number, rng: Random) {
  let written = worker * VALUES_PER_WORKER;
  return () => {
    const key = `${rng.pick(PREFIXES)}${rng.integer(1, KEYS)}`;
    return { f: 'write', key, value: rng.chance(DELETES) ? null : ++written } as const;
  };
}

export const watch = defineWorkload<'feed', Asked, WatchOutput>({
  name: 'watch',
  summary: 'changes keys and watches them; every watch must be told everything, once, in order and as it was',
  api: 'feed',
  checkers: [guarantees],
  semantics: { write: 'unsafe', watch: 'safe' },

  *generator(context) {
    const { worker, nodes } = context;
    yield* Math.floor(worker / nodes.length) % 2 === 1 ? looksAhead(context) : follows(context);
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
