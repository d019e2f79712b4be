/**
 * The service beside a slow reference: random requests go to both, through two processes' worth of the service on one
 * store, and after every step answers, books and balances must be equal and sound. On SQLite, and on a real PostgreSQL.
 */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../../rig/needs.ts';
import { type OwnDatabase, ownPostgres } from '../hosts/own-database.ts';
import { openPostgresStore } from './postgres-store.ts';
import { ledgerServer } from './service.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';
import { ACCOUNTS, type KeyedTransfer, OPENING_BALANCE } from './terms.ts';

// ── The reference: what the contract of the service says, as plainly as can be ───────────────────────────────

type Answer = { readonly status: number; readonly replayed: boolean };

class Reference {
  readonly balances = new Map(ACCOUNTS.map((account) => [account, OPENING_BALANCE]));
  readonly applied: KeyedTransfer[] = [];
  readonly #answered: { readonly transfer: KeyedTransfer; readonly status: number }[] = [];

  transfer(transfer: KeyedTransfer): Answer {
    const earlier = this.#answered.find(
      (one) => one.transfer.key === transfer.key && one.transfer.from === transfer.from,
    );
    if (earlier) {
      const isSame = earlier.transfer.to === transfer.to && earlier.transfer.amount === transfer.amount;
      return isSame ? { status: earlier.status, replayed: true } : { status: 422, replayed: false };
    }
    const status = this.#balance(transfer.from) < transfer.amount ? 402 : 201;
    this.#answered.push({ transfer, status });
    if (status === 201) {
      this.balances.set(transfer.from, this.#balance(transfer.from) - transfer.amount);
      this.balances.set(transfer.to, this.#balance(transfer.to) + transfer.amount);
      this.applied.push(transfer);
    }
    return { status, replayed: false };
  }

  #balance(account: string): number {
    return this.balances.get(account) as number;
  }
}

// ── The service, twice on one store ──────────────────────────────────────────────────────────────────────────

class Subject {
  readonly #open: () => Promise<Store>;
  readonly #running: { store: Store; server: Server; origin: string }[] = [];

  constructor(open: () => Promise<Store>) {
    this.#open = open;
  }

  async start(process: number): Promise<void> {
    await this.stop(process);
    const store = await this.#open();
    const server = ledgerServer(store, null, `n${process}`).listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#running[process] = { store, server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  }

  async stop(process: number): Promise<void> {
    const running = this.#running[process];
    if (!running) return;
    running.server.closeAllConnections();
    running.server.close();
    await running.store.close();
  }

  async transfer(process: number, { key, ...payload }: KeyedTransfer): Promise<Answer> {
    const response = await fetch(`${this.#running[process]?.origin}/transfers`, {
      method: 'POST',
      body: JSON.stringify(payload),
      headers: { 'idempotency-key': key },
    });
    await response.text();
    return { status: response.status, replayed: response.headers.get('idempotent-replayed') === 'true' };
  }

  async get<T>(process: number, place: string): Promise<T> {
    return (await (await fetch(`${this.#running[process]?.origin}${place}`)).json()) as T;
  }
}

// ── Steps ────────────────────────────────────────────────────────────────────────────────────────────────────

type Step =
  | { readonly do: 'transfer'; readonly through: number; readonly transfer: KeyedTransfer }
  | { readonly do: 'race'; readonly copies: number; readonly transfer: KeyedTransfer }
  | { readonly do: 'restart'; readonly through: number };

/** Few keys, accounts and amounts, so that much of it is asked for again, with another payload, or cannot be paid. */
const transfers = fc
  .record({
    key: fc.constantFrom('k1', 'k2', 'k3', 'k4', 'K1', `${'long'.repeat(20)}1`, `${'long'.repeat(20)}2`),
    from: fc.constantFrom('a1', 'a2', 'a3'),
    to: fc.constantFrom('a1', 'a2', 'a3'),
    amount: fc.constantFrom(1, 2, 700, 1_400),
  })
  .filter(({ from, to }) => from !== to);

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ do: fc.constant('transfer' as const), through: fc.nat(1), transfer: transfers }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('race' as const),
        copies: fc.integer({ min: 2, max: 5 }),
        transfer: transfers,
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), through: fc.nat(1) }) },
  ),
  { minLength: 1, maxLength: 20 },
);

async function take(step: Step, subject: Subject, reference: Reference): Promise<void> {
  if (step.do === 'restart') return subject.start(step.through);
  if (step.do === 'transfer') {
    expect(await subject.transfer(step.through, step.transfer)).toEqual(reference.transfer(step.transfer));
    return;
  }
  const copies = Array.from({ length: step.copies }, (_, nth) => subject.transfer(nth % 2, step.transfer));
  const { status } = reference.transfer(step.transfer);
  const statuses = (await Promise.all(copies)).map((answer) => answer.status);
  // One of them at least is told; of the others some may be told that it is being worked on.
  expect(statuses).toContain(status);
  expect(statuses.filter((one) => one !== status && one !== 409)).toEqual([]);
}

/** Both processes show the books of the reference, and the books are sound. */
async function compare(subject: Subject, reference: Reference): Promise<void> {
  for (const process of [0, 1]) {
    const applied = await subject.get<KeyedTransfer[]>(process, '/transfers?limit=1000');
    expect(applied.map(({ key, from, to, amount }) => ({ key, from, to, amount }))).toEqual(reference.applied);
    const accounts = await subject.get<{ account: string; balance: number }[]>(process, '/accounts');
    expect(new Map(accounts.map(({ account, balance }) => [account, balance]))).toEqual(reference.balances);
    expect(accounts.reduce((sum, { balance }) => sum + balance, 0)).toBe(ACCOUNTS.length * OPENING_BALANCE);
    expect(accounts.filter(({ balance }) => balance < 0)).toEqual([]);
    expect(new Set(applied.map(({ from, key }) => `${from} ${key}`)).size).toBe(applied.length);
  }
}

async function checkAll(numRuns: number, fresh: () => Promise<() => Promise<Store>>): Promise<void> {
  const property = fc.asyncProperty(steps, async (sequence) => {
    const subject = new Subject(await fresh());
    const reference = new Reference();
    try {
      await subject.start(0);
      await subject.start(1);
      for (const step of sequence) {
        await take(step, subject, reference);
        await compare(subject, reference);
      }
    } finally {
      await Promise.all([subject.stop(0), subject.stop(1)]);
    }
  });
  await fc.assert(property, { numRuns, seed: 4711, endOnFailure: false });
}

describe('the service on SQLite', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'ordeal-differential-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let files = 0;

  it('does step by step what the reference does, and keeps its books sound', async () => {
    await checkAll(25, async () => {
      const file = join(folder, `${++files}.db`);
      return () => openSqliteStore(file);
    });
  });
});

describeWith(['postgres'], 'the service on PostgreSQL', () => {
  let url = '';
  let database: OwnDatabase;
  beforeAll(async () => {
    database = await ownPostgres();
    ({ url } = database);
  }, 60_000);
  afterAll(() => database[Symbol.asyncDispose]());

  it('does step by step what the reference does, and keeps its books sound', { timeout: 120_000 }, async () => {
    await (await openPostgresStore(url, null)).close(); // It waits until the server is there.
    await checkAll(8, async () => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
      await client.end();
      return () => openPostgresStore(url, null);
    });
  });
});
