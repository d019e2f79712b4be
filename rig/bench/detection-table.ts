/**
 * `node dist/rig/bench/detection-table.js [seeds] [seconds]`: how often each planted bug of the ledger is found under
 * each nemesis, as the page docs/planted-bugs.md. Real processes, one run after the other: about twice the load's time.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { specOf } from '../config.ts';
import { packageRoot } from '../package-root.ts';
import { castOf, rooms } from '../rooms.ts';
import { type Audience, run } from '../run.ts';
import { Store } from '../store.ts';

const CLUSTER = 'ledger';
const WORKLOAD = 'idempotency';
const NEMESES = ['none', 'lost-ack', 'duplicate-delivery', 'late-duplicate', 'retry-storm', 'kill'];
const PAGE = join(packageRoot, 'docs', 'planted-bugs.md');

/** What came of one bug under one nemesis. */
interface Cell {
  runs: number;
  found: number;
  /** Runs without a verdict. */
  unknown: number;
  readonly anomalies: Set<string>;
}

const silent: Audience = {
  event() {},
  progress() {},
  begun() {},
  stop: new AbortController().signal,
  onlyHeal: new AbortController().signal,
};

async function tryOnce(bug: string | null, nemesis: string, seed: number, seconds: number, cell: Cell): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ordeal-table-'));
  const config = { cluster: CLUSTER, workload: WORKLOAD, nemesis, timeLimit: `${seconds}s` };
  const brisk = { calm: ['300ms', '900ms'], fault: ['1500ms', '3s'] } as const;
  const spec = specOf({ ...config, ...brisk, ...(bug === null ? {} : { bug }) }, 'loopback', seed, rooms);
  try {
    const { record } = await run(spec, castOf(spec), new Store(directory), 'detection table', silent);
    cell.runs++;
    if (record?.verdict.validity === 'invalid') cell.found++;
    if (record?.verdict.validity === 'unknown') cell.unknown++;
    for (const { anomalies } of record?.verdict.verdicts ?? [])
      for (const { name } of anomalies) cell.anomalies.add(name);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function page(rows: ReadonlyMap<string, readonly Cell[]>, seeds: number, seconds: number): string {
  const lines = [...rows].map(([bug, cells]) => {
    const names = [...new Set(cells.flatMap(({ anomalies }) => [...anomalies]))].sort();
    const rates = cells.map(({ runs, found, unknown }) =>
      runs === 0 ? '' : `${found}/${runs}${unknown > 0 ? ` (${unknown} unknown)` : ''}`,
    );
    return `| ${bug} | ${rates.join(' | ')} | ${names.join(', ') || '–'} |`;
  });
  return `# How often each planted bug is found

Runs in which the ledger was found \`invalid\`, of all runs with that bug and that nemesis: workload \`${WORKLOAD}\` on
\`loopback\`, seeds 1 to ${seeds}, ${seconds} s of load each. The first line is the ledger without a bug, which must never
be found. What a bug is, says \`ordeal list\`; a bug that no column finds needs another nemesis, more time, or the
workload \`transfers\`. Made by \`npm run build && node dist/rig/bench/detection-table.js ${seeds} ${seconds}\`.

| bug | ${NEMESES.join(' | ')} | anomalies |
|---|${NEMESES.map(() => '---').join('|')}|---|
${lines.join('\n')}
`;
}

const [seeds = 3, seconds = 10] = process.argv.slice(2).map(Number);
const rows = new Map<string, readonly Cell[]>();
for (const bug of [null, ...Object.keys(rooms.clusters.get(CLUSTER).variants)]) {
  const cells = NEMESES.map((): Cell => ({ runs: 0, found: 0, unknown: 0, anomalies: new Set() }));
  rows.set(bug ?? '(none)', cells);
  for (const [at, nemesis] of NEMESES.entries())
    for (let seed = 1; seed <= seeds; seed++) await tryOnce(bug, nemesis, seed, seconds, cells[at] as Cell);
  console.log(`${bug ?? '(none)'}: ${cells.map(({ found, runs }) => `${found}/${runs}`).join('  ')}`);
  writeFileSync(PAGE, page(rows, seeds, seconds));
}
