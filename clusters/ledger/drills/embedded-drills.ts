/**
 * Troubles of the embedded store: the gate in front of it is shut for some processes, its copy stands still, or all of it is
 * backed up, destroyed and restored. What the gate says has an end of its own.
 */

import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DrillMaker } from '../../hosts/controls/drills.ts';
import { CLIENTS, type Lab } from '../../hosts/host.ts';
import { changeGate } from '../gate.ts';
import { DRILL_LIMIT_MS, LEDGER_PORT, STORE } from '../terms.ts';

const ANSWER_MS = 1_000;
/** SQLite's own wait for a lock would hold up the rig, and with it the lease under which its faults are in force. */
const BUSY_MS = 5;
const AGAIN_MS = 50;
/** All that a sound backup holds. */
const TABLES = ['accounts', 'transfers', 'keys'] as const;

let count = 0;
/** Drills of one process; what they write is told apart by it. */
const newName = (): string => `drill-${++count}`;

/** The file of the embedded store. */
export const storeFile = (lab: Lab): string => path.join(lab.data(STORE), 'ledger.db');

/** For some nodes the store is out of reach; with `how: 'all'`, its copy too. */
export const outage: DrillMaker = ({ nodes, how }, { deployment: { lab } }) => {
  const name = newName();
  const shut = { nodes, all: how === 'all', untilMs: Date.now() + DRILL_LIMIT_MS };
  let refused = 0;
  return {
    async begin() {
      const argv = ['shut the gate', how ?? '', ...nodes];
      await lab.guard.disturb(STORE, argv, async () =>
        changeGate(lab.data(STORE), (state) => ({ ...state, outages: { ...state.outages, [name]: shut } })),
      );
    },
    async seen() {
      const answers = await Promise.all(nodes.map((node) => ask(lab, node, '/health')));
      refused += answers.filter((answer) => answer?.status === 503).length;
      return { effective: refused > 0, observed: `${refused} of the nodes asked said that the store is out of reach` };
    },
    async end() {
      await lab.guard.mend(STORE, ['open the gate'], async () =>
        changeGate(lab.data(STORE), (state) => ({ ...state, outages: without(state.outages, name) })),
      );
    },
  };
};

/** The copy of every process stands still. */
export const lag: DrillMaker = (_, { deployment: { lab, nodes } }) => {
  const name = newName();
  let behind = 0;
  return {
    async begin() {
      await lab.guard.disturb(STORE, ['stop the copies'], async () =>
        changeGate(lab.data(STORE), (state) => ({
          ...state,
          lags: { ...state.lags, [name]: Date.now() + DRILL_LIMIT_MS },
        })),
      );
      await Promise.all(nodes.map((node) => ask(lab, node, '/replica')));
    },
    async seen() {
      const answers = await Promise.all(nodes.map((node) => ask(lab, node, '/replica')));
      behind = Math.max(behind, ...answers.map((answer) => Number(answer?.body['behind'] ?? 0)));
      return { effective: behind > 0, observed: `a copy lacked up to ${behind} applied transfers` };
    },
    async end() {
      await lab.guard.mend(STORE, ['let the copies go on'], async () =>
        changeGate(lab.data(STORE), (state) => ({ ...state, lags: without(state.lags, name) })),
      );
    },
  };
};

/** Nobody reaches the store while all that is in it is taken out, destroyed, and put back. */
export const restore: DrillMaker = (drill, levers) => {
  const { lab, variant } = levers.deployment;
  const shut = outage({ ...drill, how: 'all' }, levers);
  const kept = TABLES.filter((table) => table !== 'keys' || variant !== 'backup-forgets-keys');
  let rows = 0;
  return {
    async begin(signal) {
      await shut.begin(signal);
      await lab.guard.disturb(STORE, ['back up, destroy, restore', ...kept], async () => {
        // A node that is paused may have the lock.
        while (rows === 0 && !signal.aborted) {
          rows = await restoreIfFree(storeFile(lab), kept);
          if (rows === 0) await sleep(AGAIN_MS);
        }
      });
    },
    seen: async () => ({ effective: rows > 0, observed: `${rows} rows were destroyed and restored from a backup` }),
    end: (signal) => shut.end(signal),
  };
};

/** As `restoreFromBackup`; 0 if somebody is writing. */
async function restoreIfFree(file: string, kept: readonly string[]): Promise<number> {
  try {
    return await restoreFromBackup(file, kept);
  } catch (error) {
    if (error instanceof Error && /locked|busy/i.test(error.message)) return 0;
    throw error;
  }
}

/** How many rows were put back. Whoever had begun to write before has finished: it has their lock. */
async function restoreFromBackup(file: string, kept: readonly string[]): Promise<number> {
  const { default: Database } = await import('libsql');
  const database = new Database(file, { timeout: BUSY_MS });
  try {
    database.exec('BEGIN IMMEDIATE');
    const backup = kept.map((table) => ({
      table,
      rows: database.prepare(`SELECT * FROM ${table}`).all() as Record<string, unknown>[],
    }));
    for (const table of TABLES) database.exec(`DELETE FROM ${table}`);
    for (const { table, rows } of backup) {
      for (const row of rows) {
        const columns = Object.keys(row);
        const places = columns.map(() => '?').join(', ');
        database.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`).run(...Object.values(row));
      }
    }
    database.exec('COMMIT');
    return backup.reduce((sum, { rows }) => sum + rows.length, 0);
  } finally {
    database.close();
  }
}

function without<T>(all: Readonly<Record<string, T>>, name: string): Readonly<Record<string, T>> {
  const { [name]: _, ...rest } = all;
  return rest;
}

/** `null` if it cannot be asked now: other faults may be in force. */
async function ask(
  lab: Lab,
  node: string,
  place: string,
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> } | null> {
  const { host, port } = lab.address(CLIENTS, node, LEDGER_PORT);
  try {
    const response = await fetch(`http://${host}:${port}${place}`, { signal: AbortSignal.timeout(ANSWER_MS) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  } catch {
    return null;
  }
}
