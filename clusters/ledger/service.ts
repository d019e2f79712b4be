/**
 * The ledger service: one HTTP process in front of the shared store, as a team might write it. Bounded in all it
 * takes on: the size of a request, how many are open, how long each waits. Run as a program it reads its settings
 * from the environment (`SETTING` in terms.ts) and serves until it is killed.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BalanceCache } from './balance-cache.ts';
import { BalanceReads } from './balance-reads.ts';
import { type AccountRow, type Store, StoreUnavailable } from './store.ts';
import {
  ACCOUNTS,
  type Bug,
  CRASH_POINTS,
  isBug,
  isCrashPoint,
  fullName,
  KEY_FIELD,
  type KeyedTransfer,
  LIMITS,
  partsOf,
  type Retention,
  RETENTIONS,
  SETTING,
  TENANT_FIELD,
  TENANTS,
  VARIANTS,
} from './terms.ts';
import { problem, Transfers } from './transfers.ts';

interface Response {
  readonly status: number;
  /** JSON text. */
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a request with an error of the service's contract; certainly nothing was changed. */
class Rejected extends Error {
  readonly status: number;
  readonly error: string;

  constructor(status: number, error: string, detail: string) {
    super(detail);
    this.status = status;
    this.error = error;
  }
}

/** A server that is not listening yet. */
export function ledgerServer(
  store: Store,
  bug: Bug | null,
  node: string,
  cache: BalanceCache | null = null,
  retention: Retention | null = null,
): Server {
  const routes = new Routes(store, bug, node, cache, retention);
  let open = 0;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (open >= LIMITS.openRequests) return send(response, OVERLOADED);
    open++;
    try {
      send(response, await routes.answer(request));
    } catch (error) {
      send(response, failure(error));
    } finally {
      open--;
    }
  };
  const server = createServer(
    {
      maxHeaderSize: LIMITS.headerBytes,
      headersTimeout: 5_000,
      requestTimeout: 10_000,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: 30_000,
    },
    (request, response) => void serve(request, response),
  );
  server.maxConnections = LIMITS.connections;
  return server;
}

const OVERLOADED: Response = {
  status: 503,
  body: problem('overloaded', 'Too many requests; try again.'),
};

function failure(error: unknown): Response {
  if (error instanceof Rejected) return { status: error.status, body: problem(error.error, error.message) };
  if (error instanceof StoreUnavailable) {
    return { status: 503, body: problem('store-unavailable', error.message) };
  }
  console.error(error);
  return { status: 500, body: problem('internal', 'Nobody knows whether the request took effect.') };
}

function send(response: ServerResponse, { status, body, headers }: Response): void {
  if (response.destroyed) return;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(status === 503 ? { 'retry-after': '1' } : {}),
    ...(status === 413 ? { connection: 'close' } : {}),
    ...headers,
  });
  response.end(body);
}

class Routes {
  readonly #store: Store;
  readonly #bug: Bug | null;
  readonly #node: string;
  readonly #transfers: Transfers;
  readonly #balances: BalanceReads;

  constructor(store: Store, bug: Bug | null, node: string, cache: BalanceCache | null, retention: Retention | null) {
    this.#store = store;
    this.#bug = bug;
    this.#node = node;
    this.#transfers = new Transfers(store, bug, retention);
    this.#balances = new BalanceReads(store, cache, bug);
  }

