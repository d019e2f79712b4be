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

/** A shelf of items. `isSound`: a GET only looks, a PUT sets, and a DELETE of what is gone does nothing. */
async function shelf(isSound: boolean): Promise<string> {
  const counts = new Map<string, number>();
  const views = new Map<string, number>();
  let deletions = 0;
  const answer = async (request: IncomingMessage): Promise<readonly [status: number, body: object]> => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const item = request.url?.slice(1) ?? '';
    if (request.method === 'GET') {
      if (!isSound && item === 'viewed') views.set(item, (views.get(item) ?? 0) + 1);
      return [200, { count: counts.get(item) ?? 0, views: views.get(item) ?? 0, deletions: isSound ? 0 : deletions }];
    }
    if (request.method === 'DELETE') {
      deletions++;
      return [counts.delete(item) ? 200 : 404, {}];
    }
    const { count } = JSON.parse(text) as { count: number };
    counts.set(item, isSound ? count : (counts.get(item) ?? 0) + count);
    return [200, {}];
  };
  const server = createServer(
    (request, response) =>
      void answer(request).then(
        ([status, body]) => response.writeHead(status).end(JSON.stringify(body)),
        () => response.writeHead(500).end(),
      ),
  );
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it.each([
  [true, 0, [/Repeated in 15 × GET, 5 × PUT, 5 × DELETE, and nothing changed/]],
  [false, 1, [/unsafe-get/, /put-not-idempotent/, /delete-not-idempotent/]],
])('a service that is sound (%s) ends with exit code %i', { timeout: 90_000 }, async (isSound, exit, says) => {
  const item = (name: string) => ({ item: { oneOf: [name] } });
  const state = { path: '/{{item}}' };
  const count = { body: { count: '{{count}}' }, state };
  const values = { count: { integer: [1, 9] } };
  const service = {
    name: 'shelf',
    attach: { n1: await shelf(isSound) },
    idempotencyKey: { header: 'Idempotency-Key' },
    operations: {
      set: { method: 'PUT', path: '/{{item}}', ...count, values: { ...values, ...item('a') } },
      view: { method: 'PATCH', path: '/{{item}}', ...count, values: { ...values, ...item('viewed') } },
      remove: { method: 'DELETE', path: '/{{item}}', values: item('b'), state },
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
