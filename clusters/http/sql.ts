/**
 * Rows of a service's own database, read and never written: PostgreSQL or MySQL, by the address's scheme. Bounded: rows
 * come in portions, the server ends a query that takes too long, and whatever hangs ends with the socket.
 */

import { Socket } from 'node:net';
import { RequestError } from '../../rig/define.ts';
import { sentenceOf } from '../../rig/outcome.ts';
import type { ServiceEffects } from '../../rig/service-definition.ts';

/** After so long the server ends the query by itself; whoever waits for it has a signal. */
const LONGEST_MS = 20_000;
const PORTION_ROWS = 1_000;
const MOST_ROWS = 1_000_000;
const MOST_BYTES = 512 * 1024 * 1024;

export type Row = Readonly<Record<string, unknown>>;

/** `columns` are known where there is no row too. */
export interface Rows {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/** `${NAME}` in the address is a variable of the environment, so that no password stands in a file. */
export async function rowsOf(
  { connection, query }: NonNullable<ServiceEffects['sql']>,
  signal: AbortSignal,
  mostRows = MOST_ROWS,
): Promise<Rows> {
  const address = addressOf(connection);
  const wanted = query.replace(/[\s;]+$/, '');
  signal.throwIfAborted();
  const socket = new Socket();
  const hangUp = () => socket.destroy();
  signal.addEventListener('abort', hangUp, { once: true });
  try {
    const isPostgres = address.protocol.startsWith('postgres');
    const read = isPostgres ? fromPostgres : fromMysql;
    return await read(address, wanted, socket, mostRows);
  } catch (error) {
    if (signal.aborted) throw lateness(signal.reason, address.host);
    if (error instanceof RequestError) throw error;
    throw new RequestError('database-failed', `${address.host}: ${reasonOf(error)}`);
  } finally {
    signal.removeEventListener('abort', hangUp);
    socket.destroy();
  }
}

function addressOf(connection: string): URL {
  const filled = connection.replace(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = process.env[name];
    if (value === undefined)
      throw new RequestError('bad-address', `the environment has no ${name}, which effects.sql.connection names`);
    return value;
  });
  const [, scheme = ''] = /^(\w+):/.exec(filled) ?? [];
  if (!['postgres', 'postgresql', 'mysql', 'mariadb'].includes(scheme))
    throw new RequestError(
      'bad-address',
      `effects.sql.connection begins with "${scheme}"; it may be postgres: or mysql:`,
    );
  try {
    return new URL(filled.replace(/^mariadb:/, 'mysql:'));
  } catch {
    // The address is not told: it may hold a password.
    throw new RequestError('bad-address', `effects.sql.connection is no address, ${scheme}://user@host:port/database`);
  }
}

async function fromPostgres(address: URL, query: string, socket: Socket, mostRows: number): Promise<Rows> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString: address.href,
    stream: () => socket,
  });
  client.on('error', () => {}); // It also fails the query or the connection that is awaited.
  await client.connect();
  await client.query('BEGIN TRANSACTION READ ONLY');
  await client.query(`SET LOCAL statement_timeout = ${LONGEST_MS}`);
  // The extended protocol takes one statement alone; its option is not in the types.
  const declared = { text: `DECLARE effects NO SCROLL CURSOR FOR ${query}`, queryMode: 'extended' };
  await client.query(declared);
  const rows: Row[] = [];
  for (;;) {
    const portion = await client.query<Row>(`FETCH ${PORTION_ROWS} FROM effects`);
    for (const row of portion.rows) rows.push(row);
    mustBeFew(rows.length, mostRows, socket);
    if (portion.rows.length < PORTION_ROWS) {
      await client.end();
      return { columns: portion.fields.map(({ name }) => name), rows };
    }
  }
}

async function fromMysql(address: URL, query: string, socket: Socket, mostRows: number): Promise<Rows> {
  const { createConnection } = await import('mysql2');
  const client = createConnection({
    uri: address.href,
    supportBigNumbers: true,
    stream: ({ config: { host, port } }: { config: { host: string; port: number } }) => socket.connect(port, host),
  });
  client.on('error', () => {}); // It also fails the statement that is awaited.
  const run = (sql: string) => client.promise().query<never[]>(sql);
  const [[version]] = (await run('SELECT version() AS version')) as unknown as [[Row]];
  const isMaria = String(version?.['version']).includes('MariaDB');
  await run(
    isMaria
      ? `SET SESSION max_statement_time = ${LONGEST_MS / 1000}`
      : `SET SESSION max_execution_time = ${LONGEST_MS}`,
  );
  await run('START TRANSACTION READ ONLY');
  // So it can be nothing but a query.
  const asked = client.query(`SELECT * FROM (${query}\n) AS effects`);
  let columns: readonly string[] = [];
  asked.on('fields', (fields: readonly { readonly name: string }[]) => {
    columns = fields.map(({ name }) => name);
  });
  const rows: Row[] = [];
  const coming = asked.stream();
  socket.on('close', () => coming.destroy(new Error('the connection was closed')));
  for await (const row of coming) {
    rows.push(row as Row);
    mustBeFew(rows.length, mostRows, socket);
  }
  await client.promise().end();
  return { columns, rows };
}

function mustBeFew(count: number, most: number, { bytesRead }: Socket): void {
  if (count > most || bytesRead > MOST_BYTES)
    throw new RequestError(
      'answer-too-large',
      `effects.sql.query gives more than ${most} rows or ${MOST_BYTES / 1024 / 1024} MiB; let it select those of the run alone`,
    );
}

const lateness = (reason: unknown, host: string): unknown =>
  reason instanceof Error && reason.name === 'TimeoutError'
    ? new RequestError('timeout', `${host} did not answer effects.sql.query in time: ${reason.message}`)
    : reason;

/** In the words of whoever refused: of a host with several addresses, all of them may have. */
function reasonOf(error: unknown): string {
  const [inner] = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [];
  return sentenceOf(inner ?? error);
}
