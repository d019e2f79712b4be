/**
 * The store as a PostgreSQL primary with a synchronous replica; which of two databases is the primary is asked of them
 * whenever there is doubt, so a failover is followed, and one that is no primary is never written to. A key is locked by an advisory lock for the length of its transaction, the
 * two accounts in the order of their names. A connection on which anything went wrong is never used again: what was
 * not committed on it is rolled back by the server.
 */

import { createHash } from 'node:crypto';
import pg from 'pg';
import {
  type AccountRow,
  type AppliedRow,
  type Copy,
  monotonicMs,
  pause,
  type Store,
  StoreUnavailable,
  type Transaction,
} from './store.ts';
import { type Bug, ALL_ACCOUNTS, LIMITS, OPENING_BALANCE } from './terms.ts';

const CONNECTIONS = 8;
const CONNECT_MS = 500;
const BRING_UP_MS = 30_000;
/** How often at most the databases are asked which of them is the primary, and for how long. */
const ELECTION_EVERY_MS = 100;
const ELECTION_MS = 400;
/** A transaction is in the replica a moment after it is committed. */
const REPLICATION_MS = 100;
const FORGOTTEN_AT_ONCE = 20;
/** Guards the making of the schema by several processes at once. */
const SCHEMA_LOCK = 4711;

/** An unlogged table is quick, and is not replicated. */
const schemaWith = (keys: 'TABLE' | 'UNLOGGED TABLE'): string => `
  CREATE TABLE IF NOT EXISTS accounts (account text PRIMARY KEY, opening integer NOT NULL, balance integer NOT NULL);
  CREATE TABLE IF NOT EXISTS transfers (
    sequence serial PRIMARY KEY,
    id text NOT NULL, key text NOT NULL, payer text NOT NULL, payee text NOT NULL, amount integer NOT NULL);
  CREATE ${keys} IF NOT EXISTS keys (
    scope text NOT NULL, key text NOT NULL, fingerprint text NOT NULL,
    status integer, body text, lease_until double precision NOT NULL, PRIMARY KEY (scope, key));`;

interface KeyRow {
  readonly fingerprint: string;
  readonly status: number | null;
  readonly body: string | null;
  readonly lease_until: number;
}

/**
 * `url` as in `postgres://user@host:port,host:port/database`. Makes the schema; waits until there is a primary.
 */
export async function openPostgresStore(url: string, bug: Bug | null): Promise<Store> {
  const [, user = '', hosts = '', database = ''] = /^postgres:\/\/(\w+)@([^/]+)\/(\w+)$/.exec(url) ?? [];
  const pools = hosts.split(',').map((host) => poolOf(`postgres://${user}@${host}/${database}`));
  const store = new PostgresStore(pools);
  const schema = schemaWith(bug === 'key-not-replicated' ? 'UNLOGGED TABLE' : 'TABLE');
  const deadlineMs = monotonicMs() + BRING_UP_MS;
  for (;;) {
    try {
      await store.prepare(schema);
      return store;
    } catch (error) {
      if (monotonicMs() > deadlineMs) throw error;
    }
    await pause(200);
  }
}

function poolOf(connectionString: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_MS,
    idleTimeoutMillis: 5_000,
    keepAlive: true,
    // The server's bounds end a transaction whose client is gone, the client's bound a server that is gone.
    statement_timeout: LIMITS.storeMs,
    lock_timeout: LIMITS.storeMs,
    idle_in_transaction_session_timeout: 2 * LIMITS.storeMs,
    query_timeout: 2 * LIMITS.storeMs,
  });
  pool.on('error', (error) => console.error('an idle connection was lost:', error.message));
  return pool;
}

const ACCOUNT_ROWS = 'SELECT account, opening, balance FROM accounts ORDER BY account';
const LAST_SEQUENCE = 'SELECT coalesce(max(sequence), 0) AS last FROM transfers';
const IS_REPLICA = 'SELECT pg_is_in_recovery() AS "isReplica"';
/**
 * How old what the replica answers next may be: as old as the last word of its primary if it has replayed all of it, and
 * as the last transaction that it has replayed if not.
 */
const REPLICA_AGE = `SELECT pg_is_in_recovery() AS "isReplica", 1000 * extract(epoch FROM clock_timestamp() - (
    SELECT CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN
      (SELECT last_msg_receipt_time FROM pg_stat_wal_receiver WHERE status = 'streaming') END
    UNION ALL SELECT pg_last_xact_replay_timestamp() ORDER BY 1 DESC NULLS LAST LIMIT 1))::float AS "ageMs"`;

class PostgresStore implements Store {
  readonly #pools: readonly pg.Pool[];
  #primary = 0;
  #isElecting = false;

  constructor(pools: readonly pg.Pool[]) {
    this.#pools = pools;
  }

