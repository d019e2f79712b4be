/**
 * The `kv` API over etcd's HTTP/JSON gateway, and the table of what its errors mean. Keys and values are base64 there;
 * a value is its JSON text, `null` is the key's absence. A request is sent once, never again by itself.
 */

import type { Client as HttpClient } from 'undici';
import type { Client, Json } from '../../rig/contract.ts';
import { RequestError } from '../../rig/define.ts';
import { errorOf, httpErrorOf, definite } from './errors.ts';
import { undici } from '../../rig/packages.ts';

const connectMs = 1_000;
/** Above the rig's own limit for a request, which normally ends it: nothing hangs if that should fail. */
const answerMs = 60_000;
const answerBytes = 1 << 20;

export interface EtcdOptions {
  /** Reads are answered by the node's own copy, without asking the others. */
  readonly serializable: boolean;
}

export type Answer = Readonly<Record<string, unknown>>;
export type Ask = (asked: string, body: object, signal: AbortSignal) => Promise<Answer>;
/** The answers of a request that is answered for as long as one listens. */
export type Stream = (asked: string, body: object, signal: AbortSignal) => AsyncIterable<Answer>;

/** A connection of its own to one node, opened with the first request. */
export function openEtcd(
  origin: string,
  mostBytes = answerBytes,
): { readonly ask: Ask; readonly stream: Stream; close(): Promise<void> } {
  const http = new (undici().Client)(origin, {
    connect: { timeout: connectMs },
    headersTimeout: answerMs,
    bodyTimeout: answerMs,
    maxResponseSize: mostBytes,
    pipelining: 1,
  });
  return {
    ask: (asked, body, signal) => post(http, asked, body, signal),
    stream: (asked, body, signal) => streamed(http, asked, body, signal),
    close: () => http.destroy().catch(() => {}),
  };
}

export function connectEtcd(origin: string, options: EtcdOptions): Client<'kv'> {
  const { ask, close } = openEtcd(origin);
  return {
    definite,
    async get(key, signal) {
      const answer = await ask('/v3/kv/range', { key: encode(key), serializable: options.serializable }, signal);
      return valueIn(answer);
    },
    async put(key, value, signal) {
      if (value === null) await ask('/v3/kv/deleterange', { key: encode(key) }, signal);
      else await ask('/v3/kv/put', { key: encode(key), value: encodeJson(value) }, signal);
    },
    async cas(key, from, to, signal) {
      const answer = await ask('/v3/kv/txn', { compare: [expects(key, from)], success: [writes(key, to)] }, signal);
      return answer['succeeded'] === true;
    },
    [Symbol.asyncDispose]: close,
  };
}

export const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
export const encodeJson = (value: Json): string => encode(JSON.stringify(value));

const expects = (key: string, value: Json): object =>
  value === null
    ? { key: encode(key), target: 'CREATE', result: 'EQUAL', createRevision: '0' }
    : { key: encode(key), target: 'VALUE', result: 'EQUAL', value: encodeJson(value) };

/** A part of a transaction; `null` deletes the key. */
export const writes = (key: string, value: Json): object =>
  value === null
    ? { requestDeleteRange: { key: encode(key) } }
    : { requestPut: { key: encode(key), value: encodeJson(value) } };

/** The value of the one key that was asked for; `null` if it is absent. */
export function valueIn(answer: Answer): Json {
  const kvs = answer['kvs'];
  if (kvs === undefined) return null;
  const first: unknown = Array.isArray(kvs) ? kvs[0] : undefined;
  const value = (first as { readonly value?: unknown } | undefined)?.value;
  if (typeof value !== 'string') throw new RequestError('bad-answer', 'the answer has no value');
  return parse(Buffer.from(value, 'base64').toString('utf8')) as Json;
}

async function post(http: HttpClient, asked: string, body: object, signal: AbortSignal): Promise<Answer> {
  let status: number;
  let text: string;
  try {
    const response = await http.request({ method: 'POST', path: asked, body: JSON.stringify(body), signal });
    status = response.statusCode;
    text = await response.body.text();
  } catch (error) {
    throw errorOf(error, signal);
  }
  if (status !== 200) throw httpErrorOf(status, text);
  const answer = parse(text);
  if (typeof answer !== 'object' || answer === null) throw new RequestError('bad-answer', text.slice(0, 200));
  return answer as Answer;
}

async function* streamed(http: HttpClient, asked: string, body: object, signal: AbortSignal): AsyncGenerator<Answer> {
  try {
    const response = await http.request({ method: 'POST', path: asked, body: JSON.stringify(body), signal });
    if (response.statusCode !== 200) throw httpErrorOf(response.statusCode, await response.body.text());
    response.body.setEncoding('utf8');
    let rest = '';
    for await (const text of response.body as AsyncIterable<string>) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) if (line !== '') yield parse(line) as Answer;
    }
  } catch (error) {
    throw error instanceof RequestError ? error : errorOf(error, signal);
  }
}

/** Rejects with `bad-answer`. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RequestError('bad-answer', `not JSON: ${text.slice(0, 200)}`);
  }
}
