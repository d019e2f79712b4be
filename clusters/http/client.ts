/**
 * The API `service` of a service that a definition tells how to ask: fills in its templates, believes only the statuses
 * of acceptance, and calls definite only what the definition does.
 */

import { createHash } from 'node:crypto';
import type { Pool } from 'undici';
import type { Clock } from '../../rig/clock.ts';
import type { Client, ServiceTerms } from '../../rig/contract.ts';
import { Refused, RequestError } from '../../rig/define.ts';
import type { HttpServiceDefinition } from '../../rig/service-definition.ts';
import type { Address } from '../hosts/host.ts';
import { ask, NEVER_SENT } from './asking.ts';
import { readEffects } from './effects.ts';
import { sendProbe } from './probe.ts';
import { buildRequest } from './service-request.ts';
import type { Sink } from './sink.ts';
import { spoil } from './spoil.ts';
import { filledText, valueAt } from './template.ts';
import { undici } from '../../rig/packages.ts';

const LARGEST_ANSWER_BYTES = 1024 * 1024;
const LARGEST_HEAD_BYTES = 16 * 1024;
const CONNECT_TIMEOUT_MS = 5_000;
const MOST_SHOWN = 200;
/** RFC 9110, section 8.8.3: a strong one, of no bytes but ASCII; If-Match takes no weak one. */
const ETAG = /^"[\x21\x23-\x7e]{0,256}"$/;

/** What a client of one node needs to know. */
export interface ServicePlace {
  readonly definition: HttpServiceDefinition;
  readonly terms: ServiceTerms;
  readonly address: Address;
  readonly sink: Sink | null;
  readonly clock: Clock;
  /** Bytes that the node holds in memory, or `null`. */
  memory(): number | null;
}

export const poolFor = ({ host, port }: Address): Pool =>
  new (undici().Pool)(`http://${host}:${port}`, {
    connections: 2,
    pipelining: 1,
    maxHeaderSize: LARGEST_HEAD_BYTES,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  });

export function serviceClient({ definition, terms, address, sink, clock, memory }: ServicePlace): Client<'service'> {
  const pool = poolFor(address);
  return {
    definite: new Set([...NEVER_SENT, ...terms.fail.map((status) => `http-${status}`)]),
    terms: async () => terms,
    async request(request, signal) {
      const answer = await ask(pool, buildRequest(definition, request), LARGEST_ANSWER_BYTES, signal);
      if (!terms.ok.includes(answer.status)) throw new RequestError(`http-${answer.status}`, answer.text.slice(0, 200));
      const path = definition.operations[request.operation]?.answer?.id;
      if (path === undefined) return { status: answer.status, id: null };
      const id = valueAt(answer.json, path);
      if (typeof id !== 'string' && typeof id !== 'number')
        throw new RequestError('bad-answer', `the answer has no "${path}": ${answer.text.slice(0, 200)}`);
      return { status: answer.status, id: String(id) };
    },
    effects: (signal) => readEffects(definition, terms.keyPrefix, pool, sink, signal),
    async state({ operation, values, by = 'GET' }, signal) {
      const where = definition.operations[operation]?.state;
      if (!where) throw new Refused('no-state', `operations.${operation} says nothing of a state`);
      const path = filledText(where.path, values, encodeURIComponent);
      const answer = await ask(pool, { method: by, path }, LARGEST_ANSWER_BYTES, signal);
      const { status, headers, text, json } = answer;
      if (status >= 500 && by === 'GET') throw new RequestError(`http-${status}`, text.slice(0, 200));
      const seen = where.value === undefined ? text : JSON.stringify(valueAt(json, where.value));
      const etag = headers['etag'];
      return {
        shown: by === 'GET' ? shortened(`${status} ${seen}`) : String(status),
        etag: typeof etag === 'string' && ETAG.test(etag) ? etag : null,
      };
    },
    async probe(probe, signal) {
      const hidden = buildRequest(definition, { ...probe, key: `${probe.key}-hidden` });
      const authority = `${address.host}:${address.port}`;
      return sendProbe(address, spoil(buildRequest(definition, probe), probe.spoilt, authority, hidden), clock, signal);
    },
    memory: async () => memory(),
    async [Symbol.asyncDispose]() {
      await pool.destroy();
    },
  };
}

/** As long as people read; the rest by its hash. */
const shortened = (text: string): string =>
  text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}… ${createHash('sha256').update(text).digest('hex')}`;

/** Resolves if a node serves; rejects with what it did instead. */
export async function mustServe(
  address: Address,
  definition: HttpServiceDefinition,
  signal: AbortSignal,
): Promise<void> {
  const pool = poolFor(address);
  const { path, status } = definition.ready ?? { path: '/' };
  try {
    const answer = await ask(pool, { method: 'GET', path }, LARGEST_ANSWER_BYTES, signal);
    const serves = definition.ready ? answer.status === (status ?? 200) : answer.status < 500;
    if (!serves)
      throw new RequestError(
        `http-${answer.status}`,
        `GET ${path} was answered ${answer.status}: ${answer.text.slice(0, 200)}`,
      );
  } finally {
    await pool.destroy();
  }
}
