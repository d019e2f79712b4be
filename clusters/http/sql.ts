/** Rows of a service's own database, read and never written: PostgreSQL or MySQL, by the address's scheme. */

import { RequestError } from '../../rig/define.ts';
import type { ServiceEffects } from '../../rig/service-definition.ts';
import { sentenceOf } from '../../rig/outcome.ts';

const LONGEST_MS = 20_000;

type Row = Readonly<Record<string, unknown>>;

/** `${NAME}` in the address is a variable of the environment, so that no password stands in a file. */
export async function rowsOf(
  { connection, query }: NonNullable<ServiceEffects['sql']>,
  signal: AbortSignal,
): Promise<readonly Row[]> {
  const address = connection.replace(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = process.env[name];
    if (value === undefined)
      throw new RequestError('bad-address', `the environment has no ${name}, which effects.sql.connection names`);
    return value;
  });
  const [, scheme = ''] = /^(\w+):/.exec(address) ?? [];
  signal.throwIfAborted();
  try {
    if (['postgres', 'postgresql'].includes(scheme)) return await fromPostgres(address, query);
    if (['mysql', 'mariadb'].includes(scheme)) return await fromMysql(address.replace(/^mariadb:/, 'mysql:'), query);
  } catch (error) {
    throw new RequestError('database-failed', sentenceOf(error));
  }
  throw new RequestError(
    'bad-address',
    `effects.sql.connection begins with "${scheme}"; it may be postgres: or mysql:`,
  );
}

async function fromPostgres(connectionString: string, query: string): Promise<readonly Row[]> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: LONGEST_MS,
    query_timeout: LONGEST_MS,
    options: '-c default_transaction_read_only=on',
  });
  client.on('error', () => {}); // It also fails the query or the connection that is awaited.
  try {
    await client.connect();
    return (await client.query<Row>(query)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

async function fromMysql(uri: string, query: string): Promise<readonly Row[]> {
  const { createConnection } = await import('mysql2/promise');
  const connection = await createConnection({ uri, connectTimeout: LONGEST_MS });
  try {
    await connection.query('SET SESSION TRANSACTION READ ONLY');
    const [rows] = await connection.query({ sql: query, timeout: LONGEST_MS });
    return Array.isArray(rows) ? (rows as readonly Row[]) : [];
  } finally {
    connection.destroy();
  }
}
