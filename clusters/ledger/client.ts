/**
 * The API `ledger` over the service's HTTP. Every status that the service's contract calls a refusal is definite;
 * a lost, cut or unreadable answer is not. What comes back is bounded and checked before it is believed.
 */

import type { Dispatcher, Pool } from 'undici';
import type { Account, AgedBalance, AppliedTransfer, Client, TransferReceipt } from '../../rig/contract.ts';
import { Refused, RequestError } from '../../rig/define.ts';
import type { Address } from '../hosts/host.ts';
import { writtenAs } from '../http/payload-form.ts';
import { fullName, KEY_FIELD, LIMITS, partsOf, TENANT_FIELD, TENANTS } from './terms.ts';
import { undici } from '../../rig/packages.ts';

const LARGEST_ANSWER_BYTES = 1024 * 1024;
const CONNECT_TIMEOUT_MS = 5_000;
const MOST_PAGES = 1_000;

/** Refused before a byte was sent, or by a status that says that nothing was changed by this request. */
const DEFINITE: ReadonlySet<string> = new Set([
  'connection-refused',
  'connect-timeout',
  ...[400, 402, 404, 405, 409, 410, 413, 422, 431, 503].map((status) => `http-${status}`),
]);

const CLASS_OF_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection-refused',
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  ECONNRESET: 'connection-reset',
  EPIPE: 'connection-reset',
  UND_ERR_SOCKET: 'connection-reset',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'answer-too-large',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'truncated-answer',
};

interface Answer {
  readonly status: number;
  readonly replayed: boolean;
  /** How far a list goes; 0 where that was not said. */
  readonly last: number;
  readonly body: unknown;
}

