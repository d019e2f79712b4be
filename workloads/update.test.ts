import { describe, expect, it } from 'vitest';
import { memory } from '../clusters/memory/memory.ts';
import { VirtualClock } from '../rig/clock.ts';
import type { Client } from '../rig/contract.ts';
import { clusterOptions, rehearsalSpec } from '../rig/rehearsal.ts';
import { update } from './update.ts';

const { signal } = new AbortController();
const increment = (value: unknown) => (typeof value === 'number' ? value : 0) + 1;

async function withClients<T>(use: (clients: readonly Client<'kv'>[]) => Promise<T>): Promise<T> {
  await using cluster = await memory.up(clusterOptions(rehearsalSpec, '/nonexistent', new VirtualClock()));
  return await use(await Promise.all(cluster.nodes.map((node) => cluster.connect('kv', node))));
}

describe('update', () => {
  it('gives what there was before and what it made of it', () =>
    withClients(async ([kv]) => {
      expect(await update(kv as Client<'kv'>, 'a', increment, signal)).toEqual({ before: null, after: 1 });
      expect(await update(kv as Client<'kv'>, 'a', increment, signal)).toEqual({ before: 1, after: 2 });
    }));

  it('loses no change of those that are made at once', () =>
    withClients(async (clients) => {
      await Promise.all(clients.map((kv) => update(kv, 'a', increment, signal)));
      expect(await clients[0]?.get('a', signal)).toBe(clients.length);
    }));

  it('writes nothing where nothing changes', () =>
    withClients(async ([kv]) => {
      const reading = { ...(kv as Client<'kv'>), cas: () => Promise.reject(new Error('it wrote')) };
      expect(await update(reading, 'a', (value) => value, signal)).toEqual({ before: null, after: null });
    }));

  it('is refused when others are always quicker, or when it cannot even read', () =>
    withClients(async ([first, second]) => {
      const kv = first as Client<'kv'>;
      let others = 0;
      const slow = {
        ...kv,
        get: async (key: string) => {
          const value = await kv.get(key, signal);
          await second?.put(key, ++others, signal);
          return value;
        },
      };
      await expect(update(slow, 'a', () => 'mine', signal)).rejects.toMatchObject({
        name: 'Refused',
        errorClass: 'contention',
      });
      const gone = AbortSignal.abort();
      await expect(update(kv, 'a', increment, gone)).rejects.toMatchObject({ name: 'Refused', errorClass: 'timeout' });
    }));
});
