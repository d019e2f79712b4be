/** A service that is described is asked as its description says, by real requests to a real server of this process. */

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createTransport, type Transporter } from 'nodemailer';
import { afterEach, describe, expect, it } from 'vitest';
import { RealClock } from '../../rig/clock.ts';
import type { Client, RunningCluster, ServiceProbe, Spoiling } from '../../rig/contract.ts';
import type { RequestError } from '../../rig/define.ts';
import { Random } from '../../rig/random.ts';
import type { HttpServiceDefinition, ServiceEffects } from '../../rig/service-definition.ts';
import { httpService } from './http-service.ts';
import { filled, filledText, valueAt, withValueAt } from './template.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const soon = () => AbortSignal.timeout(5_000);
let runs = 0;

/** What came, and what of it took effect: a small service without any sense of keys. */
class Payments {
  readonly asked: { readonly url: string; readonly headers: IncomingMessage['headers']; readonly body: string }[] = [];
  readonly applied: object[] = [];
  status = 201;
  /** Where it tells of each payment, and where it sends a receipt. */
  hook = '';
  mail: Transporter | null = null;
  readonly #server: Server;

  constructor() {
    this.#server = createServer(
      (request, response) => void this.#answer(request, response).catch(() => response.destroy()),
    );
    cleanUps.push(() => {
      this.#server.closeAllConnections();
      this.#server.close();
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x');
    if (request.method === 'GET') {
      const after = Number(searchParams.get('after') ?? 0);
      const page = searchParams.has('after') ? this.applied.slice(after, after + 2) : this.applied;
      return void response.end(pathname === '/payments' ? JSON.stringify({ data: page }) : '{}');
    }
    this.asked.push({ url: request.url ?? '', headers: request.headers, body });
    const { amount, meta } = JSON.parse(body) as { amount: number; meta?: { ref: string } };
    const id = this.applied.length + 1;
    const key = request.headers['idempotency-key'] ?? meta?.ref;
    if (this.status === 201) this.applied.push({ sequence: id, id: `p${id}`, info: { key }, amount });
    if (this.hook) await fetch(this.hook, { method: 'POST', body: JSON.stringify({ reference: key, amount }) });
    const letter = { from: 'shop@example.com', to: 'ann@example.com', subject: `Receipt ${id}` };
    await this.mail?.sendMail({ ...letter, text: `Reference: ${String(key)}\nThank you for ${amount} €.` });
    response
      .writeHead(this.status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ payment: { id: `p${id}` } }));
  }
}

const definitionAt = (url: string, changes: Partial<HttpServiceDefinition> = {}): HttpServiceDefinition => ({
  name: 'payments',
  attach: { n1: url },
  idempotencyKey: { header: 'Idempotency-Key', scope: ['customer'] },
  operations: {
    pay: {
      method: 'POST',
      path: '/customers/{{customer}}/payments',
      headers: { 'X-Tenant': '{{customer}}' },
      body: { amount: '{{amount}}', note: 'for {{customer}}' },
      values: { customer: { oneOf: ['ann/1', 'bob'] }, amount: { integer: [1, 9] } },
      answer: { id: 'payment.id' },
    },
  },
  effects: { endpoint: { path: '/payments', items: 'data' }, key: 'info.key', id: 'id', values: { amount: 'amount' } },
  ...changes,
});

async function up(definition: HttpServiceDefinition): Promise<RunningCluster> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'ordeal-http-'));
  cleanUps.push(() => rm(directory, { recursive: true, force: true }));
  const cluster = await httpService(definition, directory).up({
    runId: `http-${process.pid}-${++runs}`,
    host: 'attached',
    variant: null,
    nodeCount: 1,
    directory,
    rng: new Random(1),
    clock: new RealClock(),
    progress: () => {},
    signal: soon(),
  });
  cleanUps.push(() => cluster[Symbol.asyncDispose]());
  return cluster;
}

/** A service, the cluster that is attached to it, and a client through its traffic control. */
async function attached(changes: Partial<HttpServiceDefinition> = {}) {
  const payments = new Payments();
  const cluster = await up(definitionAt(await payments.listen(), changes));
  const client: Client<'service'> = await cluster.connect('service', 'n1');
  cleanUps.push(() => client[Symbol.asyncDispose]());
  const { keyPrefix } = await client.terms(soon());
  const pay = (key: string, amount = 5, customer = 'ann/1') =>
    client.request({ operation: 'pay', key: `${keyPrefix}${key}`, values: { customer, amount } }, soon());
  return { payments, cluster, client, keyPrefix, pay };
}

