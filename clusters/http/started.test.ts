/**
 * A described service whose nodes Ordeal starts, in containers and in network namespaces, so that faults of processes can
 * strike it: one that forgets its keys when it dies is found, one that delivers to the rig's sink is held sound.
 */

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../../rig/needs.ts';
import { packageRoot } from '../../rig/package-root.ts';

/** Payments in a file, keys in memory; each is told to the sink where there is one. It runs on Node 18 too. */
const SERVER = `
const { appendFileSync, existsSync, readFileSync } = require('node:fs');
const [, , host, port, file] = process.argv;
const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\\n').filter(Boolean) : [];
const applied = lines.map((line) => JSON.parse(line));
const known = new Map(process.env.FORGETS ? [] : applied.map((one) => [one.key, one]));
const answer = async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  if (request.method === 'GET') return response.end(JSON.stringify(applied));
  const key = request.headers['idempotency-key'] || '';
  const { amount } = JSON.parse(body);
  if (key === '' || key.length > 200) return response.writeHead(400).end();
  const before = known.get(key);
  if (before && before.amount !== amount) return response.writeHead(422).end();
  const one = before || { key, amount, id: 'p' + (applied.length + 1) };
  if (!before) {
    known.set(key, one);
    for (const effect of process.env.TWICE ? [one, { ...one, id: one.id + 'b' }] : [one]) {
      applied.push(effect);
      appendFileSync(file, JSON.stringify(effect) + '\\n');
    }
    if (process.env.SINK) await fetch(process.env.SINK, { method: 'POST', body: JSON.stringify(one) });
  }
  response.writeHead(201).end(JSON.stringify({ id: one.id }));
};
require('node:http').createServer((request, response) => answer(request, response).catch(() => response.destroy())).listen(Number(port), host);
`;
const IN_IMAGE = '/service/server.cjs';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'ordeal-started-'));
  writeFileSync(path.join(folder, 'server.cjs'), SERVER);
  const image = path.join(folder, 'image');
  mkdirSync(image);
  writeFileSync(path.join(image, 'server.cjs'), SERVER);
  // As the ledger's image begins, so that the engine has most of it.
  const ledger = readFileSync(path.join(packageRoot, 'clusters/ledger/image-api/Dockerfile'), 'utf8');
  const dockerfile = ledger.replace(/^COPY .*$/m, `COPY server.cjs ${IN_IMAGE}`);
  writeFileSync(path.join(image, 'Dockerfile'), dockerfile);
  cpSync(image, path.join(folder, 'next-image'), { recursive: true });
  writeFileSync(path.join(folder, 'next-image', 'Dockerfile'), `${dockerfile}ENV TWICE=yes\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SERVICE = {
  name: 'started',
  idempotencyKey: { header: 'Idempotency-Key' },
  operations: {
    pay: {
      method: 'POST',
      path: '/',
      body: { amount: '{{amount}}' },
      values: { amount: { integer: [1, 9] } },
      answer: { id: 'id', repeated: 'body' },
    },
  },
  outcomes: { ok: [201], fail: [400, 431] },
};

async function run(changes: object, words: readonly string[]): Promise<{ exitCode?: number; all: string }> {
  const file = path.join(folder, 'service.json');
  writeFileSync(file, JSON.stringify({ ...SERVICE, ...changes }));
  const more = [
    '--seed',
    '1',
    '--time-limit',
    '4s',
    '--calm',
    '500ms..1s',
    '--fault',
    '300ms..600ms',
    '--rate',
    '60',
    '--quiet',
    '--store',
    path.join(folder, 'runs'),
  ];
  const { exitCode, all } = await execa(
    process.execPath,
    [path.join(packageRoot, 'rig', 'ordeal.mjs'), 'run', '--cluster', file, ...words, ...more],
    { all: true, reject: false, env: { NO_COLOR: '1', FORCE_COLOR: undefined } },
  );
  return { ...(exitCode === undefined ? {} : { exitCode }), all };
}

const start = (program: string) => ({
  command: ['node', program, '{{host}}', '{{port}}', '{{data}}/applied.jsonl'],
  port: 8080,
  nodes: 1,
});

describeWith(['docker'], 'a described service in a container', () => {
  it('is killed, and found out where it forgets its keys then', { timeout: 300_000 }, async () => {
    const { exitCode, all } = await run(
      {
        start: { ...start(IN_IMAGE), env: { FORGETS: 'yes' }, hosts: ['docker'], image: { build: './image' } },
        effects: { endpoint: { path: '/' }, key: 'key', id: 'id', values: { amount: 'amount' } },
      },
      ['--nemesis', 'kill'],
    );
    expect(exitCode, all).toBe(1);
    expect(all).toMatch(/duplicate-application/);
  });

  it('is upgraded to another image, and found out where that one does everything twice', {
    timeout: 300_000,
  }, async () => {
    const image = { build: './image' };
    const upgraded = { image: { build: './next-image' } };
    const { exitCode, all } = await run(
      {
        start: { ...start(IN_IMAGE), hosts: ['docker'], image, upgraded },
        effects: { endpoint: { path: '/' }, key: 'key', id: 'id', values: { amount: 'amount' } },
      },
      ['--nemesis', 'upgrade'],
    );
    expect(exitCode, all).toBe(1);
    expect(all).toMatch(/duplicate-application/);
  });
});

describeWith(['root'], 'a described service in a network namespace', () => {
  it('is paused and cut off, and its deliveries to the sink are counted', { timeout: 120_000 }, async () => {
    const { exitCode, all } = await run(
      {
        start: { ...start(path.join(folder, 'server.cjs')), env: { SINK: '{{sink}}' }, hosts: ['netns'] },
        effects: { sink: { kind: 'http' }, key: 'body.key', id: 'body.id', values: { amount: 'body.amount' } },
      },
      ['--nemesis', 'pause,lost-ack'],
    );
    expect(exitCode, all).toBe(0);
    expect(all).toMatch(/were applied once each/);
  });

  it('is upgraded and goes back without losing what it knows', { timeout: 120_000 }, async () => {
    const { exitCode, all } = await run(
      {
        start: { ...start(path.join(folder, 'server.cjs')), hosts: ['netns'], upgraded: { env: { VERSION: '2' } } },
        effects: { endpoint: { path: '/' }, key: 'key', id: 'id', values: { amount: 'amount' } },
      },
      ['--nemesis', 'upgrade'],
    );
    expect(exitCode, all).toBe(0);
    expect(all).toMatch(/× upgrade\): all seen to have an effect, all undone/);
  });
});

it('is refused an upgrade where its other version is not told', async () => {
  const { exitCode, all } = await run(
    { start: start('server.cjs'), effects: { endpoint: { path: '/' }, key: 'key' } },
    ['--nemesis', 'upgrade'],
  );
  expect(exitCode, all).toBe(64);
  expect(all).toMatch(/nemesis upgrade needs the upgrades control, which cluster started lacks/);
});

it.each([
  ['shared', 'containers have no folder in common'],
  ['ordeal', 'Ordeal is not in the container'],
])('is refused in containers before anything is made where its program is told {{%s}}', async (word, reason) => {
  const { exitCode, all } = await run(
    {
      start: { ...start(`{{${word}}}/server.cjs`), hosts: ['docker'], image: { build: './image' } },
      effects: { endpoint: { path: '/' }, key: 'key' },
    },
    ['--nemesis', 'none'],
  );
  expect(exitCode, all).not.toBe(0);
  expect(all).toContain(`started cannot live on docker: "{{${word}}}/server.cjs" names {{${word}}}, and ${reason}`);
});
