/**
 * A history as a few hundred buckets of time: what the charts draw. A bucket never reaches across the beginning or end
 * of a fault, so no point mixes before and after. An operation counts where it was due to be sent.
 */

import type { FaultRecord } from '../../rig/contract.ts';
import { FAIL, type History, INFO, OK } from '../../rig/history.ts';

/** Everything in seconds since the run began; rates in operations a second. */
export interface Bucket {
  readonly from: number;
  readonly to: number;
  readonly rate: { readonly ok: number; readonly fail: number; readonly info: number };
  /** In milliseconds, of operations that ended `ok`; `null` where none did. */
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
  /** By class of error, `timeout (unknown)`: how many a second. */
  readonly errors: Readonly<Record<string, number>>;
}

/** When a fault was in force within the run, in seconds; one that was never undone lasts to the end. */
export interface FaultSpan {
  readonly from: number;
  readonly to: number;
  readonly nemesis: string;
}

/** Enough operations in each bucket for its quantiles to differ, where there are enough. */
const PER_BUCKET = 40;
const GRID: readonly [least: number, most: number] = [30, 240];
const EDGE_LIMIT = 300;
const ERROR_CLASSES = 6;

export const faultSpans = (faults: readonly FaultRecord[], history: History): FaultSpan[] =>
  faults.map((fault) => ({
    from: Math.min(fault.injectedNs ?? fault.injectNs, history.lastNs) / 1e9,
    to: Math.min(fault.releasedNs ?? history.lastNs, history.lastNs) / 1e9,
    nemesis: fault.nemesis,
  }));

/** At most 600 buckets, in order, that cover the whole run. */
export function bucketsOf(history: History, spans: readonly FaultSpan[]): Bucket[] {
  const grid = Math.min(GRID[1], Math.max(GRID[0], Math.round(history.length / PER_BUCKET)));
  const edges = edgesOf(history.lastNs / 1e9, grid, spans);
  const members = sortedIntoBuckets(history, edges);
  const classes = errorClasses(history);
  return members.map((positions, at) =>
    bucket(history, positions, edges[at] as number, edges[at + 1] as number, classes),
  );
}

/** A regular grid, with every fault edge in it and no other line close to one. */
function edgesOf(length: number, grid: number, spans: readonly FaultSpan[]): number[] {
  const step = Math.max(length, 1e-6) / grid;
  const kept: number[] = [0];
  const faultEdges = spans.flatMap(({ from, to }) => [from, to]).sort((a, b) => a - b);
  for (const edge of faultEdges.slice(0, EDGE_LIMIT))
    if (edge - (kept.at(-1) as number) > step / 4 && length - edge > step / 4) kept.push(edge);
  const fixed = [...kept, Math.max(length, 1e-6)];
  const edges: number[] = [];
  for (let at = 0; at + 1 < fixed.length; at++) {
    const [from, to] = [fixed[at] as number, fixed[at + 1] as number];
    const parts = Math.max(1, Math.round((to - from) / step));
    for (let part = 0; part < parts; part++) edges.push(from + ((to - from) * part) / parts);
  }
  edges.push(fixed.at(-1) as number);
  return edges;
}

function sortedIntoBuckets(history: History, edges: readonly number[]): Int32Array[] {
  const count = edges.length - 1;
  const bucketAt = new Int32Array(history.length);
  const sizes = new Int32Array(count);
  for (let at = 0; at < history.length; at++) {
    const bucket = bucketFor(history.dueNs(at) / 1e9, edges);
    bucketAt[at] = bucket;
    sizes[bucket] = (sizes[bucket] as number) + 1;
  }
  const members = Array.from(sizes, (size) => new Int32Array(size));
  const filled = new Int32Array(count);
  for (let at = 0; at < history.length; at++) {
    const bucket = bucketAt[at] as number;
    const slot = filled[bucket] as number;
    (members[bucket] as Int32Array)[slot] = at;
    filled[bucket] = slot + 1;
  }
  return members;
}

/** The last bucket that begins at or before `time`. */
function bucketFor(time: number, edges: readonly number[]): number {
  let low = 0;
  let high = edges.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((edges[middle] as number) <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

function bucket(history: History, positions: Int32Array, from: number, to: number, classes: ErrorClasses): Bucket {
  const counts = [0, 0, 0];
  const latencies: number[] = [];
  const errors: Record<string, number> = {};
  const seconds = Math.max(to - from, 1e-6);
  for (const at of positions) {
    const type = history.type[at] as number;
    counts[type] = (counts[type] as number) + 1;
    if (type === OK) latencies.push((history.endedNs(at) - history.dueNs(at)) / 1e6);
    else {
      const name = classes.nameOf(type, history.error[at] as number);
      errors[name] = (errors[name] ?? 0) + 1 / seconds;
    }
  }
  latencies.sort((a, b) => a - b);
  const rate = (type: number) => (counts[type] as number) / seconds;
  return {
    from,
    to,
    rate: { ok: rate(OK), fail: rate(FAIL), info: rate(INFO) },
    latency: quantiles(latencies),
    errors,
  };
}

function quantiles(sorted: readonly number[]): Bucket['latency'] {
  if (sorted.length === 0) return null;
  // A logarithmic axis has no zero.
  const at = (share: number) => Math.max(0.001, sorted[Math.ceil(sorted.length * share) - 1] as number);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

interface ErrorClasses {
  nameOf(type: number, error: number): string;
}

/** The commonest classes by name, the rest as one. */
function errorClasses(history: History): ErrorClasses {
  const name = (type: number, error: number) =>
    `${(history.errors[error] ?? '').slice(0, 40)} (${type === FAIL ? 'failed' : 'unknown'})`;
  const counts = new Map<number, number>();
  for (let at = 0; at < history.length; at++) {
    if (history.type[at] === OK) continue;
    const pair = (history.error[at] as number) * 4 + (history.type[at] as number);
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  const common = [...counts].sort((a, b) => b[1] - a[1]).slice(0, ERROR_CLASSES);
  const names = new Map(common.map(([pair]) => [pair, name(pair % 4, pair >> 2)]));
  return { nameOf: (type, error) => names.get(error * 4 + type) ?? 'other' };
}
