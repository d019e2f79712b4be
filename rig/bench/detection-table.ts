/**
 * `node dist/rig/bench/detection-table.js [seeds] [seconds] [all|aimed] [bug…]`: how often each planted bug of the ledger is found under
 * each nemesis, as the page docs/planted-bugs.md. Real processes, one run after the other: about twice the load's time.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { specOf } from '../config.ts';
import type { HostName } from '../contract.ts';
import { packageRoot } from '../package-root.ts';
import { castOf, rooms } from '../rooms.ts';
import { type Audience, run } from '../run.ts';
import { Store } from '../store.ts';

const CLUSTER = 'ledger';
const NEMESES = [
  'none',
  'lost-ack',
  'duplicate-delivery',
  'retry-storm',
  'kill',
  'crash-point',
  'store-outage',
  'replica-lag',
  'cache-poison',
  'restore',
  'failover',
] as const;
type Column = (typeof NEMESES)[number];
const PAGE = join(packageRoot, 'docs', 'planted-bugs.md');

/** What a bug needs to show itself, where that is not what most need; and what it is called when it is found. */
interface Aim {
  readonly anomaly: string;
  readonly workload?: string;
  readonly nemeses?: readonly Column[];
  readonly host?: HostName;
}

/** What every bug is tried with, and what those are that need nothing special. */
const EVERY: readonly Column[] = ['none'];
const COMMON: readonly Column[] = ['lost-ack', 'kill'];

const AIMS: Readonly<Record<string, Aim>> = {
  'commit-before-record': { anomaly: 'duplicate-application', nemeses: ['crash-point'] },
  'record-before-commit': { anomaly: 'acknowledged-not-applied', nemeses: ['crash-point'] },
  'key-in-memory': { anomaly: 'duplicate-application', nemeses: ['duplicate-delivery'] },
  'ack-before-commit': { anomaly: 'acknowledged-not-applied', nemeses: ['crash-point', 'kill'] },
  'unscoped-key': { anomaly: 'foreign-response' },
  'leaks-across-tenants': { anomaly: 'foreign-response', workload: 'transfers' },
  'reject-but-apply': { anomaly: 'rejected-but-applied' },
  'ignores-payload': { anomaly: 'payload-ignored' },
  'compares-bytes': { anomaly: 'equal-payload-refused' },
  'truncates-key': { anomaly: 'key-collision' },
  'replays-5xx-as-new': { anomaly: 'duplicate-application' },
  'key-expires-early': { anomaly: 'duplicate-application' },
  'key-never-expires': { anomaly: 'key-not-forgotten', workload: 'retention' },
  'applies-old-keys': { anomaly: 'expired-key-applied', workload: 'retention' },
  'keeps-reservation': { anomaly: 'stuck-key', nemeses: ['crash-point'] },
  'retry-in-client': { anomaly: 'hidden-retry', nemeses: ['retry-storm'] },
  'balance-from-replica': { anomaly: 'stale-balance', workload: 'outages', nemeses: ['replica-lag'] },
  'trusts-cache': { anomaly: 'stale-beyond-bound', workload: 'outages', nemeses: ['cache-poison'] },
  'hides-staleness': { anomaly: 'unmarked-stale-read', workload: 'outages', nemeses: ['store-outage'] },
  'accepts-in-outage': { anomaly: 'fail-open', workload: 'outages', nemeses: ['store-outage'] },
  'compensates-late': { anomaly: 'duplicate-application', workload: 'outages' },
  'key-not-replicated': { anomaly: 'duplicate-application', nemeses: ['failover'], host: 'docker' },
  'backup-forgets-keys': { anomaly: 'duplicate-application', nemeses: ['restore'] },
  'trusts-its-input': { anomaly: 'malformed-accepted', workload: 'boundary', nemeses: ['kill'] },
  'stale-balance': { anomaly: 'stale-balance' },
};

/** Variants of the ledger that are no bugs. */
const SOUND: readonly string[] = ['forgets-old-keys', 'refuses-old-keys'];

/** What came of one bug under one nemesis. */
interface Cell {
  runs: number;
  found: number;
  /** Runs without a verdict. */
  unknown: number;
  /** Whether one of those was found whose name says what is wrong. */
  named: boolean;
  readonly anomalies: Set<string>;
}

const silent: Audience = {
  event() {},
  progress() {},
  begun() {},
  stop: new AbortController().signal,
  onlyHeal: new AbortController().signal,
};

const aimAt = (bug: string | null): Partial<Aim> => AIMS[bug ?? ''] ?? {};

