import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ledgerServer } from './service.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';
import { ACCOUNTS, LIMITS, OPENING_BALANCE, type Retention } from './terms.ts';

let origin: string;
let port: number;
let file: string;
let store: Store;
const cleanUps: (() => unknown)[] = [];

beforeEach(async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ordeal-service-'));
  cleanUps.push(() => rm(folder, { recursive: true, force: true }));
  file = path.join(folder, 'ledger.db');
  store = await openSqliteStore(file);
  cleanUps.push(() => store.close());
  await serve(null);
});

async function serve(retention: Retention | null): Promise<void> {
  const server = ledgerServer(store, null, 'n1', null, retention).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  port = (server.address() as AddressInfo).port;
  origin = `http://127.0.0.1:${port}`;
}

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const good = { from: 'a1', to: 'a2', amount: 5 };

async function post(body: unknown, headers: Record<string, string> = { 'idempotency-key': 'k' }) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${origin}/transfers`, { method: 'POST', body: text, headers });
  return { status: response.status, headers: response.headers, body: (await response.json()) as unknown };
}

const get = async (place: string) => {
  const response = await fetch(origin + place);
  return { status: response.status, body: (await response.json()) as unknown };
};

/** What comes back for bytes that no well-meaning client would send. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.on('error', () => {});
  await once(socket, 'close');
  return text;
}

const applied = async () => (await get('/transfers')).body as object[];

describe('a transfer', () => {
  it('is answered 201 with its id, moves the money, and is listed', async () => {
    const { status, headers, body } = await post(good);
    expect([status, headers.get('idempotent-replayed')]).toEqual([201, null]);
    expect(body).toMatchObject({ id: expect.any(String), amount: 5 });
    expect(await applied()).toEqual([{ sequence: 1, key: 'k', ...good, id: (body as { id: string }).id }]);
    expect((await get('/accounts/a1')).body).toEqual({ account: 'a1', balance: OPENING_BALANCE - 5 });
    expect((await get('/accounts/a2')).body).toEqual({ account: 'a2', balance: OPENING_BALANCE + 5 });
  });

  it('gets the same answer when it is repeated, marked as a replay, and is applied once', async () => {
    const first = await post(good);
    const again = await post({ amount: 5, to: 'a2', from: 'a1' });
    expect(again.body).toEqual(first.body);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
    expect(await applied()).toHaveLength(1);
  });

  it('is refused with 422 when its key was used with another payload, which changes nothing', async () => {
    await post(good);
    expect((await post({ ...good, amount: 6 })).status).toBe(422);
    expect((await post({ ...good, to: 'a3' })).status).toBe(422);
    expect(await applied()).toHaveLength(1);
    expect((await post(good)).status).toBe(201);
  });

  it('is another transfer when another payer uses the same key', async () => {
    await post(good);
    expect((await post({ ...good, from: 'a3' })).headers.get('idempotent-replayed')).toBeNull();
    expect(await applied()).toHaveLength(2);
  });

  it('is another transfer when another tenant uses the same key, and is shown to nobody else', async () => {
    const own = await post(good);
    const other = await post(good, { 'idempotency-key': 'k', tenant: 'blue' });
    expect(other.headers.get('idempotent-replayed')).toBeNull();
    expect(other.body).not.toEqual(own.body);
    expect(await applied()).toHaveLength(1);
    expect((await post(good, { 'idempotency-key': 'k2', tenant: 'green' })).status).toBe(400);
    const accounts = await (await fetch(`${origin}/accounts/a1`, { headers: { tenant: 'blue' } })).json();
    expect(accounts).toEqual({ account: 'a1', balance: OPENING_BALANCE - good.amount });
  });

  it('is refused with 402 when the payer cannot pay, for ever, also after the payer is rich', async () => {
    const dear = { from: 'a1', to: 'a2', amount: OPENING_BALANCE + 1 };
    expect((await post(dear, { 'idempotency-key': 'dear' })).status).toBe(402);
    await post({ from: 'a3', to: 'a1', amount: 10 }, { 'idempotency-key': 'gift' });
    expect((await post(dear, { 'idempotency-key': 'dear' })).status).toBe(402);
    expect((await post(dear, { 'idempotency-key': 'dear-again' })).status).toBe(201);
    expect(await applied()).toHaveLength(2);
  });

  it('is applied once when it is asked for many times at the same moment, and 409 is the only other answer', async () => {
    const statuses = (await Promise.all(Array.from({ length: 20 }, () => post(good)))).map(({ status }) => status);
    expect(statuses).toContain(201);
    expect(statuses.filter((status) => status !== 201 && status !== 409)).toEqual([]);
    expect(await applied()).toHaveLength(1);
  });
});

describe('a request that is not understood changes nothing and', () => {
  afterEach(async () => expect(await store.applied(0, 10)).toEqual([]));

  it.each([
    ['no key', {}],
    ['an empty key', { 'idempotency-key': '' }],
    ['a key with a space', { 'idempotency-key': 'a b' }],
    ['a key that is too long', { 'idempotency-key': 'k'.repeat(LIMITS.keyLength + 1) }],
  ])('is answered 400 with %s', async (_, headers) => {
    expect((await post(good, headers)).status).toBe(400);
  });

  it.each([
    ['no JSON', '{"from":'],
    ['an empty body', ''],
    ['a list', [good]],
    ['null', null],
    ['a missing field', { from: 'a1', to: 'a2' }],
    ['an unknown field', { ...good, note: 'x' }],
    ['an unknown account', { ...good, to: 'a9' }],
    ['an account that is a property of every object', { ...good, to: 'constructor' }],
    ['payer and payee the same', { ...good, to: 'a1' }],
    ['nothing to pay', { ...good, amount: 0 }],
    ['a negative amount', { ...good, amount: -5 }],
    ['a fraction', { ...good, amount: 0.5 }],
    ['a text as amount', { ...good, amount: '5' }],
    ['too large an amount', { ...good, amount: LIMITS.largestAmount + 1 }],
    ['an amount beyond all numbers', '{"from":"a1","to":"a2","amount":1e999}'],
  ])('is answered 400 with %s', async (_, body) => {
    expect((await post(body)).status).toBe(400);
  });

  it('is answered 400 when the key is sent twice', async () => {
    const body = JSON.stringify(good);
    const lines = [
      'POST /transfers HTTP/1.1',
      'Host: x',
      'Idempotency-Key: a',
      'Idempotency-Key: b',
      'Connection: close',
    ];
    expect(await raw(`${lines.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)).toMatch(
      /^HTTP\/1.1 400/,
    );
  });

  it('is answered 400 when the body is not UTF-8', async () => {
    const head =
      'POST /transfers HTTP/1.1\r\nHost: x\r\nIdempotency-Key: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\n';
    const socket = connect(port, '127.0.0.1');
    socket.write(head);
    socket.write(Buffer.from([0x22, 0xff, 0x22]));
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    expect(chunk.toString()).toMatch(/^HTTP\/1.1 400/);
    socket.destroy();
  });

  it('is answered 413 when its body is too large, whatever length it announces', async () => {
    const head = 'POST /transfers HTTP/1.1\r\nHost: x\r\nIdempotency-Key: a\r\n';
    const large = 'x'.repeat(LIMITS.bodyBytes + 1);
    expect(await raw(`${head}Content-Length: 1000000\r\n\r\n${large}`)).toMatch(/^HTTP\/1.1 413/);
    expect(await raw(`${head}Transfer-Encoding: chunked\r\n\r\n${large.length.toString(16)}\r\n${large}\r\n`)).toMatch(
      /^HTTP\/1.1 413/,
    );
  });

  it('is answered 431 when its headers are too large', async () => {
    expect(await raw(`GET /health HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(LIMITS.headerBytes)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431/,
    );
  });

  it('is answered 404 or 405 where there is nothing', async () => {
    expect((await get('/nothing')).status).toBe(404);
    expect((await get('/accounts/a9')).status).toBe(404);
    expect((await fetch(`${origin}/accounts`, { method: 'DELETE' })).status).toBe(405);
  });
});

describe('the lists', () => {
  it('hold every account with what it opened with', async () => {
    const all = ACCOUNTS.map((account) => ({ account, opening: OPENING_BALANCE, balance: OPENING_BALANCE }));
    expect((await get('/accounts')).body).toEqual(all);
    expect((await get('/health')).body).toEqual({ node: 'n1', healthy: true });
  });

  it('come in pages, and refuse a page that is not a number', async () => {
    for (let index = 0; index < 5; index++) await post({ ...good, amount: 1 }, { 'idempotency-key': `k${index}` });
    const page = (await get('/transfers?after=1&limit=2')).body as { key: string }[];
    expect(page.map(({ key }) => key)).toEqual(['k1', 'k2']);
    expect((await get('/transfers?after=x')).status).toBe(400);
  });
});

describe('a store that somebody else holds', () => {
  it('makes a transfer wait, then 503 with Retry-After, and the transfer is not applied', async () => {
    const other = new Database(file);
    cleanUps.push(() => other.close());
    other.exec('BEGIN IMMEDIATE');
    const { status, headers } = await post(good);
    other.exec('ROLLBACK');
    expect([status, headers.get('retry-after')]).toEqual([503, '1']);
    expect(await applied()).toEqual([]);
    expect((await post(good)).status).toBe(201);
  });

  it('does not keep anybody from reading, and more requests than it may keep waiting are refused at once', async () => {
    const other = new Database(file);
    cleanUps.push(() => other.close());
    other.exec('BEGIN IMMEDIATE');
    const waiting = Array.from({ length: LIMITS.openRequests - 1 }, (_, index) =>
      post(good, { 'idempotency-key': `k${index}` }),
    );
    await expect.poll(async () => (await get('/accounts')).status).toBe(200);
    const late = [post(good), post(good, { 'idempotency-key': 'last' })];
    expect((await Promise.race(late)).status).toBe(503);
    other.exec('ROLLBACK');
    const created = (await Promise.all([...waiting, ...late])).filter(({ status }) => status === 201);
    expect(await store.applied(0, 1_000)).toHaveLength(created.length);
  });
});

describe('keys that are not kept for ever', () => {
  const KEPT_MS = 150;
  const later = () => new Promise((resolve) => setTimeout(resolve, 2 * KEPT_MS));
  const keys = () => {
    const database = new Database(file);
    try {
      return (database.prepare('SELECT count(*) AS count FROM keys').get() as { count: number }).count;
    } finally {
      database.close();
    }
  };
  const isReplayed = (answer: Awaited<ReturnType<typeof post>>) => answer.headers.get('idempotent-replayed') === 'true';

  it('are known for their time, then new, and then take no room', async () => {
    await serve({ keptMs: 60_000, becomes: 'new' });
    await post(good);
    expect(isReplayed(await post(good))).toBe(true);
    await serve({ keptMs: KEPT_MS, becomes: 'new' });
    for (const key of ['k1', 'k2', 'k3']) await post(good, { 'idempotency-key': key });
    await later();
    expect(isReplayed(await post(good, { 'idempotency-key': 'k1' }))).toBe(false);
    expect(await applied()).toHaveLength(5);
    // `k`, which has its minute, and `k1`, which is new.
    expect(keys()).toBe(2);
  });

  it('are refused after their time where that is what was said, and nothing is applied', async () => {
    await serve({ keptMs: KEPT_MS, becomes: 'refused' });
    await post(good);
    await later();
    for (const body of [good, { ...good, amount: 6 }]) {
      const answer = await post(body);
      expect([answer.status, answer.body]).toEqual([410, expect.objectContaining({ error: 'key-expired' })]);
    }
    expect(await applied()).toHaveLength(1);
  });
});
