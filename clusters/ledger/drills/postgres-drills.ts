/**
 * Troubles of the two databases of the ledger, made as an operator would, by commands inside the containers: so no fault of
 * the network is in their way. Those that change who is the primary, or what it holds, take turns.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { DrillMaker } from '../../hosts/controls/drills.ts';
import type { Lab } from '../../hosts/host.ts';
import { DRILL_LIMIT_MS, REPLICA, STORE } from '../terms.ts';

const DATABASES = [STORE, REPLICA] as const;
const LOOK_MS = 150;
const SYNCHRONOUS_MS = 8_000;
const PSQL = ['psql', '-h', '127.0.0.1', '-U', 'postgres', '-v', 'ON_ERROR_STOP=1', '-Atqc'] as const;
const BACKUP = '/data/backup';

/** Of each run, the last step that changes the databases as a whole. */
const turns = new WeakMap<Lab, Promise<unknown>>();

function inTurn<T>(lab: Lab, step: () => Promise<T>): Promise<T> {
  const result = (turns.get(lab) ?? Promise.resolve()).catch(() => {}).then(step);
  turns.set(
    lab,
    result.catch(() => {}),
  );
  return result;
}

/** The primary is killed; its replica, which has everything that was acknowledged, takes its place. */
export const failover: DrillMaker = (_, { deployment: { lab }, kill }) => {
  let promoted: string | null = null;
  return {
    begin: (signal) =>
      inTurn(lab, async () => {
        const primary = await until(SYNCHRONOUS_MS, signal, () => primaryOf(lab), 'no database is the primary');
        const hasReplica = async () => (await replicasOf(lab, primary)).includes('sync');
        await until(SYNCHRONOUS_MS, signal, hasReplica, `${primary} has no synchronous replica that could take over`);
        const other = primary === STORE ? REPLICA : STORE;
        await kill([primary]);
        // It goes on without a replica until the old primary is back as one; it could not commit otherwise.
        await change(lab, other, 'SELECT pg_promote(true, 10)');
        await change(lab, other, "ALTER SYSTEM SET synchronous_standby_names = ''", 'SELECT pg_reload_conf()');
        await until(SYNCHRONOUS_MS, signal, () => isPrimary(lab, other), `${other} did not become the primary`);
        promoted = other;
      }),
    seen: async () => ({
      effective: promoted !== null,
      observed: promoted === null ? 'no other database became the primary' : `${promoted} became the primary`,
    }),
    /** The one that was killed comes back by itself, as a copy of the new primary: it finds that it was replaced. */
    end: (signal) =>
      inTurn(lab, async () => {
        const primary = await until(30_000, signal, () => primaryOf(lab), 'no database is the primary');
        const fed = async () => (await replicasOf(lab, primary)).length > 0;
        await until(30_000, signal, fed, `${primary} has no replica again`);
        await change(lab, primary, 'ALTER SYSTEM RESET synchronous_standby_names', 'SELECT pg_reload_conf()');
        const isSafe = async () => (await replicasOf(lab, primary)).includes('sync');
        await until(30_000, signal, isSafe, `the replica of ${primary} is not synchronous again`);
      }),
  };
};

/** The replica receives everything and replays nothing. */
export const lag: DrillMaker = (_, { deployment: { lab } }) => {
  let behind = 0;
  const resume = 'SELECT pg_wal_replay_resume() WHERE pg_is_in_recovery()';
  return {
    async begin() {
      for (const database of await replicasHere(lab)) {
        const later = `sleep ${DRILL_LIMIT_MS / 1000}; ${PSQL.join(' ')} '${resume}'`;
        await lab.execute(database, ['sh', '-c', `setsid sh -c "${later}" </dev/null >/dev/null 2>&1 &`]);
        await change(lab, database, 'SELECT pg_wal_replay_pause() WHERE pg_is_in_recovery()');
      }
    },
    async seen() {
      const lsn = 'pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())';
      for (const database of await replicasHere(lab)) {
        const bytes = await ask(lab, database, `SELECT coalesce(${lsn}, 0) WHERE pg_is_in_recovery()`).catch(() => '0');
        behind = Math.max(behind, Number(bytes));
      }
      return { effective: behind > 0, observed: `the replica had up to ${behind} bytes received and not replayed` };
    },
    async end() {
      for (const database of await replicasHere(lab)) {
        await lab.guard.mend(database, ['resume replay'], () => ask(lab, database, resume));
        const state = await ask(
          lab,
          database,
          "SELECT CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() ELSE 'not paused' END",
        );
        if (state !== 'not paused') throw new Error(`the replay of ${database} is ${state}`);
      }
    },
  };
};

