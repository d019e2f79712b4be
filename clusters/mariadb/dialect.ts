/** How MariaDB is spoken to: its statements, what its errors mean, and its table. */

import type { Json } from '../../rig/contract.ts';
import type { Address } from '../hosts/host.ts';
import type { SqlConnection, SqlDialect } from '../sql-transactions.ts';

const CONNECT_MS = 1_000;
const DUPLICATE_KEY = 1062;
/** A deadlock, or a record that changed since it was read: the server has rolled the transaction back. */
const ROLLED_BACK: readonly (number | undefined)[] = [1213, 1020];
const UPSERT = 'INSERT INTO registers VALUES (:key, :value) ON DUPLICATE KEY UPDATE value =';

export const mariadbDialect = (address: Address): SqlDialect => ({
  open: () => open(address),
  begin: (level) => [`SET TRANSACTION ISOLATION LEVEL ${level}`, 'START TRANSACTION'],
  statements: {
    r: 'SELECT value FROM registers WHERE name = :key',
    select: 'SELECT value FROM registers WHERE name = :key',
    w: `${UPSERT} VALUES(value)`,
    append: `${UPSERT} JSON_MERGE_PRESERVE(value, VALUES(value))`,
    insert: 'INSERT INTO registers VALUES (:key, :value)',
    update: 'UPDATE registers SET value = :value WHERE name = :key',
    delete: 'DELETE FROM registers WHERE name = :key',
  },
  meaning(error) {
    const { errno } = error as { readonly errno?: number };
    if (errno === DUPLICATE_KEY) return 'row-exists';
    return ROLLED_BACK.includes(errno) ? 'rolled-back' : null;
  },
});

/** Resolves when the server answers and there is the table. */
export async function prepare(address: Address): Promise<void> {
  const connection = await open(address);
  try {
    const columns = 'name varchar(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, value longtext NOT NULL';
    await connection.run(`CREATE TABLE IF NOT EXISTS registers (${columns}) ENGINE=InnoDB`, []);
  } finally {
    connection.close();
  }
}

async function open({ host, port }: Address): Promise<SqlConnection> {
  const { createConnection } = await import('mysql2');
  const login = { host, port, user: 'root', database: 'mysql' };
  const client = createConnection({ ...login, connectTimeout: CONNECT_MS, namedPlaceholders: true });
  client.on('error', () => {}); // It also fails the statement that is awaited.
  await client.promise().connect();
  return {
    async run(sql, [key, value]) {
      const [answer] = await client.promise().query<never>(sql, { key, value });
      const rows: readonly { readonly value: string }[] = Array.isArray(answer) ? answer : [];
      return {
        values: rows.map((row) => JSON.parse(row.value) as Json),
        changed: (answer as { readonly affectedRows?: number }).affectedRows ?? 0,
      };
    },
    close: () => client.destroy(),
  };
}
