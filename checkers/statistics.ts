/** How a run went in numbers: outcomes, errors by cause, latencies, and how punctual the load was. Never fails a run. */

import type { Histogram } from 'hdr-histogram-js';
import type { FaultRecord, Json } from '../rig/contract.ts';
import { defineChecker, unknown, valid } from '../rig/define.ts';
import { faultRecords } from '../rig/faults.ts';
import { FAIL, type History, OK } from '../rig/history.ts';
import { hdr } from '../rig/packages.ts';

/** A request that leaves later than this after it was due was late. */
const LATE_NS = 5e6;
const QUANTILES = [50, 90, 99, 99.9] as const;

export const statistics = defineChecker({
  name: 'statistics',
  check(history) {
    if (history.length === 0) return unknown('statistics', 'no request was made');
    const outcomes = countOutcomes(history);
    const total = { ok: 0, fail: 0, info: 0 };
    for (const { ok, fail, info } of Object.values(outcomes)) {
      total.ok += ok;
      total.fail += fail;
      total.info += info;
    }
    const late = lateShare(history);
    return valid('statistics', `${history.length} requests: ${total.ok} ok, ${total.fail} fail, ${total.info} info`, {
      requests: history.length,
      outcomes,
      errors: countErrors(history),
      latencies: latencies(history),
      latencyOf: 'ok only, from when it was due',
      lateSends: { share: late, laterThanMs: LATE_NS / 1e6 },
    });
  },
});

type Counts = { ok: number; fail: number; info: number };

function countOutcomes(history: History): Record<string, Counts> {
  const counts = history.functions.map((): Counts => ({ ok: 0, fail: 0, info: 0 }));
  for (let at = 0; at < history.length; at++) {
    const type = history.type[at];
    (counts[history.f[at] as number] as Counts)[type === OK ? 'ok' : type === FAIL ? 'fail' : 'info']++;
  }
  return Object.fromEntries(history.functions.map((name, f) => [name, counts[f] as Counts]));
}

/** Requests without success, by function, type, error class and the nemeses at work when they were made. */
function countErrors(history: History): Json[] {
  const active = new ActiveFaults(faultRecords(history));
  const rows = new Map<string, { f: string; type: 'fail' | 'info'; error: string; during: string; count: number }>();
  for (let at = 0; at < history.length; at++) {
    if (history.type[at] === OK) continue;
    const f = history.functions[history.f[at] as number] as string;
    const type = history.type[at] === FAIL ? 'fail' : 'info';
    const error = history.errors[history.error[at] as number] as string;
    const during = active.at(history.invokedNs[at] as number);
    const name = JSON.stringify([f, type, error, during]);
    const row = rows.get(name);
    if (row) row.count++;
    else rows.set(name, { f, type, error, during, count: 1 });
  }
  return [...rows.values()].sort((a, b) => b.count - a.count);
}

/** Which nemeses were at work, asked for times that never go back. */
class ActiveFaults {
  readonly #changes: { readonly atNs: number; readonly nemesis: string; readonly by: 1 | -1 }[];
  readonly #counts = new Map<string, number>();
  #next = 0;

  constructor(faults: readonly FaultRecord[]) {
    this.#changes = faults
      .flatMap(({ nemesis, injectNs, releasedNs }) => [
        { atNs: injectNs, nemesis, by: 1 as const },
        ...(releasedNs === null ? [] : [{ atNs: releasedNs, nemesis, by: -1 as const }]),
      ])
      .sort((a, b) => a.atNs - b.atNs);
  }

  /** Their names, joined; `calm` if there were none. */
  at(timeNs: number): string {
    for (; this.#next < this.#changes.length; this.#next++) {
      const change = this.#changes[this.#next];
      if (!change || change.atNs > timeNs) break;
      this.#counts.set(change.nemesis, (this.#counts.get(change.nemesis) ?? 0) + change.by);
    }
    const names = [...this.#counts].filter(([, count]) => count > 0).map(([name]) => name);
    return names.length === 0 ? 'calm' : names.sort().join(' + ');
  }
}

/** Quantiles in milliseconds, by function. */
function latencies(history: History): Record<string, Record<string, number>> {
  const byFunction = history.functions.map(() =>
    hdr().build({ lowestDiscernibleValue: 1, highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: 3 }),
  );
  for (let at = 0; at < history.length; at++) {
    if (history.type[at] !== OK) continue;
    const micros = ((history.completedNs[at] as number) - history.dueNs(at)) / 1000;
    byFunction[history.f[at] as number]?.recordValue(Math.min(3_600_000_000, Math.max(1, Math.round(micros))));
  }
  return Object.fromEntries(
    history.functions.map((name, f) => {
      const histogram = byFunction[f] as Histogram;
      if (histogram.totalCount === 0) return [name, { count: 0 }];
      const quantiles = QUANTILES.map((q) => [`p${q}Ms`, histogram.getValueAtPercentile(q) / 1000]);
      return [
        name,
        { count: histogram.totalCount, ...Object.fromEntries(quantiles), maxMs: histogram.maxValue / 1000 },
      ];
    }),
  );
}

function lateShare(history: History): number {
  let late = 0;
  for (let at = 0; at < history.length; at++) if ((history.lateNs[at] as number) > LATE_NS) late++;
  return late / history.length;
}