describe('a request', () => {
  it('is what its templates say, with the key in its header', async () => {
    const { payments, pay, keyPrefix } = await attached();
    expect(await pay('k1')).toEqual({ status: 201, id: 'p1' });
    const [asked] = payments.asked;
    expect(asked?.url).toBe('/customers/ann%2F1/payments');
    expect(asked?.headers).toMatchObject({ 'idempotency-key': `${keyPrefix}k1`, 'x-tenant': 'ann/1' });
    expect(JSON.parse(asked?.body ?? '')).toEqual({ amount: 5, note: 'for ann/1' });
  });

  it('is written in another form where that is asked for, with what it leaves out', async () => {
    const pay = { ...definitionAt('').operations['pay'], defaults: { currency: 'EUR', amount: 0 } };
    const { payments, client, keyPrefix } = await attached({ operations: { pay } } as object);
    const request = { operation: 'pay', key: `${keyPrefix}k1`, values: { customer: 'bob', amount: 5 } };
    for (const form of ['defaults', 'exponents', undefined] as const)
      await client.request({ ...request, ...(form && { form }) }, soon());
    expect(payments.asked.map(({ body }) => body)).toEqual([
      '{"currency":"EUR","amount":5,"note":"for bob"}',
      '{"amount":5e0,"note":"for bob"}',
      '{"amount":5,"note":"for bob"}',
    ]);
  });

  it('bears the key in a field of the body where it is said to', async () => {
    const { payments, pay, keyPrefix } = await attached({ idempotencyKey: { field: 'meta.ref' } });
    await pay('k1');
    expect(JSON.parse(payments.asked[0]?.body ?? '')).toMatchObject({ amount: 5, meta: { ref: `${keyPrefix}k1` } });
  });

  it.each([
    [409, 'http-409', true],
    [422, 'http-422', true],
    [400, 'http-400', true],
    [500, 'http-500', false],
    [503, 'http-503', false],
    [302, 'http-302', false],
  ])('that is answered with %i is of the class %s, definite: %s', async (status, errorClass, isDefinite) => {
    const { payments, pay, client } = await attached();
    payments.status = status;
    const error = (await pay('k1').catch((thrown: unknown) => thrown)) as RequestError;
    expect([error.errorClass, client.definite.has(error.errorClass)]).toEqual([errorClass, isDefinite]);
  });
});

describe('effects', () => {
  const listed = { key: 'info.key', id: 'id', values: { amount: 'amount' } };

  it('are listed as often as they happened, and only those of this run', async () => {
    const { payments, client, pay, keyPrefix } = await attached();
    payments.applied.push({ sequence: 1, id: 'old', info: { key: 'of-somebody-else' }, amount: 1 });
    await pay('k1');
    await pay('k1');
    const one = { key: `${keyPrefix}k1`, values: { amount: 5 } };
    expect(await client.effects(soon())).toEqual([
      { ...one, id: 'p2' },
      { ...one, id: 'p3' },
    ]);
  });

  it.each(['ключ', 'naïve', '\u{1f4b8}'])(
    'are known by the key %s, which a server of Node reads as Latin-1',
    async (key) => {
      const { payments, client, pay, keyPrefix } = await attached();
      await pay(key);
      expect(payments.asked[0]?.headers['idempotency-key']).not.toContain(key);
      expect(await client.effects(soon())).toMatchObject([{ key: `${keyPrefix}${key}` }]);
      payments.applied.push({ sequence: 2, id: 'p2', info: { key: `${keyPrefix}\u00e9` }, amount: 1 });
      expect((await client.effects(soon()))[1]?.key).toBe(`${keyPrefix}\u00e9`);
    },
  );

  it('are read page by page', async () => {
    const endpoint: ServiceEffects['endpoint'] = {
      path: '/payments?after={{after}}',
      items: 'data',
      after: { field: 'sequence', from: '0' },
    };
    const { client, pay } = await attached({ effects: { ...listed, endpoint } });
    for (let nth = 0; nth < 5; nth++) await pay(`k${nth}`);
    expect(await client.effects(soon())).toHaveLength(5);
  });

  it('are counted by a sink to which they are delivered', async () => {
    const effects: ServiceEffects = {
      sink: { kind: 'http', port: 20_000 + (process.pid % 9_000) },
      key: 'body.reference',
      values: { amount: 'body.amount' },
    };
    const { payments, client, pay, keyPrefix } = await attached({ effects });
    payments.hook = `http://127.0.0.1:${effects.sink?.port}/hook`;
    await pay('k1');
    await pay('k1', 7);
    expect(await client.effects(soon())).toEqual([
      { key: `${keyPrefix}k1`, id: null, values: { amount: 5 } },
      { key: `${keyPrefix}k1`, id: null, values: { amount: 7 } },
    ]);
  });

  it('are counted by a sink to which they are sent by mail, by the key within a text', async () => {
    const port = 30_000 + (process.pid % 1_900);
    const effects: ServiceEffects = { sink: { kind: 'smtp', port }, key: 'text', keyWithin: 'Reference: {{key}}\n' };
    const { payments, client, pay, keyPrefix } = await attached({ effects });
    payments.mail = createTransport({ host: '127.0.0.1', port });
    for (const key of ['k1', 'k2', 'k1']) await pay(key);
    await payments.mail.sendMail({ from: 'a@x', to: 'b@x', text: `${keyPrefix}k3 is no receipt` });
    const keys = (await client.effects(soon())).map(({ key }) => key);
    expect(keys).toEqual(['k1', 'k2', 'k1'].map((key) => `${keyPrefix}${key}`));
  });

  it('that are no list are an error that names the place', async () => {
    const effects = { ...listed, endpoint: { path: '/payments', items: 'rows' } };
    await expect(attached({ effects })).rejects.toThrow('effects cannot be listed: GET /payments: "rows" is no list');
  });
});

