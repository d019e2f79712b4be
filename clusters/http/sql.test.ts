/** Effects that are rows of a real PostgreSQL and a real MariaDB, written by a real service; and what is said when they cannot be read. */

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { createPool } from 'mysql2/promise';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { RealClock } from '../../rig/clock.ts';
import type { Client } from '../../rig/contract.ts';
import type { RequestError } from '../../rig/define.ts';
import { describeWith } from '../../rig/needs.ts';
import { packageRoot } from '../../rig/package-root.ts';
import { Random } from '../../rig/random.ts';
import type { HttpServiceDefinition } from '../../rig/service-definition.ts';
import { type OwnDatabase, ownMariadb, ownPostgres } from '../hosts/own-database.ts';
import { httpService } from './http-service.ts';
import { rowsOf } from './sql.ts';

interface Tables {
  /** Whether it was inserted; with `once`, a key is inserted once. */
  insert(key: string, amount: number, once: boolean): Promise<boolean>;
  end(): Promise<void>;
}

const TABLE = `(id integer GENERATED, ref text NOT NULL, amount decimal(10, 2) NOT NULL)`;

async function postgresTables(url: string): Promise<Tables> {
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on('error', () => {});
  await pool.query(`CREATE TABLE payments ${TABLE.replace('integer GENERATED', 'serial PRIMARY KEY')}`);
  await pool.query('CREATE TABLE refs (ref text PRIMARY KEY)');
  return {
    async insert(key, amount, isOnce) {
      const insert = 'INSERT INTO payments (ref, amount) SELECT $1, $2';
      const sql = isOnce
        ? `WITH mine AS (INSERT INTO refs SELECT $1 ON CONFLICT DO NOTHING RETURNING ref) ${insert} FROM mine`
        : insert;
      return (
        (await pool.query(sql.replaceAll('$1', '$1::text').replace('$2', '$2::numeric'), [key, amount])).rowCount === 1
      );
    },
    end: () => pool.end(),
  };
}

async function mariadbTables(url: string): Promise<Tables> {
  const pool = createPool({ uri: url, connectionLimit: 4 });
  await pool.query(`CREATE TABLE payments ${TABLE.replace('GENERATED', 'PRIMARY KEY AUTO_INCREMENT')}`);
  return {
    async insert(key, amount) {
      await pool.query('INSERT INTO payments (ref, amount) VALUES (?, ?)', [key, amount]);
      return true;
    },
    end: () => pool.end(),
  };
}

