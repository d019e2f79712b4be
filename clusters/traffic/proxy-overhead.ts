/** How much later an answer comes because it passed through the traffic control with nothing in force: a measurement. */

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { Pool } from 'undici';
import { RealClock } from '../../rig/clock.ts';
import { Traffic } from './traffic.ts';
import { undici } from '../../rig/packages.ts';

/** Medians, in milliseconds, of requests that took turns. */
export interface Overhead {
  readonly directMs: number;
  readonly throughMs: number;
  readonly addedMs: number;
}

const WARM_UP = 200;

/** Keyed requests of 60 bytes over a kept connection, to a server that does nothing, and through the proxy to the same. */
export async function proxyOverhead(requests: number): Promise<Overhead> {
  const clock = new RealClock();
  const directory = await mkdtemp(path.join(os.tmpdir(), 'ordeal-overhead-'));
  const server = createServer((request, response) => request.resume().on('end', () => response.end('{"id":"t1"}')));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const target = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const wireFile = path.join(directory, 'wire.jsonl');
  const targets = new Map([['n1', target]]);
  const traffic = await Traffic.open({ runId: 'overhead', clock, wireFile, targets, keyField: 'idempotency-key' });
  const [direct, through] = [target, traffic.address('n1')].map(
    ({ host, port }) => new (undici().Pool)(`http://${host}:${port}`),
  );
  const timeOf = async (pool: Pool, key: string): Promise<number> => {
    const beganNs = clock.nowNs();
    const headers = { 'idempotency-key': key, 'content-type': 'application/json' };
    const { body } = await pool.request({ method: 'POST', path: '/transfers', headers, body: BODY });
    await body.text();
    return (clock.nowNs() - beganNs) / 1e6;
  };
  try {
    const times: Record<'direct' | 'through', number[]> = { direct: [], through: [] };
    for (let nth = -WARM_UP; nth < requests; nth++) {
      const directMs = await timeOf(direct as Pool, `k${nth}`);
      const throughMs = await timeOf(through as Pool, `k${nth}`);
      if (nth < 0) continue;
      times.direct.push(directMs);
      times.through.push(throughMs);
    }
    const [directMs, throughMs] = [median(times.direct), median(times.through)];
    return { directMs, throughMs, addedMs: throughMs - directMs };
  } finally {
    await Promise.all([direct?.destroy(), through?.destroy(), traffic.close()]);
    server.close();
    await rm(directory, { recursive: true });
  }
}

const BODY = '{"from":"a1","to":"a2","amount":10,"reference":"a payment"}';

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
