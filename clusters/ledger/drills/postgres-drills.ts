/**
 * Troubles of the two databases of the ledger, made as an operator would, by commands inside the containers: so no fault of
 * the network is in their way. Those that change who is the primary, or what it holds, take turns.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { DrillMaker } from '../../hosts/controls/drills.ts';
import type { Lab } from '../../hosts/host.ts';
import { DRILL_LIMIT_MS, REPLICA, STORE } from '../terms.ts';

const DATABASES = [STORE, REPLICA] as const;
const LOOK_MS = 300;
const LAG_LOOK_MS = 700;
/** How long one look may take. */
const LOOKED_MS = 6_000;
const SYNCHRONOUS_MS = 8_000;
/** How long a replica may take to have what is written. */
const SYNCHRONOUS_S = 0.3;
const REJOIN_MS = 26_000;
/** What is begun later would not be over in time. */
const LATEST_MS = 10_000;
const PROMOTION_S = 4;
/** Not those in the path, which are scripts that look for these first. */
const BIN = '/usr/lib/postgresql/15/bin';
const PSQL = [`${BIN}/psql`, '-h', '127.0.0.1', '-U', 'postgres', '-v', 'ON_ERROR_STOP=1', '-Atq'] as const;
const BACKUP = '/data/backup';
/** A primary that was killed does not serve again beside one that says so. */
const TAKES_OVER = '/data/postgresql-takes-over';

/** Of each run, the last step that changes the databases as a whole. */
const turns = new WeakMap<Lab, Promise<unknown>>();

/** Resolves when the step is done; nothing is done if its turn has not come when the signal aborts. */
async function inTurn(lab: Lab, signal: AbortSignal, step: () => Promise<void>): Promise<void> {
  const before = turns.get(lab) ?? Promise.resolve();
  const late = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  const turn = Promise.race([before, late]).then(() => (signal.aborted ? undefined : step()));
  turns.set(lab, Promise.allSettled([before, turn]));
  await turn;
}

/** The primary is killed; its replica, which has everything that was acknowledged, takes its place. */
export const failover: DrillMaker = (_, { deployment: { lab }, kill }) => {
  let struck = false;
  let promoted: string | null = null;
  const latestMs = performance.now() + LATEST_MS;
  return {
    begin: (signal) =>
      inTurn(lab, signal, async () => {
        // Another fault may keep it from its replica: then there is none, and the evidence tells.
        const primary = await until(LATEST_MS, signal, () => replacedPrimary(lab));
        if (primary === null || performance.now() > latestMs) return;
        struck = true;
        const other = primary === STORE ? REPLICA : STORE;
        await kill([primary]);
        // It goes on without a replica until the old primary is back as one; it could not commit otherwise. What is
        // replayed may end any query, also one of these.
        const alone = "-c \"ALTER SYSTEM SET synchronous_standby_names = ''\" -c 'SELECT pg_reload_conf()'";
        const promote = `${PSQL.join(' ')} ${alone} -c 'SELECT pg_promote(true, ${PROMOTION_S})'`;
        await run(lab, other, `touch ${TAKES_OVER}; ${promote} || ${promote}`);
        if ((await ask(lab, other, 'SELECT pg_is_in_recovery()')) === 'f') promoted = other;
      }),
    seen: async () => ({
      effective: promoted !== null,
      observed: promoted === null ? 'no primary had a replica that could take over' : `${promoted} became the primary`,
    }),
    /** The one that was killed comes back by itself, as a copy of the new primary: it finds that it was replaced. */
    async end(signal) {
      if (!struck) return;
      const primary = await until(REJOIN_MS, signal, () => primaryOf(lab, 'async|sync'));
      if (primary === null) throw new Error('no primary has a replica again');
      const together = ['ALTER SYSTEM RESET synchronous_standby_names', 'SELECT pg_reload_conf()'];
      await inTurn(lab, signal, async () => void (await change(lab, primary, ...together)));
      if ((await until(REJOIN_MS, signal, () => primaryOf(lab, 'sync'))) === null)
        throw new Error(`the replica of ${primary} is not synchronous again`);
    },
  };
};

