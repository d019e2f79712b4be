/** How PostgreSQL is spoken to: its statements, what its errors mean, and its table. */

import type { Json } from '../../rig/contract.ts';
import type { Address } from '../hosts/host.ts';
import type { SqlConnection, SqlDialect } from '../sql-transactions.ts';

const CONNECT_MS = 1_000;
const UPSERT = 'INSERT INTO registers (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value =';

export const postgresDialect = (address: Address): SqlDialect => ({
  open: () => open(address),
  begin: (level) => [`BEGIN ISOLATION LEVEL ${level}`],
  statements: {
    r: 'SELECT value FROM registers WHERE key = $1',
    select: 'SELECT value FROM registers WHERE key = $1',
    w: `${UPSERT} excluded.value`,
    append: `${UPSERT} registers.value || excluded.value`,
    insert: 'INSERT INTO registers (key, value) VALUES ($1, $2)',
    update: 'UPDATE registers SET value = $2 WHERE key = $1',
    delete: 'DELETE FROM registers WHERE key = $1',
  },
  meaning(error) {
    const { code = '' } = error as { readonly code?: string };
    if (code === '23505') return 'row-exists';
    return code.startsWith('40') ? 'rolled-back' : null; // Class 40: transaction rollback.
  },
});

/** Resolves when the server answers and there is the table. */
export async function prepare(address: Address): Promise<void> {
  const connection = await open(address);
  try {
    await connection.run('CREATE TABLE IF NOT EXISTS registers (key text PRIMARY KEY, value jsonb NOT NULL)', []);
  } finally {
    connection.close();
  }
}

async function open({ host, port }: Address): Promise<SqlConnection> {
  const { default: pg } = await import('pg');
  const connectionString = `postgres://postgres@${host}:${port}/postgres`;
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: CONNECT_MS });
  client.on('error', () => {}); // It also fails the query or the connection that is awaited.
  await client.connect();
  return {
    async run(sql, values) {
      const { rows, rowCount, command } = await client.query<{ value: Json }>(sql, [...values]);
      // The server answers so, without an error, where a statement of the transaction had failed.
      if (sql === 'COMMIT' && command !== 'COMMIT') throw Object.assign(new Error(command), { code: '40000' });
      return { values: rows.map(({ value }) => value), changed: rowCount ?? 0 };
    },
    close: () => client.connection.stream.destroy(),
  };
}
