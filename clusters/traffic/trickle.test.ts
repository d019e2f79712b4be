/** A slow writer and a slow reader, as the node and the client meet them through the traffic control. */

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Pool } from 'undici';
import { afterEach, expect, it } from 'vitest';
import { RealClock } from '../../rig/clock.ts';
import type { TrafficRule } from '../../rig/contract.ts';
import { Traffic } from './traffic.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

let runs = 0;

/** A node that notes in how many pieces a body comes, behind the traffic control, and a way to ask it. */
async function node(answer = 'done') {
  const pieces: number[] = [];
  const server = createServer((request, response) => {
    let count = 0;
    request.on('data', () => count++);
    request.on('error', () => {});
    request.on('end', () => {
      pieces.push(count);
      response.end(answer);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const directory = await mkdtemp(path.join(os.tmpdir(), 'ordeal-trickle-'));
  const { port } = server.address() as AddressInfo;
  const traffic = await Traffic.open({
    runId: `trickle-${process.pid}-${++runs}`,
    clock: new RealClock(),
    wireFile: path.join(directory, 'wire.jsonl'),
    targets: new Map([['n1', { host: '127.0.0.1', port }]]),
    keyField: 'idempotency-key',
  });
  const { host, port: entrance } = traffic.address('n1');
  const pool = new Pool(`http://${host}:${entrance}`);
  cleanUps.push(
    () => rm(directory, { recursive: true, force: true }),
    () => server.close(),
    () => traffic.close(),
    () => pool.destroy(),
  );
  const ask = async (body = 'x'.repeat(200)) => {
    const begun = performance.now();
    const response = await pool.request({ method: 'POST', path: '/', body, signal: AbortSignal.timeout(10_000) });
    return { text: await response.body.text(), tookMs: performance.now() - begun };
  };
  const slow = (what: 'request' | 'answer', bytesPerSecond: number, most = 1): void => {
    const rule: TrafficRule = { nodes: ['n1'], most, act: { do: 'slow', what, bytesPerSecond } };
    traffic.apply('hold', rule);
  };
  return { traffic, pieces, ask, slow };
}

it('a slow writer is heard by the node in many pieces, and answered', async () => {
  const { ask, slow, pieces, traffic } = await node();
  slow('request', 1_000);
  const { text, tookMs } = await ask();
  expect(text).toBe('done');
  expect(tookMs).toBeGreaterThan(150);
  await ask();
  expect(pieces[0]).toBeGreaterThan(2);
  expect(pieces[1]).toBe(1);
  expect(traffic.evidence('hold')).toEqual({ effective: true, observed: '1 request was slowed down' });
});

it('a slow reader gets the whole answer, late; the next request over the same connection is served as ever', async () => {
  const { ask, slow } = await node('y'.repeat(300));
  slow('answer', 1_000);
  const first = await ask();
  expect(first.text).toBe('y'.repeat(300));
  expect(first.tookMs).toBeGreaterThan(150);
  expect((await ask()).text).toBe('y'.repeat(300));
});

it.each(['request', 'answer'] as const)(
  'when the hold is released, what is left of a slow %s follows at once',
  async (what) => {
    const { ask, slow, traffic } = await node('z'.repeat(1_000));
    slow(what, 20);
    const asked = ask();
    await new Promise((resolve) => setTimeout(resolve, 150));
    await traffic.release('hold');
    const { text, tookMs } = await asked;
    expect(text).toBe('z'.repeat(1_000));
    expect(tookMs).toBeLessThan(5_000);
  },
);

it('a pace of nothing is refused', async () => {
  const { slow } = await node();
  expect(() => slow('request', 0)).toThrow('lets 0 bytes a second pass; it must be 1 or more');
});