  async answer(request: IncomingMessage): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://ledger');
    const tenant = tenantOf(request);
    const [resource = '', name, ...rest] = pathname.split('/').slice(1);
    if (request.method === 'POST' && pathname === '/transfers') return this.#transfer(request, tenant);
    if (request.method === 'POST' && pathname === '/drill') return this.#drill(request);
    if (request.method !== 'GET') throw new Rejected(405, 'method-not-allowed', 'GET, or POST /transfers.');
    if (pathname === '/health') return this.#health();
    if (pathname === '/replica') return json({ behind: await this.#store.lag() });
    if (pathname === '/transfers') return this.#applied(searchParams, tenant);
    if (pathname === '/accounts') return json(ofTenant(await this.#store.accounts(), tenant));
    if (resource === 'accounts' && name !== undefined && rest.length === 0)
      return this.#account(tenant, name, /\bmax-stale\b/.test(request.headers['cache-control'] ?? ''));
    throw new Rejected(404, 'not-found', 'GET /accounts, /accounts/:id, /transfers, /health; POST /transfers.');
  }

  async #transfer(request: IncomingMessage, tenant: string): Promise<Response> {
    const key = keyOf(request);
    const { text, value } = await bodyOf(request);
    const transfer = transferOf(key, tenant, value, this.#bug);
    const { status, body, replayed } = await this.#transfers.apply({ ...transfer, written: text });
    if (!replayed) for (const account of [transfer.from, transfer.to]) this.#balances.forget(account);
    return { status, body, headers: replayed ? { 'idempotent-replayed': 'true' } : {} };
  }

  async #account(tenant: string, name: string, mayBeOld: boolean): Promise<Response> {
    const isKnown = ACCOUNTS.includes(name);
    const reading = isKnown ? await this.#balances.read(fullName(tenant, name), mayBeOld) : null;
    if (!reading) throw new Rejected(404, 'no-such-account', `The accounts are ${ACCOUNTS.join(', ')}.`);
    return json({ account: name, ...reading });
  }

  /** Makes this process die at a place in the code, for a drill. */
  async #drill(request: IncomingMessage): Promise<Response> {
    const { value } = await bodyOf(request);
    const { crashAt } = value as { readonly crashAt?: unknown };
    if (crashAt !== null && !isCrashPoint(crashAt))
      throw new Rejected(400, 'bad-body', `crashAt must be null or one of ${CRASH_POINTS.join(', ')}.`);
    this.#transfers.crashAt = crashAt;
    return json({ crashAt });
  }

  /** A page of the list, of which it shows what is the tenant's; `last` tells how far it goes. */
  async #applied(query: URLSearchParams, tenant: string): Promise<Response> {
    const after = wholeNumber(query.get('after') ?? '0', 'after');
    const limit = Math.min(wholeNumber(query.get('limit') ?? '100', 'limit'), LIMITS.pageLength);
    const rows = await this.#store.applied(after, limit);
    const own = rows.flatMap(({ from, to, ...row }) =>
      partsOf(from).tenant === tenant ? [{ ...row, from: partsOf(from).account, to: partsOf(to).account }] : [],
    );
    return { ...json(own), headers: { 'last-sequence': String(rows.at(-1)?.sequence ?? after) } };
  }

  async #health(): Promise<Response> {
    await this.#store.accounts();
    return json({ node: this.#node, healthy: true });
  }
}

const json = (value: unknown): Response => ({ status: 200, body: JSON.stringify(value) });

function wholeNumber(text: string, name: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Rejected(400, 'bad-query', `${name} must be a whole number.`);
  return Number(text);
}

function tenantOf(request: IncomingMessage): string {
  const tenant = request.headers[TENANT_FIELD] ?? TENANTS[0];
  if (typeof tenant === 'string' && TENANTS.includes(tenant)) return tenant;
  throw new Rejected(400, 'no-such-tenant', `The tenants are ${TENANTS.join(', ')}.`);
}

/** Those of the tenant, by the names that they have there. */
const ofTenant = (rows: readonly AccountRow[], tenant: string): readonly AccountRow[] =>
  rows.flatMap((row) => {
    const parts = partsOf(row.account);
    return parts.tenant === tenant ? [{ ...row, account: parts.account }] : [];
  });

function keyOf(request: IncomingMessage): string {
  const key = request.headers[KEY_FIELD];
  // A header that is sent twice arrives joined by a comma and a space: refused like every key with a space.
  if (typeof key === 'string' && key.length <= LIMITS.keyLength && /^[\x21-\x7e]+$/.test(key)) return key;
  throw new Rejected(
    400,
    'bad-key',
    `One Idempotency-Key of 1 to ${LIMITS.keyLength} visible ASCII characters without spaces is needed.`,
  );
}

async function bodyOf(request: IncomingMessage): Promise<{ readonly text: string; readonly value: unknown }> {
  const bytes = await bytesOf(request);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { text, value: JSON.parse(text) as unknown };
  } catch {
    throw new Rejected(400, 'bad-body', 'The body must be JSON in UTF-8.');
  }
}

function bytesOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= LIMITS.bodyBytes) return chunks.push(chunk);
      request.pause();
      return reject(new Rejected(413, 'body-too-large', `At most ${LIMITS.bodyBytes} bytes.`));
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', () => reject(new Rejected(400, 'bad-body', 'The body ended early.')));
  });
}

function transferOf(key: string, tenant: string, body: unknown, bug: Bug | null): KeyedTransfer {
  if (bug === 'trusts-its-input') return { ...(body as KeyedTransfer), key };
  const shape = 'The body must be {"from": account, "to": another account, "amount": whole number above 0}.';
  if (typeof body !== 'object' || body === null || Object.keys(body).sort().join() !== 'amount,from,to') {
    throw new Rejected(400, 'bad-body', shape);
  }
  const { from, to, amount } = body as Record<string, unknown>;
  const known = (account: unknown): account is string => typeof account === 'string' && ACCOUNTS.includes(account);
  if (!known(from) || !known(to)) throw new Rejected(400, 'bad-body', `The accounts are ${ACCOUNTS.join(', ')}.`);
  if (from === to || !Number.isInteger(amount) || !(Number(amount) > 0 && Number(amount) <= LIMITS.largestAmount)) {
    throw new Rejected(400, 'bad-body', shape);
  }
  return { key, from: fullName(tenant, from), to: fullName(tenant, to), amount: amount as number };
}

async function openStore(address: string, node: string, bug: Bug | null): Promise<Store> {
  if (address.startsWith('sqlite:')) return (await import('./sqlite-store.ts')).openSqliteStore(address.slice(7), node);
  if (address.startsWith('postgres:')) return (await import('./postgres-store.ts')).openPostgresStore(address, bug);
  throw new Error(`${SETTING.store} must be sqlite:<path> or postgres://…, not "${address}"`);
}

function cacheOf(environment: NodeJS.ProcessEnv, bug: Bug | null): BalanceCache | null {
  const [, host, port] = /^(.+):(\d+)$/.exec(environment[SETTING.cache] ?? '') ?? [];
  if (host === undefined) return null;
  return new BalanceCache(host, Number(port), environment[SETTING.cacheSecret] ?? '', bug !== 'trusts-cache');
}

async function main(environment: NodeJS.ProcessEnv): Promise<void> {
  const variant = environment[SETTING.variant] || null;
  if (variant !== null && !Object.hasOwn(VARIANTS, variant)) {
    throw new Error(`${SETTING.variant}: there is no "${variant}", only ${Object.keys(VARIANTS).join(', ')}`);
  }
  const bug = variant !== null && isBug(variant) ? variant : null;
  const retention = RETENTIONS[variant ?? '']?.does ?? null;
  const [, host, port] = /^(.+):(\d+)$/.exec(environment[SETTING.listen] ?? '') ?? [];
  if (!host) throw new Error(`${SETTING.listen} must be host:port, not "${environment[SETTING.listen] ?? ''}"`);
  const node = environment[SETTING.node] ?? 'ledger';
  const store = await openStore(environment[SETTING.store] ?? '', node, bug);
  const server = ledgerServer(store, bug, node, cacheOf(environment, bug), retention);
  server.on('error', (error) => {
    console.error(error.message);
    process.exit(1);
  });
  server.listen(Number(port), host, () =>
    console.log(`${node} serves on ${host}:${port}${variant ? ` with ${variant}` : ''}`),
  );
}

const isProgram = process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isProgram) {
  main(process.env).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  });
}