/** Whoever is the replica receives everything and replays nothing, also one that becomes the replica meanwhile. */
export const lag: DrillMaker = (_, { deployment: { lab } }) => {
  let behind = 0;
  let isOver = false;
  const resume = 'SELECT pg_wal_replay_resume() WHERE pg_is_in_recovery()';
  const later = `sleep ${DRILL_LIMIT_MS / 1000}; ${PSQL.join(' ')} -c '${resume}'`;
  const lsn = 'pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())';
  const look = `SELECT pg_get_wal_replay_pause_state(), coalesce(${lsn}, 0) WHERE pg_is_in_recovery()`;
  const stateOf = async (database: string) => {
    const [state, bytes] = (await ask(lab, database, look)).split('|');
    behind = Math.max(behind, Number(bytes ?? 0));
    return state;
  };
  const stop = async (database: string) => {
    const state = await stateOf(database);
    if (state !== 'not paused' || isOver) return;
    await lab.execute(database, ['sh', '-c', `setsid sh -c "${later}" </dev/null >/dev/null 2>&1 &`]);
    await change(lab, database, 'SELECT pg_wal_replay_pause() WHERE pg_is_in_recovery()');
  };
  const stopAll = () => Promise.all(DATABASES.map((database) => stop(database).catch(() => {})));
  let watching: Promise<void> = Promise.resolve();
  return {
    async begin() {
      await Promise.race([stopAll(), sleep(LOOKED_MS, null, { ref: false })]);
      watching = (async () => {
        for (const untilMs = performance.now() + DRILL_LIMIT_MS; !isOver && performance.now() < untilMs; ) {
          await sleep(LAG_LOOK_MS);
          if (!isOver) await stopAll();
        }
      })();
    },
    seen: async () => {
      if (!isOver) await Promise.allSettled(DATABASES.map(stateOf));
      return { effective: behind > 0, observed: `the replica had up to ${behind} bytes received and not replayed` };
    },
    async end() {
      isOver = true;
      await watching;
      const mend = async (database: string) => {
        const ended = await lab.guard
          .mend(database, ['resume replay'], () => ask(lab, database, resume, look))
          .catch(() => '');
        if (/paused|pause requested/.test(ended.replace('not paused', '')))
          throw new Error(`the replay of ${database} did not go on: ${ended}`);
      };
      await Promise.all(DATABASES.map(mend));
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

/** Nobody reaches the databases while all that is in them is dumped, dropped, and restored, in one transaction. */
export const restore: DrillMaker = ({ nodes }, { deployment: { lab, variant }, drop }) => {
  let rows = 0;
  const latestMs = performance.now() + LATEST_MS;
  return {
    begin: (signal) =>
      inTurn(lab, signal, async () => {
        await drop(DATABASES, nodes);
        await drop(nodes, DATABASES);
        const primary = await until(SYNCHRONOUS_MS, signal, () => primaryOf(lab));
        if (primary === null) return;
        const others = "backend_type = 'client backend' AND pid <> pg_backend_pid()";
        const isAlone = async () => {
          await change(lab, primary, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${others}`);
          const left = await ask(lab, primary, `SELECT count(*) FROM pg_stat_activity WHERE ${others}`);
          return left === '0' || null;
        };
        if ((await until(SYNCHRONOUS_MS, signal, isAlone)) === null) return;
        const forgets = variant === 'backup-forgets-keys' ? '--exclude-table-data=keys' : '';
        // What is begun must end before the cut that it needs is given up; so nothing may keep it from its commit.
        if (!(await hasCaughtUp(lab, primary, signal)) || performance.now() > latestMs) return;
        const empty = 'DROP SCHEMA public CASCADE; CREATE SCHEMA public;';
        await run(lab, primary, `${BIN}/pg_dump -h 127.0.0.1 -U postgres ${forgets} -f ${BACKUP} postgres`);
        await run(lab, primary, `(echo '${empty}'; cat ${BACKUP}) | ${PSQL.join(' ')} -1 -o /dev/null`);
        rows = Number(
          await ask(lab, primary, 'SELECT (SELECT count(*) FROM accounts) + (SELECT count(*) FROM transfers)'),
        );
      }),
    seen: async () => ({
      effective: rows > 0,
      observed:
        rows > 0 ? `${rows} rows were dropped and restored from a backup` : 'there was no time in which it could be',
    }),
    async end() {},
  };
};

/**
 * The database that is the primary; with a pattern, only if the replica that it feeds counts as that: `sync`, `async`.
 */
async function primaryOf(lab: Lab, replica = '.*'): Promise<string | null> {
  const states =
    "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming' AND application_name = 'replica'";
  const isWanted = async (database: string): Promise<boolean> => {
    const said = await ask(lab, database, `SELECT pg_is_in_recovery(), coalesce((${states} LIMIT 1), '')`);
    const [isReplica, state = ''] = said.split('|');
    return isReplica === 'f' && new RegExp(`^(${replica})$`).test(state);
  };
  return firstOf(isWanted);
}

/** The database of which that holds; what is not known by then does not hold. */
async function firstOf(holds: (database: string) => Promise<boolean>): Promise<string | null> {
  const no = () => false;
  const known = DATABASES.map((database) =>
    Promise.race([holds(database).catch(no), sleep(LOOKED_MS, false, { ref: false })]),
  );
  const are = await Promise.all(known);
  return DATABASES.find((_, at) => are[at]) ?? null;
}

/**
 * The primary whose replica has all that was written before: whoever has read what the replica does not have, must not see it
 * go. One process for each database, since a process is what takes long on a machine that has much to do.
 */
async function replacedPrimary(lab: Lab): Promise<string | null> {
  const isReplaceable = async (database: string): Promise<boolean> => {
    const said = await ask(
      lab,
      database,
      'SET synchronous_commit = local',
      "SELECT set_config('ordeal.mark', pg_logical_emit_message(true, 'ordeal', '')::text, false) WHERE NOT pg_is_in_recovery()",
      `SELECT pg_sleep(${SYNCHRONOUS_S})`,
      `SELECT NOT pg_is_in_recovery() AND EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync'
         AND application_name = 'replica' AND flush_lsn >= current_setting('ordeal.mark', true)::pg_lsn)`,
    );
    return said.endsWith('t');
  };
  return firstOf(isReplaceable);
}

/** Whether whoever must have what is written on the primary has what is written now; waits for that for a while. */
async function hasCaughtUp(lab: Lab, primary: string, signal: AbortSignal): Promise<boolean> {
  const mark = "SELECT pg_logical_emit_message(true, 'ordeal', '')";
  const written = await unlessAborted(signal, change(lab, primary, 'SET synchronous_commit = local', mark));
  if (written === null) return false;
  const has = `SELECT current_setting('synchronous_standby_names') = ''
    OR EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync' AND flush_lsn >= '${written}')`;
  const look = async () => (await ask(lab, primary, has)) === 't' || null;
  return (await until(SYNCHRONOUS_MS, signal, look)) !== null;
}

const ask = async (lab: Lab, database: string, ...queries: readonly string[]): Promise<string> =>
  (await lab.execute(database, [...PSQL, ...queries.flatMap((query) => ['-c', query])])).trim();

const change = (lab: Lab, database: string, ...queries: readonly string[]): Promise<string> =>
  lab.guard.disturb(database, [...PSQL, ...queries], () => ask(lab, database, ...queries));

const run = (lab: Lab, database: string, command: string): Promise<string> =>
  lab.guard.disturb(database, [command], () => lab.execute(database, ['sh', '-c', command]));

/** What it comes to, or `null` if the signal aborts before: a machine that has much to do may take long to look. */
function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T | null> {
  const aborted = new Promise<null>((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
  return Promise.race([promise, aborted]);
}

/** What `look` finds, once that is not `null`; `null` if it never is. */
async function until<T>(ms: number, signal: AbortSignal, look: () => Promise<T | null>): Promise<T | null> {
  for (const untilMs = performance.now() + ms; ; await sleep(LOOK_MS)) {
    const found = await unlessAborted(signal, look());
    if (found !== null || signal.aborted || performance.now() > untilMs) return found;
  }
}
