/**
 * Writes that are told their version, plain reads, and reads of what a key is since a version: through whatever node,
 * versions only go up, and one version is one value.
 */

import { versions as checker, type VersionsInput, type VersionsOutput } from '../checkers/versions.ts';
import type { Feed, Json } from '../rig/contract.ts';
import { defineWorkload, RequestError } from '../rig/define.ts';
import { KeysInTurn, type Rounds } from './rounds.ts';

/** Few keys, so that workers meet; not for long, so that what is asked for is not far back. */
const ROUNDS: Rounds = { keys: 4, requests: 150 };
const READS = 0.5;
/** Of the reads, those that a node answers from what it has. */
const PLAIN_READS = 0.6;
/** Workers count their writes from multiples of this, so that a read tells whose write it saw. */
const VALUES_PER_WORKER = 1_000_000;

/** `since`: a version that the key has had, and that an answer must not be older than. */
type Asked = VersionsInput &
  (
    | { readonly f: 'read'; readonly key: string; readonly since?: number }
    | { readonly f: 'write'; readonly key: string; readonly value: number }
  );

export const versions = defineWorkload<'feed', Asked, VersionsOutput>({
  name: 'versions',
  summary: 'writes keys and reads them, plainly or since a version; versions only go up, and one is one value',
  api: 'feed',
  checkers: [checker],
  // A late repeat makes another version.
  semantics: { read: 'safe', write: 'unsafe' },

  *generator(context) {
    const { worker, nodes, rng } = context;
    let written = worker * VALUES_PER_WORKER;
    /** By key, the latest version that this worker knows of. */
    const known = new Map<string, number>();
    for (const keys = new KeysInTurn(ROUNDS, context); ; ) {
      const key = keys.draw();
      const since = known.get(key);
      const isRead = since !== undefined && rng.chance(READS);
      const asked: Asked = isRead
        ? { f: 'read', key, ...(rng.chance(PLAIN_READS) ? {} : { since }) }
        : { f: 'write', key, value: ++written };
      const answer = yield { ask: asked, via: rng.pick(nodes) };
      if (answer.type !== 'ok') continue;
      keys.spend();
      known.set(key, Math.max(since ?? 0, versionIn(answer.output)));
    }
  },

  async invoke(feed, input, signal) {
    if (input.f === 'read') {
      if (input.since !== undefined) return latest(feed, input.key, input.since, signal);
      const { value, revision } = await feed.read(nameOf(input.key), signal);
      return { version: revision, value };
    }
    return { version: await feed.write(nameOf(input.key), input.value, signal) };
  },
});

/** No name is the beginning of another. */
const nameOf = (key: string): string => `${key}/`;

async function latest(feed: Feed, key: string, since: number, signal: AbortSignal): Promise<Json> {
  const messages = await feed.watch(nameOf(key), since, since, signal);
  const last = messages.flatMap(({ changes }) => changes).at(-1);
  if (!last) throw new RequestError('bad-answer', 'nothing was told, though the key has had that version');
  return { version: last.revision, value: last.value };
}

const versionIn = (output: VersionsOutput): number => (output as { readonly version: number }).version;
