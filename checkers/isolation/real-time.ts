/**
 * Cycles that need real time, without a graph of it. Whatever completes before another begins is an interval order,
 * so a cycle with two such steps has a shorter one with one: it is enough to look for a transaction from which the
 * other edges lead to one that had completed before it began. One pass in topological order finds the earliest
 * completion that each transaction leads to.
 */

import type { Budget } from '../../rig/contract.ts';
import { type History, NEVER, OK } from '../../rig/history.ts';
import { type Components, componentsOf } from './components.ts';
import { type Cycle, REALTIME, type Step, stepsOf } from './cycle.ts';
import { doubled, type Graph, ONWARD, RW, RW_IN_TIME, VISIBLE, VISIBLE_IN_TIME, WR, WW } from './graph.ts';
import { ShortestPaths } from './shortest-path.ts';

/** When transactions began and ended, in events; a completion that never came is later than all. */
export interface Times {
  readonly invoked: Int32Array;
  readonly completed: Int32Array;
}

export function timesOf(history: History): Times {
  const completed = history.completeIndex.map((index, at) => (history.type[at] === OK ? index : NEVER));
  return { invoked: history.invokeIndex, completed };
}

/** How many transactions of a tangle are tried as the beginning of a cycle. */
const MOST_TRIED = 2000;

const ALL = 0xff;
const PLAIN = WW | WR | VISIBLE | VISIBLE_IN_TIME;
const ANTI = RW | RW_IN_TIME;

/** Whether any transaction leads to one that had completed before it began. */
export function defiesTime(graph: Graph, components: Components, times: Times): boolean {
  const earliest = earliestReached(graph, components, ALL, times, graph.size);
  return times.invoked.some((invoked, at) => (earliest[at] as number) < invoked);
}

/** A kind of path, as the graph in which every path is one, and the edges to take there. */
interface Way {
  readonly graph: Graph;
  readonly kinds: number;
}

export interface FoundInTime {
  readonly cycles: readonly Cycle[];
  readonly complete: boolean;
}

/** A shortest cycle with one step by real time for each tangle of transactions, of the gravest kind that it holds. */
export function cyclesInTime(graph: Graph, times: Times, budget: Budget): FoundInTime {
  const ways: readonly (() => Way)[] = [
    () => ({ graph, kinds: WW }),
    () => ({ graph, kinds: WW | WR }),
    () => ({ graph: doubled(graph, PLAIN, ANTI, false), kinds: ALL }),
    () => ({ graph: doubled(graph, PLAIN, ANTI, true), kinds: ALL }),
    () => ({ graph, kinds: ALL }),
  ];
  const cycles: Cycle[] = [];
  const settled: Tangle[] = [];
  let complete = true;
  for (const way of ways) {
    if (budget.exhausted()) return { cycles, complete: false };
    const search = new TimeSearch(graph, way(), times, budget);
    for (const tangle of search.tangles()) {
      if (settled.some((other) => tangle.from < other.to && other.from < tangle.to)) continue;
      const cycle = search.shortest(tangle);
      if (!cycle) continue;
      cycles.push(cycle);
      settled.push(tangle);
    }
    complete &&= search.complete;
  }
  return { cycles, complete };
}

/** Transactions from which a path leads back in time; whatever lies between the two events is in one component. */
interface Tangle {
  readonly from: number;
  readonly to: number;
  readonly starts: readonly number[];
}

class TimeSearch {
  readonly #whole: Graph;
  readonly #way: Way;
  readonly #times: Times;
  readonly #budget: Budget;
  readonly #paths: ShortestPaths;

  constructor(whole: Graph, way: Way, times: Times, budget: Budget) {
    this.#whole = whole;
    this.#way = way;
    this.#times = times;
    this.#budget = budget;
    this.#paths = new ShortestPaths(way.graph, budget);
  }

  get complete(): boolean {
    return this.#paths.complete;
  }

  /** In order of time. */
  tangles(): Tangle[] {
    const { graph, kinds } = this.#way;
    const { invoked } = this.#times;
    const components = componentsOf(graph, kinds | ONWARD, this.#budget);
    const earliest = earliestReached(graph, components, kinds | ONWARD, this.#times, this.#whole.size);
    const starts = [...invoked.keys()].filter((at) => (earliest[at] as number) < (invoked[at] as number));
    starts.sort((a, b) => (earliest[a] as number) - (earliest[b] as number) || a - b);
    const tangles: { from: number; to: number; starts: number[] }[] = [];
    for (const start of starts) {
      const last = tangles.at(-1);
      const from = earliest[start] as number;
      const to = invoked[start] as number;
      if (!last || from >= last.to) tangles.push({ from, to, starts: [start] });
      else {
        last.to = Math.max(last.to, to);
        last.starts.push(start);
      }
    }
    return tangles;
  }

  shortest({ starts }: Tangle): Cycle | null {
    const { graph, kinds } = this.#way;
    const { invoked, completed } = this.#times;
    const { size } = this.#whole;
    let best: { readonly start: number; readonly path: readonly number[] } | null = null;
    for (const start of starts.slice(0, MOST_TRIED)) {
      const began = invoked[start] as number;
      const isGoal = (vertex: number) => (completed[vertex % size] ?? NEVER) < began;
      const path = this.#paths.find(start, isGoal, kinds | ONWARD, best ? best.path.length - 1 : Infinity);
      if (path) best = { start, path };
      if (best?.path.length === 1) break;
    }
    if (!best) return null;
    const edges = graph === this.#whole ? best.path : best.path.map((edge) => graph.reason[edge] as number);
    const steps = stepsOf(this.#whole, best.start, edges, (vertex) => vertex);
    const end = (steps.at(-1) as Step).to;
    return [...steps, { from: end, to: best.start, kind: REALTIME, reason: 0 }];
  }
}

/** For each vertex the earliest completion among all that it leads to; a vertex `size` further on is the same one. */
export function earliestReached(
  graph: Graph,
  { order, cyclic }: Components,
  kinds: number,
  { completed }: Times,
  size: number,
): Int32Array {
  const { offset, target, kind } = graph;
  const earliest = new Int32Array(graph.size).fill(NEVER);
  for (let from = 0; from < graph.size; from += size) earliest.set(completed, from);
  const look = (vertex: number): void => {
    let least = earliest[vertex] as number;
    for (let edge = offset[vertex] as number; edge < (offset[vertex + 1] as number); edge++) {
      if (!((kind[edge] as number) & kinds)) continue;
      const reached = earliest[target[edge] as number] as number;
      if (reached < least) least = reached;
    }
    earliest[vertex] = least;
  };
  let at = 0;
  for (const [from, to] of [...cyclic, [order.length, order.length] as const]) {
    for (; at < from; at++) look(order[at] as number);
    const members = order.subarray(from, to);
    members.forEach(look);
    const least = members.reduce((sum, vertex) => Math.min(sum, earliest[vertex] as number), NEVER);
    for (const vertex of members) earliest[vertex] = least;
    at = to;
  }
  return earliest;
}