  async prepare(schema: string): Promise<void> {
    await this.#session(monotonicMs() + LIMITS.storeMs, async (client) => {
      await client.query('SELECT pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
      await client.query(schema);
      for (const account of ALL_ACCOUNTS) {
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
      this.#elect();
      throw new StoreUnavailable('no connection to the database', { cause: error });
    });
    // A connection that breaks while it is held says so here as well as in the query.
    const broken = () => {};
    client.on('error', broken);
    let failed = true;
    try {
      let result: T;
      try {
        // A replica refuses this.
        await client.query('BEGIN READ WRITE');
        result = await work(client);
        if (monotonicMs() > deadlineMs) throw new Error('the time for this request is over');
      } catch (error) {
        this.#elect();
        throw new StoreUnavailable('the database did not serve in time', { cause: error });
      }
      // A commit that was cut short while it waits for the replica would be taken for one that the replica has.
      await client.query('SET LOCAL statement_timeout = 0; COMMIT');
      failed = false;
      return result;
    } finally {
      client.off('error', broken);
      client.release(failed);
    }
  }

  get #pool(): pg.Pool {
    return this.#pools[this.#primary] as pg.Pool;
  }

  /** Asks both which of them is the primary, if that is not being asked already. */
  #elect(): void {
    if (this.#isElecting) return;
    this.#isElecting = true;
    void this.#findPrimary()
      .then(() => pause(ELECTION_EVERY_MS))
      .finally(() => (this.#isElecting = false));
  }

  async #findPrimary(): Promise<void> {
    const isPrimary = async (pool: pg.Pool) => {
      const { rows } = await pool.query<{ isReplica: boolean }>(IS_REPLICA);
      return rows[0]?.isReplica === false;
    };
    await Promise.all(
      this.#pools.map(async (pool, at) => {
        const late = pause(ELECTION_MS).then(() => false);
        if (await Promise.race([isPrimary(pool).catch(() => false), late])) this.#primary = at;
      }),
    );
  }

  accounts(): Promise<readonly AccountRow[]> {
    return this.#read<AccountRow>(ACCOUNT_ROWS, []);
  }

  async applied(afterSequence: number, limit: number): Promise<readonly AppliedRow[]> {
    const select = `SELECT sequence, id, key, payer AS "from", payee AS "to", amount FROM transfers
      WHERE sequence > $1 ORDER BY sequence LIMIT $2`;
    return this.#read<AppliedRow>(select, [afterSequence, limit]);
  }

  /** Of the one that is not the primary. What was acknowledged before it is asked for its age, it has received. */
  async replica(): Promise<Copy> {
    const other = this.#other();
    try {
      const [age] = (await other.query<{ isReplica: boolean; ageMs: number | null }>(REPLICA_AGE)).rows;
      const { rows } = await other.query<AccountRow>(ACCOUNT_ROWS);
      if (!age?.isReplica) throw new Error('it has become the primary');
      return { rows, staleMs: (age.ageMs ?? Infinity) + REPLICATION_MS };
    } catch (error) {
      this.#elect();
      throw new StoreUnavailable('the replica did not serve in time', { cause: error });
    }
  }

  async lag(): Promise<number> {
    const [here] = await this.#read<{ last: number }>(LAST_SEQUENCE, []);
    const [there] = (await this.#other().query<{ last: number }>(LAST_SEQUENCE)).rows;
    return (here?.last ?? 0) - (there?.last ?? 0);
  }

  #other(): pg.Pool {
    return this.#pools[(this.#primary + 1) % this.#pools.length] as pg.Pool;
  }

  /** From the primary, which must still be one. */
  async #read<Row extends object>(query: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const pool = this.#pool;
    try {
      const { rows } = await pool.query<Row>(query, [...values]);
      const [after] = (await pool.query<{ isReplica: boolean }>(IS_REPLICA)).rows;
      if (after?.isReplica !== false) throw new Error('it is no primary any more');
      return rows;
    } catch (error) {
      this.#elect();
      throw new StoreUnavailable('the database did not serve in time', { cause: error });
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.end()));
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
    async forget(beforeMs) {
      const old = `SELECT ctid FROM keys WHERE status IS NOT NULL AND lease_until > 0 AND lease_until < $1
        LIMIT ${FORGOTTEN_AT_ONCE} FOR UPDATE SKIP LOCKED`;
      await client.query(`DELETE FROM keys WHERE ctid = ANY (ARRAY(${old}))`, [beforeMs]);
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
    async takeBack(id) {
      const remove = 'DELETE FROM transfers WHERE id = $1 RETURNING payer, payee, amount';
      const [row] = (await client.query<{ payer: string; payee: string; amount: number }>(remove, [id])).rows;
      if (!row) return false;
      for (const account of [row.payer, row.payee].sort()) {
        const update = 'UPDATE accounts SET balance = balance + $1 WHERE account = $2';
        await client.query(update, [account === row.payer ? row.amount : -row.amount, account]);
      }
      return true;
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