/** A small payment service; `isOnce`: it looks whether the key was there. */
async function paymentService(tables: Tables, isOnce: boolean): Promise<Server> {
  const answer = async (request: IncomingMessage) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (request.method === 'GET') return 200;
    const { amount } = JSON.parse(body) as { amount: number };
    await tables.insert(String(request.headers['idempotency-key']), amount, isOnce);
    return 201;
  };
  const server = createServer(
    (request, response) =>
      void answer(request).then(
        (status) => response.writeHead(status).end('{}'),
        () => response.writeHead(500).end(),
      ),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const definition = (attach: string, connection: string, changes: object = {}): HttpServiceDefinition => ({
  name: 'payments',
  attach: { n1: attach },
  idempotencyKey: { header: 'Idempotency-Key' },
  operations: {
    pay: { method: 'POST', path: '/', body: { amount: '{{amount}}' }, values: { amount: { integer: [1, 9] } } },
  },
  outcomes: { mismatch: [] },
  effects: {
    sql: { connection, query: 'SELECT id, ref, amount FROM payments -- all;\n;' },
    key: 'ref',
    id: 'id',
    values: { amount: 'amount' },
    ...changes,
  },
});

const soon = (ms = 10_000) => AbortSignal.timeout(ms);
const folder = mkdtempSync(join(tmpdir(), 'ordeal-sql-'));
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let runs = 0;
async function clientOf(service: HttpServiceDefinition): Promise<Client<'service'>> {
  const cluster = await httpService(service, folder).up({
    runId: `sql-${process.pid}-${++runs}`,
    host: 'attached',
    variant: null,
    nodeCount: 1,
    directory: folder,
    rng: new Random(1),
    clock: new RealClock(),
    progress: () => {},
    signal: soon(),
  });
  cleanUps.push(() => cluster[Symbol.asyncDispose]());
  const client: Client<'service'> = await cluster.connect('service', 'n1');
  cleanUps.push(() => client[Symbol.asyncDispose]());
  return client;
}

const DATABASES = [
  ['postgres', 'PostgreSQL', ownPostgres, postgresTables, 'pg_sleep(60)', 'column "nothing" does not exist'],
  ['mariadb', 'MariaDB', ownMariadb, mariadbTables, 'sleep(60)', "Unknown column 'nothing'"],
] as const;

for (const [need, name, own, tablesOf, sleep, complaint] of DATABASES)
  describeWith([need], `effects that are rows of a ${name}`, () => {
    let database: OwnDatabase;
    let tables: Tables;
    beforeAll(async () => {
      database = await own();
      const ask = () => rowsOf({ connection: database.url, query: 'SELECT 1' }, soon());
      for (let tries = 0; tries < 100; tries++) {
        if (await ask().catch(() => null)) break;
        await new Promise((resolve) => void new RealClock().after(100, () => resolve(null)));
      }
      tables = await tablesOf(database.url);
    }, 60_000);
    afterAll(async () => {
      await tables.end();
      await database[Symbol.asyncDispose]();
    });

    const serving = async (isOnce = false) => {
      const server = await paymentService(tables, isOnce);
      cleanUps.push(() => server.close());
      return urlOf(server);
    };
    const reading = (query: string, ms = 10_000) =>
      rowsOf({ connection: database.url, query }, soon(ms)).catch((error: unknown) => error as RequestError);

    it('are listed as often as they happened, and only those of this run', async () => {
      const client = await clientOf(definition(await serving(), database.url));
      const { keyPrefix } = await client.terms(soon());
      await tables.insert('of somebody else', 1, false);
      for (const key of ['k1', 'k2', 'k1'])
        await client.request({ operation: 'pay', key: `${keyPrefix}${key}`, values: { amount: 5 } }, soon());
      const effects = await client.effects(soon());
      expect(effects.map(({ key }) => key.replace(keyPrefix, ''))).toEqual(['k1', 'k2', 'k1']);
      expect(new Set(effects.map(({ id }) => id)).size).toBe(3);
      expect(effects[0]?.values).toEqual({ amount: '5.00' });
    });

    it.each([
      ['SELECT nothing', complaint],
      ['SELEC 1', /syntax/],
      ['DELETE FROM payments', /syntax/],
      ['SELECT 1; DROP TABLE payments', /syntax|multiple commands/],
    ])('that %s should give are an error in the words of the database, and nothing is written', async (query, says) => {
      const error = await reading(query);
      expect(error).toMatchObject({ errorClass: 'database-failed', message: expect.stringMatching(says) as string });
      expect(await reading('SELECT count(*) FROM payments')).toHaveProperty('rows');
    });

    it('whose column is missing are refused before any load, with the columns that there are', async () => {
      const at = await serving();
      await expect(clientOf(definition(at, database.url, { key: 'reference' }))).rejects.toThrow(
        'effects cannot be listed: effects.key is "reference", and effects.sql.query gives the columns id, ref, amount',
      );
    }, 20_000);

    it('that never come end with the patience of whoever asks', async () => {
      expect(await reading(`SELECT ${sleep}`, 500)).toMatchObject({ errorClass: 'timeout' });
    });

    it('of a database that is frozen end with the patience of whoever asks', async () => {
      database.server.kill('SIGSTOP');
      try {
        expect(await reading('SELECT 1', 500)).toMatchObject({ errorClass: 'timeout' });
      } finally {
        database.server.kill('SIGCONT');
      }
    });

    it('more than can be held are an error that says what to do', async () => {
      const all = `WITH d AS (SELECT 1 AS n ${'UNION ALL SELECT 1 '.repeat(9)}) SELECT 1 AS one FROM d, d AS e, d AS f, d AS g`;
      const sql = { connection: database.url, query: all };
      expect((await rowsOf(sql, soon())).rows).toHaveLength(10_000);
      expect(await rowsOf(sql, soon(), 9_999).catch((thrown: unknown) => thrown)).toMatchObject({
        errorClass: 'answer-too-large',
        message: expect.stringContaining('let it select those of the run alone') as string,
      });
    });

    it('where nobody listens are an error that names the place, and no password', async () => {
      const [port] = [1];
      const connection = database.url.replace(/\/\/\w+@127\.0\.0\.1:\d+/, `//me:secret@127.0.0.1:${port}`);
      const error = await rowsOf({ connection, query: 'SELECT 1' }, soon()).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ message: `127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}` });
    });

    if (need === 'postgres')
      it.each([
        [true, 0, /were applied once each/],
        [false, 1, /duplicate-application/],
      ])(
        'tell of a service that looks for the key (%s) by exit code %i',
        { timeout: 60_000 },
        async (isOnce, exit, says) => {
          const file = join(folder, `payments-${isOnce}.json`);
          const whole = definition(await serving(isOnce), '${OWN_DATABASE}');
          writeFileSync(file, JSON.stringify(whole));
          const words = ['run', '--cluster', file, '--seed', '1', '--time-limit', '2s', '--rate', '50', '--quiet'];
          const { exitCode, all } = await execa(
            process.execPath,
            [join(packageRoot, 'rig', 'ordeal.mjs'), ...words, '--store', join(folder, 'runs')],
            { all: true, reject: false, env: { NO_COLOR: '1', FORCE_COLOR: undefined, OWN_DATABASE: database.url } },
          );
          expect(exitCode, all).toBe(exit);
          expect(all).toMatch(says);
        },
      );
  });

it.each([
  ['sqlite:/x', 'effects.sql.connection begins with "sqlite"; it may be postgres: or mysql:'],
  ['postgres://${NOT_THERE}@x/y', 'the environment has no NOT_THERE, which effects.sql.connection names'],
  ['postgres://me:secret@x:y/z', 'effects.sql.connection is no address, postgres://user@host:port/database'],
])('the address %s is refused by what is wrong with it', async (connection, says) => {
  await expect(rowsOf({ connection, query: 'SELECT 1' }, soon())).rejects.toThrow(says);
});
