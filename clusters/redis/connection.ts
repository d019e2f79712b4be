/** One connection to one Redis or sentinel, which never sends anything twice by itself. */

import type { Redis } from 'ioredis';
import { RequestError } from '../../rig/define.ts';
import type { Address } from '../hosts/host.ts';

const CONNECT_MS = 1_000;

export interface Connection extends AsyncDisposable {
  readonly redis: Redis;
}

/** Rejects with `connection-refused` where nobody answers; hangs up when the signal aborts. */
export async function dial({ host, port }: Address, signal?: AbortSignal): Promise<Connection> {
  const { Redis: Connecting } = await import('ioredis');
  const redis = new Connecting({
    host,
    port,
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: () => null,
  });
  redis.on('error', () => {}); // Whoever waits for an answer is told by its rejection.
  const hangUp = () => redis.disconnect();
  signal?.addEventListener('abort', hangUp, { once: true });
  try {
    await redis.connect();
  } catch (error) {
    hangUp();
    throw new RequestError('connection-refused', (error as Error).message);
  }
  return {
    redis,
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener('abort', hangUp);
      hangUp();
    },
  };
}
