/**
 * The store as a PostgreSQL database. A key is locked by an advisory lock for the length of its transaction, the
 * two accounts in the order of their names. A connection on which anything went wrong is never used again: what was
 * not committed on it is rolled back by the server.
 */

import { createHash } from 'node:crypto';
import pg from 'pg';
import {
  type AccountRow,
  type AppliedRow,
  monotonicMs,
  pause,
  type Store,
  StoreUnavailable,
  type Transaction,
} from './store.ts';
import { ACCOUNTS, LIMITS, OPENING_BALANCE } from './terms.ts';

const CONNECTIONS = 8;
const BRING_UP_MS = 30_000;
/** Guards the making of the schema by several processes at once. */
const SCHEMA_LOCK = 4711;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS accounts (account text PRIMARY KEY, opening integer NOT NULL, balance integer NOT NULL);
  CREATE TABLE IF NOT EXISTS transfers (
    sequence serial PRIMARY KEY,
    id text NOT NULL, key text NOT NULL, payer text NOT NULL, payee text NOT NULL, amount integer NOT NULL);
  CREATE TABLE IF NOT EXISTS keys (
    scope text NOT NULL, key text NOT NULL, fingerprint text NOT NULL,
    status integer, body text, lease_until double precision NOT NULL, PRIMARY KEY (scope, key));`;

interface KeyRow {
  readonly fingerprint: string;
  readonly status: number | null;
  readonly body: string | null;
  readonly lease_until: number;
}

/** `url` as in `postgres://user@host:port/database`. Makes the schema; waits until the server is there. */
export async function openPostgresStore(url: string): Promise<Store> {
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: LIMITS.storeMs,
    idleTimeoutMillis: 5_000,
    keepAlive: true,
    // The server's bounds end a transaction whose client is gone, the client's bound a server that is gone.
    statement_timeout: LIMITS.storeMs,
    lock_timeout: LIMITS.storeMs,
    idle_in_transaction_session_timeout: 2 * LIMITS.storeMs,
    query_timeout: 2 * LIMITS.storeMs,
  });
  pool.on('error', (error) => console.error('an idle connection was lost:', error.message));
  const store = new PostgresStore(pool);
  const deadlineMs = monotonicMs() + BRING_UP_MS;
  for (;;) {
    try {
      await store.prepare();
      return store;
    } catch (error) {
      if (monotonicMs() > deadlineMs) throw error;
    }
    await pause(200);
  }
}

class PostgresStore implements Store {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async prepare(): Promise<void> {
    await this.#session(monotonicMs() + LIMITS.storeMs, async (client) => {
      await client.query('SELECT pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
      await client.query(SCHEMA);
      for (const account of ACCOUNTS) {
        const insert = 'INSERT INTO accounts VALUES ($1, $2, $2) ON CONFLICT DO NOTHING';
        await client.query(insert, [account, OPENING_BALANCE]);
      }
    });
  }

  transaction<T>(deadlineMs: number, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#session(deadlineMs, (client) => work(statements(client)));
  }

  async #session<T>(deadlineMs: number, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw new StoreUnavailable('no connection to the database', { cause: error });
    });
    // A connection that breaks while it is held says so here as well as in the query.
    const broken = () => {};
    client.on('error', broken);
    let failed = true;
    try {
      let result: T;
      try {
        await client.query('BEGIN');
        result = await work(client);
        if (monotonicMs() > deadlineMs) throw new Error('the time for this request is over');
      } catch (error) {
        throw new StoreUnavailable('the database did not serve in time', { cause: error });
      }
      await client.query('COMMIT');
      failed = false;
      return result;
    } finally {
      client.off('error', broken);
      client.release(failed);
    }
  }

  async accounts(): Promise<readonly AccountRow[]> {
    return this.#read<AccountRow>('SELECT account, opening, balance FROM accounts ORDER BY account', []);
  }

  async applied(afterSequence: number, limit: number): Promise<readonly AppliedRow[]> {
    const select = `SELECT sequence, id, key, payer AS "from", payee AS "to", amount FROM transfers
      WHERE sequence > $1 ORDER BY sequence LIMIT $2`;
    return this.#read<AppliedRow>(select, [afterSequence, limit]);
  }

  async #read<Row extends object>(query: string, values: readonly unknown[]): Promise<readonly Row[]> {
    try {
      return (await this.#pool.query<Row>(query, [...values])).rows;
    } catch (error) {
      throw new StoreUnavailable('the database did not serve in time', { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

function statements(client: pg.PoolClient): Transaction {
  return {
    async find(scope, key) {
      await client.query('SELECT pg_advisory_xact_lock($1)', [lockOf(scope, key)]);
      const select = 'SELECT fingerprint, status, body, lease_until FROM keys WHERE scope = $1 AND key = $2';
      const row = (await client.query<KeyRow>(select, [scope, key])).rows[0];
      if (!row) return null;
      const { fingerprint, status, body, lease_until } = row;
      return {
        fingerprint,
        answer: status === null || body === null ? null : { status, body },
        leaseUntilMs: lease_until,
      };
    },
    async record(scope, key, { fingerprint, answer, leaseUntilMs }) {
      await client.query(
        `INSERT INTO keys VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (scope, key)
         DO UPDATE SET fingerprint = $3, status = $4, body = $5, lease_until = $6`,
        [scope, key, fingerprint, answer?.status ?? null, answer?.body ?? null, leaseUntilMs],
      );
    },
    async funds({ from, to }) {
      const lock = 'SELECT account, balance FROM accounts WHERE account IN ($1, $2) ORDER BY account FOR UPDATE';
      const { rows } = await client.query<{ account: string; balance: number }>(lock, [from, to]);
      const payer = rows.find(({ account }) => account === from);
      if (!payer) throw new Error(`there is no account ${from}`);
      return payer.balance;
    },
    async move(id, { key, from, to, amount }) {
      // In the order of their names, so that two transfers never wait for each other's second account.
      for (const account of [from, to].sort()) {
        const update = 'UPDATE accounts SET balance = balance + $1 WHERE account = $2';
        await client.query(update, [account === from ? -amount : amount, account]);
      }
      const insert = 'INSERT INTO transfers (id, key, payer, payee, amount) VALUES ($1, $2, $3, $4, $5)';
      await client.query(insert, [id, key, from, to, amount]);
    },
  };
}

/** The name of a scoped key's advisory lock: 63 bits of its hash. */
const lockOf = (scope: string, key: string): string =>
  (
    createHash('sha256')
      .update(JSON.stringify([scope, key]))
      .digest()
      .readBigUInt64BE() >> 1n
  ).toString();
