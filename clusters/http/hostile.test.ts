/**
 * A service that is broken or hostile in every way known costs the rig bounded memory and time, and every request to it
 * ends in a class of outcome: the whole rig, its traffic control and client, against a real server in a process of its own.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageRoot } from '../../rig/package-root.ts';

/** What a rig that reads everything would need is counted in gigabytes. */
const MOST_RESIDENT_BYTES = 700 * 1024 * 1024;
const LONGEST_MS = 150_000;

/** Each connection that posts meets the next kind of hostility; whoever only reads is served. */
const SERVER = `
  const net = require('node:net');
  const block = Buffer.alloc(65536, 'x');
  const flood = (socket, bytes, most = Infinity) => {
    let sent = 0;
    const more = () => { while (!socket.destroyed && sent < most && socket.write(bytes)) sent += bytes.length; };
    socket.on('drain', more); more();
  };
  const head = 'HTTP/1.1 201 Created\\r\\n';
  const kinds = [
    (s) => s.end('\\0\\0\\0 what?\\r\\n\\r\\n'),
    (s) => flood(s, block),
    (s) => { s.write(head + 'Transfer-Encoding: chunked\\r\\n\\r\\n'); flood(s, Buffer.concat([Buffer.from('10000\\r\\n'), block, Buffer.from('\\r\\n')])); },
    (s) => { const drip = setInterval(() => s.write('X: y\\r\\n'), 50); s.write(head); s.on('close', () => clearInterval(drip)); },
    (s) => s.end(head + 'Content-Length: 1000\\r\\n\\r\\n{"id":'),
    (s) => { s.write(head + 'Content-Length: 99999999999\\r\\n\\r\\n'); flood(s, block); },
    (s) => s.end(head + 'Content-Length: 2\\r\\n\\r\\n{"id":"longer than it says"}'),
    (s) => { s.write(head + 'X-Large: '); flood(s, block, 100e6); },
    (s) => { s.write(head); flood(s, Buffer.from('X: y\\r\\n'.repeat(8000)), 100e6); },
    () => {},
    (s) => s.destroy(),
    (s) => s.resetAndDestroy(),
    (s) => s.end(head + 'Content-Length: 4\\r\\n\\r\\nnull'),
    (s) => { const deep = '['.repeat(400000); s.end(head + 'Content-Length: ' + deep.length + '\\r\\n\\r\\n' + deep); },
    (s) => flood(s, Buffer.from('HTTP/1.1 100 Continue\\r\\n\\r\\n'.repeat(500))),
    (s) => { const drip = setInterval(() => s.write('1\\r\\nx\\r\\n'), 50); s.write(head + 'Transfer-Encoding: chunked\\r\\n\\r\\n'); s.on('close', () => clearInterval(drip)); },
  ];
  let count = 0;
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    let met = false;
    socket.on('data', (data) => {
      if (data.toString('latin1', 0, 3) === 'GET') return socket.write('HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n[]');
      if (!met) { met = true; kinds[count++ % kinds.length](socket); }
    });
  });
  server.listen(0, '127.0.0.1', () => process.stdout.write(server.address().port + '\\n'));
  process.stdin.on('end', () => process.exit()).resume();
`;

let folder: string;
let server: ReturnType<typeof spawn>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ordeal-hostile-'));
  server = spawn(process.execPath, ['-e', SERVER], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [port] = (await once(server.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const service = {
    name: 'hostile',
    attach: { n1: `http://127.0.0.1:${String(port).trim()}` },
    idempotencyKey: { header: 'Idempotency-Key' },
    operations: {
      pay: {
        method: 'POST',
        path: '/',
        body: { n: '{{n}}' },
        values: { n: { integer: [1, 9] } },
        answer: { id: 'id' },
      },
    },
    effects: { endpoint: { path: '/' }, key: 'key' },
  };
  writeFileSync(join(folder, 'service.json'), JSON.stringify(service));
});
afterAll(() => {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** The most that a process held in memory, as Linux has noted it; asked while it lives. */
function peakOf(pid: number): number {
  try {
    return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

it.runIf(process.platform === 'linux')(
  'costs bounded memory and time, and ends in classes of outcomes',
  { timeout: LONGEST_MS + 30_000 },
  async () => {
    const words = [
      'run',
      '--cluster',
      './service.json',
      '--nemesis',
      'lost-ack,duplicate-delivery,torn-response,slow-clients',
    ];
    const more = [
      '--time-limit',
      '8s',
      '--concurrency',
      '16',
      '--rate',
      '100',
      '--seed',
      '1',
      '--quiet',
      '--store',
      folder,
    ];
    const begun = performance.now();
    const rig = spawn(process.execPath, [join(packageRoot, 'rig', 'ordeal.mjs'), ...words, ...more], {
      cwd: folder,
      stdio: 'ignore',
    });
    let peak = 0;
    const looking = setInterval(() => (peak = Math.max(peak, peakOf(rig.pid as number))), 50);
    const [exitCode] = (await once(rig, 'exit')) as [number];
    clearInterval(looking);
    expect(performance.now() - begun).toBeLessThan(LONGEST_MS);
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(MOST_RESIDENT_BYTES);
    expect([1, 2]).toContain(exitCode); // Nothing was acknowledged, and what is in doubt may stay so for ever.

    const lines = readFileSync(join(folder, 'latest', 'history.jsonl'), 'utf8')
      .split('\n')
      .filter(Boolean);
    const ends = lines.map((line) => JSON.parse(line) as { type: string; error?: string; input?: { f: string } });
    const errors = new Set(ends.flatMap(({ error }) => error ?? []));
    for (const expected of ['timeout', 'connection-reset', 'answer-too-large', 'bad-answer', 'connection-failed'])
      expect([...errors], 'a class of outcome for each kind of hostility').toContain(expected);
    for (const error of errors) expect(error).toMatch(/^[a-z0-9-]+$/);
    expect(ends.filter(({ type }) => type === 'invoke').length).toBeGreaterThan(40);
  },
);
