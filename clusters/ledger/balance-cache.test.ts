import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BalanceCache } from './balance-cache.ts';
import { cacheServer } from './cache-server.ts';
import { monotonicMs, pause } from './store.ts';

const servers: Server[] = [];
const caches: BalanceCache[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  for (const cache of caches.splice(0)) cache.close();
  for (const server of servers.splice(0)) server.close();
});

/** Two processes of a ledger with one cache between them. */
async function two({ isSealed = true } = {}) {
  const server = cacheServer().listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const [one, other] = [0, 1].map(() => new BalanceCache('127.0.0.1', port, 'secret', isSealed)) as [
    BalanceCache,
    BalanceCache,
  ];
  caches.push(one, other);
  return { one, other, port };
}

describe('a balance in the cache', () => {
  it('is at least as old as it really is, wherever the wall clocks of the processes stand', async () => {
    const { one, other } = await two();
    const heldMs = monotonicMs();
    vi.spyOn(Date, 'now').mockReturnValue(Date.UTC(2000, 0));
    await one.put('a', 7, heldMs);
    vi.spyOn(Date, 'now').mockReturnValue(Date.UTC(1990, 0));
    await pause(80);
    const askedMs = monotonicMs();
    const found = await other.get('a');
    expect(found?.balance).toBe(7);
    expect(found?.ageMs).toBeGreaterThanOrEqual(askedMs - heldMs);
    expect(found?.ageMs).toBeLessThan(monotonicMs() - heldMs + 1_000);
  });

  it('is none if its seal is another, or if it is of a time that has not come', async () => {
    const { one, other, port } = await two();
    await one.put('a', 7, monotonicMs());
    const url = `http://127.0.0.1:${port}/entries`;
    const text = await (await fetch(`${url}/a`)).text();
    await fetch(`${url}/a`, { method: 'PUT', body: text.replace('7', '8') });
    expect(await other.get('a')).toBeNull();
    await one.put('b', 7, monotonicMs() + 3_600_000);
    expect(await other.get('b')).toBeNull();
  });
});