/** With `aimed`, only what the bug is sensitive to; of the ledger without a bug all, where the host has them. */
function columnsOf(bug: string | null, isAimed: boolean): ReadonlySet<Column> {
  if (bug === null) return new Set(isAimed ? EVERY : NEMESES.filter((name) => name !== 'failover'));
  const { nemeses } = aimAt(bug);
  return new Set(isAimed ? (nemeses ?? COMMON.slice(0, 1)) : [...EVERY, ...(nemeses ?? COMMON)]);
}

async function tryOnce(bug: string | null, nemesis: string, seed: number, seconds: number, cell: Cell): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ordeal-table-'));
  const { workload = 'idempotency', host = 'loopback', anomaly } = aimAt(bug);
  const config = { cluster: CLUSTER, workload, nemesis, timeLimit: `${seconds}s` };
  const brisk = { calm: ['300ms', '900ms'], fault: ['1500ms', '3s'] } as const;
  const spec = specOf({ ...config, ...brisk, ...(bug === null ? {} : { bug }) }, host, seed, rooms);
  try {
    const { record } = await run(spec, castOf(spec), new Store(directory), 'detection table', silent);
    cell.runs++;
    if (record?.verdict.validity === 'invalid') cell.found++;
    if (record?.verdict.validity === 'unknown') cell.unknown++;
    for (const { anomalies } of record?.verdict.verdicts ?? [])
      for (const { name } of anomalies) cell.anomalies.add(name);
    if (anomaly !== undefined && cell.anomalies.has(anomaly)) cell.named = true;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function page(rows: ReadonlyMap<string, readonly Cell[]>, seeds: number, seconds: number): string {
  const lines = [...rows].map(([bug, cells]) => {
    const { anomaly = '–', workload = 'idempotency', host = 'loopback' } = aimAt(bug);
    const rates = cells.map(({ runs, found, unknown }) =>
      runs === 0 ? '' : `${found}/${runs}${unknown > 0 ? ` (${unknown} unknown)` : ''}`,
    );
    const isNamed = anomaly === '–' || cells.some(({ named }) => named);
    return `| ${bug} | ${workload}, ${host} | ${rates.join(' | ')} | ${anomaly}${isNamed ? '' : ' (not found)'} |`;
  });
  return `# How often each planted bug is found

Runs in which the ledger was found \`invalid\`, of all runs with that bug and that nemesis: seeds 1 to ${seeds}, ${seconds} s of load
each. A cell is empty where that was not tried: with \`all\`, every bug is tried without faults and with what it is sensitive to; with \`aimed\`, with the latter alone. The
first line is the ledger without a bug, which must never be found. The last column is the anomaly that says what is wrong
with it, which was among those found. What a bug is, says \`ordeal list\`. Made by
\`npm run build && node dist/rig/bench/detection-table.js ${seeds} ${seconds} ${isAimed ? 'aimed' : 'all'}\`.

| bug | workload, host | ${NEMESES.join(' | ')} | anomaly |
|---|---|${NEMESES.map(() => '---').join('|')}|---|
${lines.join('\n')}
`;
}

const [seeds = 3, seconds = 10] = process.argv.slice(2, 4).map(Number);
const isAimed = process.argv[4] === 'aimed';
const wanted = process.argv.slice(5);
const rows = new Map<string, readonly Cell[]>();
const bugs = Object.keys(rooms.clusters.get(CLUSTER).variants).filter((name) => !SOUND.includes(name));
for (const bug of [null, ...bugs]) {
  if (wanted.length > 0 && !wanted.includes(bug ?? 'none')) continue;
  const cells = NEMESES.map((): Cell => ({ runs: 0, found: 0, unknown: 0, named: false, anomalies: new Set() }));
  rows.set(bug ?? '(none)', cells);
  for (const [at, nemesis] of NEMESES.entries()) {
    if (!columnsOf(bug, isAimed).has(nemesis)) continue;
    for (let seed = 1; seed <= seeds; seed++) await tryOnce(bug, nemesis, seed, seconds, cells[at] as Cell);
  }
  const told = cells.flatMap(({ runs, found, anomalies }, at) =>
    runs === 0 ? [] : [`${NEMESES[at]} ${found}/${runs} ${[...anomalies].join(',')}`],
  );
  console.log(`${bug ?? '(none)'}: ${told.join('; ')}`);
  // Some bugs alone are for a person who looks into them.
  if (wanted.length === 0) writeFileSync(PAGE, page(rows, seeds, seconds));
}