/** For some nodes the primary is out of reach; with `how: 'all'`, its replica too. */
export const outage: DrillMaker = ({ nodes, how }, { deployment: { lab }, drop }) => ({
  async begin() {
    const primary = await primaryOf(lab);
    const cut = how === 'all' || primary === null ? DATABASES : [primary];
    await drop(cut, nodes);
    await drop(nodes, cut);
  },
  // What was stopped, the network knows.
  seen: async () => ({ effective: false, observed: `${nodes.join(' and ')} could not reach the store` }),
  async end() {},
});

/** Nobody reaches the databases while all that is in them is dumped, dropped, and restored. */
export const restore: DrillMaker = ({ nodes }, { deployment: { lab, variant }, drop }) => {
  let rows = 0;
  return {
    begin: (signal) =>
      inTurn(lab, async () => {
        await drop(DATABASES, nodes);
        await drop(nodes, DATABASES);
        const primary = await until(SYNCHRONOUS_MS, signal, () => primaryOf(lab), 'no database is the primary');
        const others = "backend_type = 'client backend' AND pid <> pg_backend_pid()";
        const nobody = async () => {
          await change(lab, primary, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${others}`);
          return (await ask(lab, primary, `SELECT count(*) FROM pg_stat_activity WHERE ${others}`)) === '0';
        };
        await until(SYNCHRONOUS_MS, signal, nobody, `somebody is still at work on ${primary}`);
        const forgets = variant === 'backup-forgets-keys' ? '--exclude-table-data=keys' : '';
        const on = '-h 127.0.0.1 -U postgres';
        await run(lab, primary, `pg_dump ${on} -Fc ${forgets} -f ${BACKUP} postgres`);
        await change(lab, primary, 'DROP SCHEMA public CASCADE', 'CREATE SCHEMA public');
        await run(lab, primary, `pg_restore ${on} --exit-on-error -d postgres ${BACKUP}`);
        rows = Number(await ask(lab, primary, 'SELECT (SELECT count(*) FROM accounts) + (SELECT count(*) FROM transfers)'));
      }),
    seen: async () => ({ effective: rows > 0, observed: `${rows} rows were dropped and restored from a backup` }),
    async end() {},
  };
};

async function primaryOf(lab: Lab): Promise<string | null> {
  for (const database of DATABASES) if (await isPrimary(lab, database)) return database;
  return null;
}

const isPrimary = async (lab: Lab, database: string): Promise<boolean> =>
  (await ask(lab, database, 'SELECT pg_is_in_recovery()').catch(() => 't')) === 'f';

async function replicasHere(lab: Lab): Promise<readonly string[]> {
  const found: string[] = [];
  for (const database of DATABASES)
    if ((await ask(lab, database, 'SELECT pg_is_in_recovery()').catch(() => 'f')) === 't') found.push(database);
  return found;
}

/** How each replica that this primary feeds counts: `sync`, `async` … */
async function replicasOf(lab: Lab, primary: string): Promise<readonly string[]> {
  const states = "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming' AND application_name = 'replica'";
  const text = await ask(lab, primary, states).catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

const ask = async (lab: Lab, database: string, query: string): Promise<string> =>
  (await lab.execute(database, [...PSQL, query])).trim();

async function change(lab: Lab, database: string, ...statements: readonly string[]): Promise<void> {
  for (const statement of statements)
    await lab.guard.disturb(database, [...PSQL, statement], () => ask(lab, database, statement));
}

const run = (lab: Lab, database: string, command: string): Promise<string> =>
  lab.guard.disturb(database, [command], () => lab.execute(database, ['sh', '-c', command]));

/** What `look` finds, once that is neither `null` nor `false`. */
async function until<T>(
  ms: number,
  signal: AbortSignal,
  look: () => Promise<T | null | false>,
  otherwise: string,
): Promise<T> {
  for (const untilMs = performance.now() + ms; ; await sleep(LOOK_MS)) {
    const found = await look();
    if (found !== null && found !== false) return found;
    if (signal.aborted || performance.now() > untilMs) throw new Error(otherwise);
  }
}