/** A client of the node at this address, which repeats nothing by itself; with `hiddenRetries`, a library that does. */
export function ledgerClient({ host, port }: Address, hiddenRetries = 0): Client<'ledger'> {
  const pool = new (undici().Pool)(`http://${host}:${port}`, {
    connections: 2,
    pipelining: 1,
    maxResponseSize: LARGEST_ANSWER_BYTES,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  });
  const get = async <T>(
    path: string,
    read: (body: unknown) => T | undefined,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<T> => believed(await request(pool, { method: 'GET', path, headers }, signal), 200, read);
  return {
    definite: DEFINITE,
    async transfer({ key, from, to, amount, form }, signal) {
      const { tenant, account } = partsOf(from);
      if (partsOf(to).tenant !== tenant) throw new Refused('other-tenant', `${to} is of another tenant than ${from}`);
      const body = writtenAs({ from: account, to: partsOf(to).account, amount }, form);
      const headers = { 'content-type': 'application/json', [KEY_FIELD]: fieldOf(key), ...tenantField(tenant) };
      const post = { method: 'POST', path: '/transfers', headers, body } as const;
      const answer = await request(pool, post, signal, hiddenRetries);
      return believed(answer, 201, (receipt) => receiptOf(receipt, answer.replayed));
    },
    balance(name, signal, mayBeOld) {
      const { tenant, account } = partsOf(name);
      const headers = { ...tenantField(tenant), ...(mayBeOld ? { 'cache-control': 'max-stale' } : {}) };
      return get(`/accounts/${encodeURIComponent(account)}`, balanceOf, signal, headers);
    },
    /** The first account of every tenant, then the second, and so on: neighbours have equal names. */
    async accounts(signal) {
      const ofAll = await Promise.all(
        TENANTS.map(async (tenant) => {
          const rows = await get('/accounts', (body) => listOf(body, accountOf), signal, tenantField(tenant));
          return rows.map((row) => ({ ...row, account: fullName(tenant, row.account) }));
        }),
      );
      const place = (name: string) => partsOf(name).account;
      return ofAll.flat().sort((one, other) => place(one.account).localeCompare(place(other.account)));
    },
    applied: (signal) => appliedOfAll(pool, signal),
    async [Symbol.asyncDispose]() {
      await pool.destroy();
    },
  };
}

/** What was applied for all tenants, in the order in which it was, page by page. */
async function appliedOfAll(pool: Pool, signal: AbortSignal): Promise<readonly AppliedTransfer[]> {
  const all: (AppliedTransfer & { readonly sequence: number })[] = [];
  for (const tenant of TENANTS) {
    let after = 0;
    for (let count = 0; ; count++) {
      const path = `/transfers?after=${after}&limit=${LIMITS.pageLength}`;
      const answer = await request(pool, { method: 'GET', path, headers: tenantField(tenant) }, signal);
      const rows = believed(answer, 200, (body) => listOf(body, appliedOf));
      const last = Math.max(answer.last, rows.at(-1)?.sequence ?? 0);
      for (const row of rows) all.push({ ...row, from: fullName(tenant, row.from), to: fullName(tenant, row.to) });
      if (rows.length === 0 && last <= after) break;
      if (last <= after) throw new RequestError('bad-answer', 'the list of transfers does not advance');
      if (count >= MOST_PAGES)
        throw new RequestError('answer-too-large', `more than ${MOST_PAGES * LIMITS.pageLength} applied transfers`);
      after = last;
    }
  }
  all.sort((one, other) => one.sequence - other.sequence);
  return all.map(({ id, key, from, to, amount }) => ({ id, key, from, to, amount }));
}

const tenantField = (tenant: string): Readonly<Record<string, string>> =>
  tenant === TENANTS[0] ? {} : { [TENANT_FIELD]: tenant };

/** A key as the bytes of a header field: UTF-8. One that no header can carry is not sent. */
function fieldOf(key: string): string {
  const field = Buffer.from(key, 'utf8').toString('latin1');
  if (/[\r\n\0]/.test(field)) throw new Refused('bad-key', 'no header can carry a line break');
  return field;
}

async function request(
  pool: Pool,
  options: Dispatcher.RequestOptions,
  signal: AbortSignal,
  retries = 0,
): Promise<Answer> {
  try {
    const { statusCode, headers, body } = await pool.request({ ...options, signal });
    const text = await body.text();
    const last = Number(headers['last-sequence'] ?? 0) || 0;
    return { status: statusCode, replayed: headers['idempotent-replayed'] === 'true', last, body: parsed(text) };
  } catch (error) {
    if (signal.aborted || error instanceof RequestError || !(error instanceof Error)) throw error;
    const errorClass = CLASS_OF_CODE[String((error as NodeJS.ErrnoException).code)];
    if (retries > 0 && errorClass === 'connection-reset') return request(pool, options, signal, retries - 1);
    throw new RequestError(errorClass ?? 'connection-failed', error.message);
  }
}

/** `undefined` for what is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What the body says, if the status is the expected one and the body has the expected shape. */
function believed<T>({ status, body }: Answer, expected: number, read: (body: unknown) => T | undefined): T {
  if (status !== expected) throw new RequestError(`http-${status}`, JSON.stringify(body)?.slice(0, 200));
  const value = read(body);
  if (value === undefined) throw new RequestError('bad-answer', JSON.stringify(body)?.slice(0, 200) ?? 'not JSON');
  return value;
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (body: unknown): Fields => (typeof body === 'object' && body !== null ? (body as Fields) : {});

function receiptOf(body: unknown, replayed: boolean): TransferReceipt | undefined {
  const { id, amount } = fieldsOf(body);
  return typeof id === 'string' && typeof amount === 'number' ? { id, amount, replayed } : undefined;
}

function balanceOf(body: unknown): number | AgedBalance | undefined {
  const { balance, staleMs } = fieldsOf(body);
  if (typeof balance !== 'number') return undefined;
  if (staleMs === undefined) return balance;
  return typeof staleMs === 'number' && staleMs >= 0 ? { balance, staleMs } : undefined;
}

function accountOf(row: unknown): Account | undefined {
  const { account, opening, balance } = fieldsOf(row);
  if (typeof account !== 'string' || typeof opening !== 'number' || typeof balance !== 'number') return undefined;
  return { account, opening, balance };
}

function appliedOf(row: unknown): (AppliedTransfer & { readonly sequence: number }) | undefined {
  const { sequence, id, key, from, to, amount } = fieldsOf(row);
  if (typeof sequence !== 'number' || typeof amount !== 'number') return undefined;
  if (typeof id !== 'string' || typeof key !== 'string' || typeof from !== 'string' || typeof to !== 'string') {
    return undefined;
  }
  return { sequence, id, key, from, to, amount };
}

/** Every row, or `undefined` if one of them has another shape. */
function listOf<T>(body: unknown, read: (row: unknown) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(body)) return undefined;
  const rows: T[] = [];
  for (const entry of body as unknown[]) {
    const row = read(entry);
    if (row === undefined) return undefined;
    rows.push(row);
  }
  return rows;
}
