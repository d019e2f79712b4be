/**
 * The store as an SQLite file that several processes share: write-ahead log, `synchronous = FULL`. Writers of one
 * process take turns, those of several are kept apart by SQLite's lock; a lock that is not free is asked for again
 * from the event loop, so a paused holder never blocks this process. Locks of a killed process vanish with it. Its copy
 * is a reader of its own, which stands still by keeping its snapshot. A gate decides whether either can be reached.
 */

import { dirname } from 'node:path';
import Database from 'libsql';
import { Gate } from './gate.ts';
import {
  type AccountRow,
  type AppliedRow,
  type Copy,
  type KeyRecord,
  monotonicMs,
  pause,
  type Store,
  StoreUnavailable,
  type Transaction,
} from './store.ts';
import { ALL_ACCOUNTS, type KeyedTransfer, LIMITS, OPENING_BALANCE } from './terms.ts';

/** SQLite's own wait for a lock blocks the process; ours, between two attempts, does not. */
const BUSY_TIMEOUT_MS = 5;
const RETRY_MS = 4;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS accounts (account TEXT PRIMARY KEY, opening INTEGER NOT NULL, balance INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS transfers (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL, key TEXT NOT NULL, payer TEXT NOT NULL, payee TEXT NOT NULL, amount INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS keys (
    scope TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL,
    status INTEGER, body TEXT, lease_until INTEGER NOT NULL, PRIMARY KEY (scope, key)) WITHOUT ROWID;`;

interface KeyRow {
  readonly fingerprint: string;
  readonly status: number | null;
  readonly body: string | null;
  readonly lease_until: number;
}

/** Opens the file, or makes it with every account at its opening balance. */
export async function openSqliteStore(path: string, node = ''): Promise<Store> {
  const deadlineMs = monotonicMs() + 10_000;
  const writer = await unlocked(deadlineMs, () => connect(path));
  await unlocked(deadlineMs, () => begin(writer));
  writer.exec(SCHEMA);
  const open = writer.prepare('INSERT OR IGNORE INTO accounts VALUES (?, ?, ?)');
  for (const account of ALL_ACCOUNTS) open.run(account, OPENING_BALANCE, OPENING_BALANCE);
  writer.exec('COMMIT');
  const [reader, copy] = [
    await unlocked(deadlineMs, () => connect(path)),
    await unlocked(deadlineMs, () => connect(path)),
  ];
  return new SqliteStore(writer, reader, copy, new Gate(dirname(path), node));
}

const ACCOUNT_ROWS = 'SELECT account, opening, balance FROM accounts ORDER BY account';
const LAST_SEQUENCE = 'SELECT coalesce(max(sequence), 0) AS last FROM transfers';

class SqliteStore implements Store {
  readonly #writer: Database.Database;
  readonly #reader: Database.Database;
  readonly #copy: Database.Database;
  readonly #gate: Gate;
  /** Since when the copy stands still; `null`: it does not. */
  #stoodStillMs: number | null = null;
  readonly #transaction: Transaction;
  /** Settles when the writer's last transaction has ended. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(writer: Database.Database, reader: Database.Database, copy: Database.Database, gate: Gate) {
    this.#writer = writer;
    this.#reader = reader;
    this.#copy = copy;
    this.#gate = gate;
    this.#transaction = statements(writer);
  }

  transaction<T>(deadlineMs: number, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => this.#alone(deadlineMs, work));
    this.#turn = result.catch(() => {});
    return result;
  }

  async #alone<T>(deadlineMs: number, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    this.#mustReachStore();
    await unlocked(deadlineMs, () => begin(this.#writer));
    let result: T;
    try {
      // From here on the event loop does not turn: whoever shuts the gate and gets the lock has seen the last commit.
      this.#mustReachStore();
      result = await work(this.#transaction);
    } catch (error) {
      this.#writer.exec('ROLLBACK');
      throw error;
    }
    this.#writer.exec('COMMIT');
    return result;
  }

  accounts(): Promise<readonly AccountRow[]> {
    return this.#read((reader) => reader.prepare(ACCOUNT_ROWS).all() as AccountRow[]);
  }

  replica(): Promise<Copy> {
    return this.#fromCopy((copy, staleMs) => ({ rows: copy.prepare(ACCOUNT_ROWS).all() as AccountRow[], staleMs }));
  }

  async lag(): Promise<number> {
    const last = (database: Database.Database) => (database.prepare(LAST_SEQUENCE).get() as { last: number }).last;
    return (await this.#read(last)) - (await this.#fromCopy(last));
  }

  /** From the snapshot that was taken when it began to stand still, or from what there is now. */
  #fromCopy<T>(query: (copy: Database.Database, staleMs: number) => T): Promise<T> {
    return unlocked(monotonicMs() + LIMITS.copyMs, () => {
      const { copy, isLagging } = this.#gate.look();
      if (!copy) throw new StoreUnavailable('the copy of the database is out of reach');
      if (isLagging && this.#stoodStillMs === null) {
        this.#copy.exec('BEGIN');
        this.#copy.prepare(LAST_SEQUENCE).get(); // Takes the snapshot.
        this.#stoodStillMs = monotonicMs();
      } else if (!isLagging && this.#stoodStillMs !== null) {
        this.#copy.exec('COMMIT');
        this.#stoodStillMs = null;
      }
      return query(this.#copy, this.#stoodStillMs === null ? 0 : monotonicMs() - this.#stoodStillMs);
    });
  }

  #mustReachStore(): void {
    if (!this.#gate.look().store) throw new StoreUnavailable('the database is out of reach');
  }

  applied(afterSequence: number, limit: number): Promise<readonly AppliedRow[]> {
    const select = `SELECT sequence, id, key, payer AS "from", payee AS "to", amount FROM transfers
      WHERE sequence > ? ORDER BY sequence LIMIT ?`;
    return this.#read((reader) => reader.prepare(select).all(afterSequence, limit) as AppliedRow[]);
  }

  #read<T>(query: (reader: Database.Database) => T): Promise<T> {
    return unlocked(monotonicMs() + LIMITS.storeMs, () => {
      this.#mustReachStore();
      return query(this.#reader);
    });
  }

  async close(): Promise<void> {
    await this.#turn;
    this.#reader.close();
    this.#copy.close();
    this.#writer.close();
  }
}

function connect(path: string): Database.Database {
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = FULL');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

const begin = (writer: Database.Database): unknown => writer.exec('BEGIN IMMEDIATE');

/** All synchronous underneath: once begun, a transaction ends without letting the event loop turn. */
function statements(database: Database.Database): Transaction {
  const find = database.prepare('SELECT fingerprint, status, body, lease_until FROM keys WHERE scope = ? AND key = ?');
  const record = database.prepare('INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?, ?)');
  const forget = database.prepare('DELETE FROM keys WHERE status IS NOT NULL AND lease_until BETWEEN 1 AND ?');
  const funds = database.prepare('SELECT balance FROM accounts WHERE account = ?');
  const add = database.prepare('UPDATE accounts SET balance = balance + ? WHERE account = ?');
  const append = database.prepare('INSERT INTO transfers (id, key, payer, payee, amount) VALUES (?, ?, ?, ?, ?)');
  const byId = database.prepare('SELECT payer, payee, amount FROM transfers WHERE id = ?');
  const remove = database.prepare('DELETE FROM transfers WHERE id = ?');
  return {
    async find(scope, key) {
      const row = find.get(scope, key) as KeyRow | undefined;
      return row ? recordOf(row) : null;
    },
    async record(scope, key, { fingerprint, answer, leaseUntilMs }) {
      record.run(scope, key, fingerprint, answer?.status ?? null, answer?.body ?? null, leaseUntilMs);
    },
    async forget(beforeMs) {
      forget.run(beforeMs - 1);
    },
    async funds(transfer: KeyedTransfer) {
      return (funds.get(transfer.from) as { balance: number }).balance;
    },
    async move(id, { key, from, to, amount }) {
      add.run(-amount, from);
      add.run(amount, to);
      append.run(id, key, from, to, amount);
    },
    async takeBack(id) {
      const row = byId.get(id) as { payer: string; payee: string; amount: number } | undefined;
      if (!row) return false;
      add.run(row.amount, row.payer);
      add.run(-row.amount, row.payee);
      remove.run(id);
      return true;
    },
  };
}

const recordOf = ({ fingerprint, status, body, lease_until }: KeyRow): KeyRecord => ({
  fingerprint,
  answer: status === null || body === null ? null : { status, body },
  leaseUntilMs: lease_until,
});

/** What `attempt` returns, tried until the file's lock is free or the deadline has passed. */
async function unlocked<T>(deadlineMs: number, attempt: () => T): Promise<T> {
  for (;;) {
    if (monotonicMs() > deadlineMs) throw new StoreUnavailable('the database stayed locked');
    try {
      return attempt();
    } catch (error) {
      if (!(error instanceof Error) || !isBusy(error)) throw error;
    }
    await pause(RETRY_MS);
  }
}

const isBusy = (error: Error): boolean =>
  /^SQLITE_(BUSY|LOCKED)/.test(String((error as { code?: unknown }).code)) ||
  error.message.includes('database is locked');
