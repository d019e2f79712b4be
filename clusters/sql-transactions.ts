/**
 * The API `txn` over one SQL database: a transaction is begun at some isolation level, each micro-operation is one
 * statement on the table `registers`, sent when the one before it was answered, and then it is committed.
 */

import type { Client, Json, MicroOperation } from '../rig/contract.ts';
import { Refused, RequestError } from '../rig/define.ts';
import { isRead, rowExists, withChanged } from './transaction.ts';

export type IsolationLevel = 'SERIALIZABLE' | 'REPEATABLE READ' | 'READ COMMITTED';

/** The weaker levels, as variants of a database. */
export const WEAKER_LEVELS = {
  'repeatable-read': 'REPEATABLE READ',
  'read-committed': 'READ COMMITTED',
} as const satisfies Readonly<Record<string, IsolationLevel>>;

export const levelOf = (variant: string | null): IsolationLevel =>
  WEAKER_LEVELS[variant as keyof typeof WEAKER_LEVELS] ?? 'SERIALIZABLE';

export interface SqlConnection {
  /** `changed`: how many rows a change found. Rejects with what the driver says. */
  run(sql: string, values: readonly string[]): Promise<{ readonly values: readonly Json[]; readonly changed: number }>;
  /** Hangs up at once, whatever is under way. Never throws. */
  close(): void;
}

export interface SqlDialect {
  /** Rejects with what the driver says. */
  open(): Promise<SqlConnection>;
  begin(level: IsolationLevel): readonly string[];
  /** Of the key and the value, in this order; `append` of the key and a list of one. */
  readonly statements: Readonly<Record<MicroOperation[0], string>>;
  /** Whether an answer of the server says that a row with that key is there, or that nothing of the transaction will be. */
  meaning(error: unknown): 'row-exists' | 'rolled-back' | null;
}

/** Transactions through one connection at a time, which is opened when it is needed. */
export function connectSql(dialect: SqlDialect, level: IsolationLevel): Client<'txn'> {
  let connection: SqlConnection | null = null;
  const hangUp = () => {
    connection?.close();
    connection = null;
  };
  return {
    definite: new Set(['connection-refused']),
    async transact(transaction, signal) {
      signal.addEventListener('abort', hangUp, { once: true });
      try {
        connection ??= await opened(dialect);
        signal.throwIfAborted();
        return await transact(connection, dialect, level, transaction);
      } catch (error) {
        hangUp(); // With which the server rolls back what is not committed.
        throw error;
      } finally {
        signal.removeEventListener('abort', hangUp);
      }
    },
    [Symbol.asyncDispose]: async () => hangUp(),
  };
}

async function opened(dialect: SqlDialect): Promise<SqlConnection> {
  try {
    return await dialect.open();
  } catch (error) {
    throw new RequestError('connection-refused', messageOf(error));
  }
}

/** Until it asks for the commit, whatever goes wrong leaves nothing behind. */
async function transact(
  connection: SqlConnection,
  dialect: SqlDialect,
  level: IsolationLevel,
  transaction: readonly MicroOperation[],
): Promise<readonly MicroOperation[]> {
  const output: MicroOperation[] = [];
  let key = '';
  try {
    for (const sql of dialect.begin(level)) await connection.run(sql, []);
    for (const micro of transaction) {
      key = micro[1];
      output.push(await execute(connection, dialect, micro));
    }
  } catch (error) {
    const meaning = dialect.meaning(error);
    if (meaning === 'row-exists') throw rowExists(key);
    throw new Refused(meaning === 'rolled-back' ? 'conflict' : 'not-committed', messageOf(error));
  }
  try {
    await connection.run('COMMIT', []);
  } catch (error) {
    if (dialect.meaning(error) === 'rolled-back') throw new Refused('conflict', messageOf(error));
    throw new RequestError('connection-lost', messageOf(error));
  }
  return output;
}

async function execute(connection: SqlConnection, dialect: SqlDialect, micro: MicroOperation): Promise<MicroOperation> {
  const [f, key, value] = micro;
  const argument = JSON.stringify(f === 'append' ? [value] : value);
  const isAlone = isRead(micro) || f === 'delete';
  const { values, changed } = await connection.run(dialect.statements[f], isAlone ? [key] : [key, argument]);
  return isRead(micro) ? [micro[0], key, values[0] ?? null] : withChanged(micro, changed);
}

const messageOf = (error: unknown): string => String(error instanceof Error ? error.message : error).slice(0, 200);