describe('a service that is attached', () => {
  it('loses an answer under a hold, and is left alone when that is released', async () => {
    const { payments, cluster, pay } = await attached();
    await cluster.controls('hold').traffic?.apply({ nodes: ['n1'], key: '*', act: { do: 'lose-answer', by: 'reset' } });
    await expect(pay('k1')).rejects.toMatchObject({ errorClass: 'connection-reset' });
    expect(payments.applied).toHaveLength(1);
    expect(await cluster.inspect('hold')).toMatchObject({ effective: true });
    await cluster.release('hold');
    expect(await pay('k2')).toMatchObject({ id: 'p2' });
  });

  it('offers its traffic alone', () => {
    const { controls, hosts, nodeCounts } = httpService(definitionAt('http://127.0.0.1:1'), '.');
    expect({ controls, hosts, nodeCounts }).toEqual({
      controls: ['traffic'],
      hosts: ['attached'],
      nodeCounts: { default: 1, allowed: [1] },
    });
  });
});

describe('a probe', () => {
  const spoilings: readonly (readonly [Spoiling, number | null])[] = [
    [{ how: 'cut', percent: 50, certain: true }, null],
    [{ how: 'smuggle', shape: 'cl-te', certain: true }, 400],
    [{ how: 'smuggle', shape: 'two-lengths', certain: true }, 400],
    [{ how: 'chunk', size: 'zz', certain: true }, 400],
    [{ how: 'short', percent: 90, certain: true }, 400],
    [{ how: 'large-header', bytes: 100_000, certain: false }, 431],
    [{ how: 'split', pieces: 5, gapMs: 1, certain: false }, 201],
    [{ how: 'unknown', field: 1, value: 'x', certain: false }, 201],
  ];
  it.each(spoilings)('%j is ended by a server of Node with %s', async (spoilt, status) => {
    const { client, keyPrefix } = await attached();
    const probe: ServiceProbe = {
      operation: 'pay',
      key: `${keyPrefix}k`,
      values: { customer: 'bob', amount: 3 },
      spoilt,
    };
    const answer = await client.probe(probe, soon());
    expect([null, status]).toContain(answer.status);
    if (status === 201) expect(answer.status).toBe(201);
  });
});

describe('a template', () => {
  it('becomes the value itself where it is nothing else, and a text where it is more', () => {
    expect(filled({ a: '{{n}}', b: ['n={{n}}', 7], c: '{{unknown}}' }, { n: 3 })).toEqual({
      a: 3,
      b: ['n=3', 7],
      c: '{{unknown}}',
    });
    expect(filledText('/x/{{n}}', { n: 'a b' }, encodeURIComponent)).toBe('/x/a%20b');
  });

  it('finds and sets what is deep inside, and nothing that is inherited', () => {
    expect(valueAt({ a: { b: [1, 2] } }, 'a.b.1')).toBe(2);
    expect(valueAt({}, 'constructor.name')).toBe(undefined);
    expect(withValueAt({ a: { c: 1 } }, 'a.b', 2)).toEqual({ a: { c: 1, b: 2 } });
    expect(withValueAt({}, '__proto__.x', 1)).toEqual({});
  });
});
