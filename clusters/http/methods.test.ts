/** A real service whose GET, PUT and DELETE do what RFC 9110 says, and the same one when they do not. */

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, expect, it } from 'vitest';
import { packageRoot } from '../../rig/package-root.ts';
import { freePorts } from '../hosts/published-ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'ordeal-methods-'));
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * A shelf of items. `isSound`: who looks changes nothing, a PUT sets, a DELETE of what is gone does nothing, what its key says
 * to have been done is not done again, and what is for an older state is refused.
 */
async function shelf(isSound: boolean): Promise<string> {
  const counts = new Map<string, number>();
  const looks = new Map<string, number>();
  const done = new Map<string, number>();
  let changes = 0;
  const look = (item: string) => looks.set(item, (looks.get(item) ?? 0) + 1);
  const change = (method: string, item: string, text: string): number => {
    changes++;
    if (method === 'DELETE') return counts.delete(item) ? 200 : 404;
    const { count } = JSON.parse(text) as { count: number };
    counts.set(item, isSound ? count : (counts.get(item) ?? 0) + count);
    return 200;
  };
  const answer = async (request: IncomingMessage): Promise<readonly [status: number, body: object]> => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const { method = '', url = '', headers } = request;
    const item = url.slice(1);
    // Whoever looks by GET is counted for one item, and by other methods for another.
    if (!isSound && item === (method === 'GET' ? 'viewed' : 'b') && /GET|HEAD|OPTIONS/.test(method)) look(item);
    if (method === 'HEAD') return [200, {}];
    if (method === 'OPTIONS') return [204, {}];
    const count = counts.get(item);
    if (method === 'GET' && isSound) return [count === undefined ? 404 : 200, { count: count ?? null }];
    if (method === 'GET') return [200, { count: count ?? null, looks: looks.get(item) ?? 0, changes }];
    const key = String(headers['idempotency-key']);
    const before = done.get(key);
    if (isSound && before !== undefined) return [before, {}];
    if (isSound && headers['if-match'] !== undefined && headers['if-match'] !== `"${count}"`) return [412, {}];
    const status = change(method, item, text);
    done.set(key, status);
    return [status, {}];
  };
  const server = createServer(
    (request, response) =>
      void answer(request).then(
        ([status, body]) => {
          const { count } = body as { count?: number | null };
          if (typeof count === 'number') response.setHeader('etag', `"${count}"`);
          response.writeHead(status).end(JSON.stringify(body));
        },
        () => response.writeHead(500).end(),
      ),
  );
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const TRIALS = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'late PUT', 'late DELETE', 'old If-Match'];
const ANOMALIES = [
  'unsafe-get',
  'unsafe-head',
  'unsafe-options',
  'put-not-idempotent',
  'delete-not-idempotent',
  'late-put-applied',
  'late-delete-applied',
  'stale-precondition-ignored',
];

it.each([
  [true, 0, [/and nothing changed/, ...TRIALS.map((trial) => new RegExp(`\\d+ × ${trial}`))]],
  [false, 1, ANOMALIES.map((name) => new RegExp(name))],
])('a service that is sound (%s) ends with exit code %i', { timeout: 90_000 }, async (isSound, exit, says) => {
  const items = (...names: string[]) => ({ item: { oneOf: names } });
  const state = { path: '/{{item}}' };
  const count = { path: '/{{item}}', body: { count: '{{count}}' } };
  const values = { count: { integer: [1, 9] } };
  const service = {
    name: 'shelf',
    attach: { n1: await shelf(isSound) },
    idempotencyKey: { header: 'Idempotency-Key' },
    operations: {
      set: { method: 'PUT', ...count, values: { ...values, ...items('a') }, state: { ...state, conditional: true } },
      put: { method: 'PUT', ...count, values: { ...values, ...items('b') }, state },
      view: { method: 'PATCH', ...count, values: { ...values, ...items('viewed') }, state },
      remove: { method: 'DELETE', path: '/{{item}}', values: items('a', 'b'), state },
    },
    outcomes: { ok: [200, 404], fail: [400] },
    effects: { sink: { kind: 'http', port: (await freePorts(1))[0] }, key: 'body.key' },
  };
  const file = join(folder, `shelf-${isSound}.json`);
  writeFileSync(file, JSON.stringify(service));
  const words = ['run', '--cluster', file, '--workload', 'methods', '--nemesis', 'none', '--seed', '1', '--quiet'];
  const { exitCode, all } = await execa(
    process.execPath,
    [join(packageRoot, 'rig', 'ordeal.mjs'), ...words, '--time-limit', '1s', '--rate', '20', '--store', folder],
    { all: true, reject: false, env: { NO_COLOR: '1', FORCE_COLOR: undefined } },
  );
  expect(exitCode, all).toBe(exit);
  for (const one of says) expect(all).toMatch(one);
});
