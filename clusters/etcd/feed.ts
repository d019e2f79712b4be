/**
 * The `feed` API over etcd's watch stream: one JSON object a line, for as long as the connection lasts. Revisions are
 * those of the whole store.
 */

import type { Client, FeedChange, FeedMessage, Json } from '../../rig/contract.ts';
import { RequestError } from '../../rig/define.ts';
import { type Answer, encode, encodeJson, type EtcdOptions, openEtcd, parse, valueIn } from './client.ts';
import { definite, httpErrorOf } from './errors.ts';

/** A watch that delivered so much without coming to its end is given up. */
const watchBytes = 64 << 20;

export function connectFeed(origin: string, { serializable }: EtcdOptions): Client<'feed'> {
  const { ask, stream, close } = openEtcd(origin, watchBytes);
  return {
    definite,
    async write(key, value, signal) {
      if (value !== null)
        return revisionIn(await ask('/v3/kv/put', { key: encode(key), value: encodeJson(value) }, signal));
      const answer = await ask('/v3/kv/deleterange', { key: encode(key) }, signal);
      return answer['deleted'] === undefined ? 0 : revisionIn(answer);
    },
    async read(key, signal) {
      const answer = await ask('/v3/kv/range', { key: encode(key), serializable }, signal);
      const [found] = (answer['kvs'] ?? []) as readonly Answer[];
      return { value: valueIn(answer), revision: found === undefined ? 0 : Number(found['mod_revision']) };
    },
    async watch(prefix, from, to, signal) {
      const create = { key: encode(prefix), range_end: endOf(prefix), start_revision: String(from), prev_kv: true };
      const messages: FeedMessage[] = [];
      for await (const answer of stream('/v3/watch', { create_request: create }, signal)) {
        const message = messageIn(answer);
        if (message.changes.length === 0) continue;
        messages.push(message);
        if (message.changes.some(({ revision }) => revision >= to)) return messages;
      }
      throw new RequestError('connection-lost', 'the stream ended');
    },
    [Symbol.asyncDispose]: close,
  };
}

/** The end of the range of keys that begin with `prefix`, which is not empty. */
function endOf(prefix: string): string {
  const bytes = Buffer.from(prefix, 'utf8');
  bytes[bytes.length - 1]!++;
  return bytes.toString('base64');
}

function revisionIn(answer: Answer): number {
  const revision = Number((answer['header'] as Answer | undefined)?.['revision']);
  if (!Number.isInteger(revision)) throw new RequestError('bad-answer', 'the answer has no revision');
  return revision;
}

/** What etcd calls a response of the watch; it may announce the watch itself, or its end. */
function messageIn(answer: Answer): FeedMessage {
  if (answer['error'] !== undefined) throw httpErrorOf(200, JSON.stringify(answer['error']));
  const result = answer['result'] as Answer | undefined;
  if (!result) throw new RequestError('bad-answer', 'the answer has no result');
  if (result['canceled'] === true) {
    const errorClass = result['compact_revision'] === undefined ? 'cancelled' : 'compacted';
    throw new RequestError(errorClass, String(result['cancel_reason'] ?? 'the watch was cancelled'));
  }
  const events = (result['events'] ?? []) as readonly Answer[];
  return { revision: revisionIn(result), changes: events.map(changeIn) };
}

function changeIn(event: Answer): FeedChange {
  const kv = event['kv'] as Answer;
  const previous = event['prev_kv'] as Answer | undefined;
  return {
    key: decode(kv['key']),
    value: event['type'] === 'DELETE' ? null : (parse(decode(kv['value'])) as Json),
    revision: Number(kv['mod_revision']),
    created: event['type'] !== 'DELETE' && kv['create_revision'] === kv['mod_revision'],
    ...(previous === undefined ? {} : { previous: parse(decode(previous['value'])) as Json }),
  };
}

const decode = (base64: unknown): string => Buffer.from(String(base64 ?? ''), 'base64').toString('utf8');
