/**
 * The API `service` on a stream: a request is a message that bears its key as `Nats-Msg-Id`, its sequence number is its
 * id, and the effects are the messages that the stream holds.
 */

import type { NatsConnection } from 'nats';
import type { Client, Json, ServiceEffect, ServiceValues } from '../../rig/contract.ts';
import { RequestError } from '../../rig/define.ts';
import type { Address } from '../hosts/host.ts';
import { mustBeKey, notHttp, orderTerms } from '../orders.ts';

const STREAM = 'orders';
const CONNECT_MS = 1_000;
/** Above the rig's own limit for a request, which normally ends it. */
const ANSWER_MS = 60_000;
const BATCH = 500;
const BATCH_MS = 2_000;

const TERMS = orderTerms('nats', 'PUB', 128);

export async function connectOrders(address: Address): Promise<Client<'service'>> {
  const connection = await dial(address);
  const stream = connection.jetstream({ timeout: ANSWER_MS });
  return {
    // Nobody was there to hear it.
    definite: new Set(['nats-503']),
    terms: async () => TERMS,
    async request({ operation, key, values }) {
      mustBeKey(key, TERMS);
      const message = JSON.stringify({ key, values });
      try {
        const { seq } = await stream.publish(`${STREAM}.${operation}`, message, { msgID: key, timeout: ANSWER_MS });
        return { status: 200, id: String(seq) };
      } catch (error) {
        throw errorOf(error);
      }
    },
    effects: (signal) => stored(connection, signal),
    ...notHttp,
    async [Symbol.asyncDispose]() {
      await connection.close().catch(() => {});
    },
  };
}

/** Makes the stream where it is not there yet; rejects until it has a leader. */
export async function ensureStream(
  address: Address,
  windowMs: number,
  copies: number,
  signal: AbortSignal,
): Promise<void> {
  const { nanos, RetentionPolicy, StorageType } = await import('nats');
  const connection = await dial(address);
  const close = () => void connection.close().catch(() => {});
  signal.addEventListener('abort', close, { once: true });
  try {
    const { streams } = await connection.jetstreamManager({ checkAPI: false, timeout: CONNECT_MS });
    const found = await streams.info(STREAM).catch(() => null);
    const info =
      found ??
      (await streams.add({
        name: STREAM,
        subjects: [`${STREAM}.>`],
        num_replicas: Math.min(copies, 3),
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
        duplicate_window: nanos(windowMs),
      }));
    if (!info.cluster?.leader) throw new Error(`the stream ${STREAM} has no leader`);
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}

async function dial({ host, port }: Address): Promise<NatsConnection> {
  try {
    const { connect } = await import('nats');
    return await connect({
      servers: `${host}:${port}`,
      timeout: CONNECT_MS,
      reconnect: false,
      ignoreClusterUpdates: true,
    });
  } catch (error) {
    throw new RequestError('connection-refused', (error as Error).message);
  }
}

/** Every message of the stream, in order. */
async function stored(connection: NatsConnection, signal: AbortSignal): Promise<readonly ServiceEffect[]> {
  try {
    const { streams } = await connection.jetstreamManager({ checkAPI: false, timeout: ANSWER_MS });
    const { state } = await streams.info(STREAM);
    const effects: ServiceEffect[] = [];
    if (state.messages === 0) return effects;
    const consumer = await connection.jetstream().consumers.get(STREAM);
    for (let last = 0; last < state.last_seq; ) {
      signal.throwIfAborted();
      const batch = await consumer.fetch({ max_messages: Math.min(BATCH, state.last_seq - last), expires: BATCH_MS });
      for await (const message of batch) {
        last = message.seq;
        effects.push(effectOf(message.json<Json>(), message.seq));
      }
    }
    return effects;
  } catch (error) {
    throw errorOf(error);
  }
}

function effectOf(message: Json, seq: number): ServiceEffect {
  const { key, values } = message as { readonly key?: unknown; readonly values?: unknown };
  if (typeof key !== 'string' || typeof values !== 'object' || values === null)
    throw new RequestError('bad-answer', `message ${seq} is none of ours`);
  return { key, id: String(seq), values: values as ServiceValues };
}

/** The codes of the client library are its errors' only classes. */
const errorOf = (error: unknown): RequestError => {
  const { code, message } = error as { readonly code?: string; readonly message: string };
  return error instanceof RequestError
    ? error
    : new RequestError(`nats-${String(code ?? 'error').toLowerCase()}`, message);
};
