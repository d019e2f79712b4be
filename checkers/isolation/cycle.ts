/** A cycle of transactions, each of which must come before the next, and its name by the kinds of its edges. */

import type { AnomalyName } from './consistency-models.ts';
import { ONWARD, PROCESS, RW, RW_IN_TIME, VISIBLE, VISIBLE_IN_TIME, WR, type Graph } from './graph.ts';

/** In a step's `kind`: the source had completed before the target was invoked. No edge of a graph is of this kind. */
export const REALTIME = 256;

export interface Step {
  readonly from: number;
  readonly to: number;
  readonly kind: number;
  readonly reason: number;
}

export type Cycle = readonly Step[];

const ANTI = RW | RW_IN_TIME;
const IN_TIME = REALTIME | VISIBLE_IN_TIME | RW_IN_TIME;

/** A. Adya's name for the cycle, with the suffix of the order of time that it needs. */
export function nameOf(cycle: Cycle): AnomalyName {
  const any = cycle.reduce((kinds, { kind }) => kinds | kind, 0);
  const anti = cycle.filter(({ kind }) => kind & ANTI).length;
  const isAdjacent = cycle.some(({ kind }, at) => kind & ANTI && (cycle.at(at - 1) as Step).kind & ANTI);
  // Were a `VISIBLE` edge wrong, the reader would have missed the source's write: a cycle with one anti-dependency.
  const isSingle = anti === 1 || (anti === 0 && any & (VISIBLE | VISIBLE_IN_TIME));
  const base = isSingle
    ? 'G-single-item'
    : anti > 0
      ? isAdjacent
        ? 'G2-item'
        : 'G-nonadjacent-item'
      : any & WR
        ? 'G1c'
        : 'G0';
  return any & IN_TIME ? `${base}-realtime` : any & PROCESS ? `${base}-process` : base;
}

/** The steps of a path of edges from `start`, in the numbers of `vertices`; auxiliary vertices are stepped over. */
export function stepsOf(
  graph: Graph,
  start: number,
  path: readonly number[],
  vertices: (local: number) => number,
): Step[] {
  const steps: Step[] = [];
  let from = start;
  for (const edge of path) {
    const kind = graph.kind[edge] as number;
    const to = graph.target[edge] as number;
    const last = steps.at(-1);
    if (kind === ONWARD && last) steps[steps.length - 1] = { ...last, to: vertices(to) };
    else steps.push({ from: vertices(from), to: vertices(to), kind, reason: graph.reason[edge] as number });
    from = to;
  }
  return steps;
}

/** The same cycle from its first transaction on, or, if it has one, up to the step by real time. */
export function rotated(cycle: Cycle): Cycle {
  const timed = cycle.findIndex(({ kind }) => kind === REALTIME);
  const first = cycle.reduce((best, { from }, at) => (from < (cycle[best] as Step).from ? at : best), 0);
  const start = timed >= 0 ? (timed + 1) % cycle.length : first;
  return [...cycle.slice(start), ...cycle.slice(0, start)];
}
