/**
 * All cycles worth telling of: first those of the data alone, then those that need the order of each process, then
 * those that need real time. A cycle is left out where its component has one that already rules out as much.
 */

import type { Budget } from '../../rig/contract.ts';
import { type History, OK } from '../../rig/history.ts';
import { componentsOf } from './components.ts';
import { searchComponent, type Level } from './component-search.ts';
import { type AnomalyName, type Clockwork, impliedBy } from './consistency-models.ts';
import { type Cycle, nameOf } from './cycle.ts';
import {
  Cutter,
  type Graph,
  ONWARD,
  PROCESS,
  RW,
  RW_IN_TIME,
  VISIBLE,
  VISIBLE_IN_TIME,
  withEdges,
  WR,
  WW,
} from './graph.ts';
import { cyclesInTime, defiesTime, timesOf } from './real-time.ts';

const PLAIN = WW | WR | RW | VISIBLE | ONWARD;
const KINDS: Readonly<Record<Level, number>> = {
  plain: PLAIN,
  process: PLAIN | PROCESS,
  realtime: PLAIN | PROCESS | VISIBLE_IN_TIME | RW_IN_TIME,
};

export interface Cycles {
  readonly cycles: readonly Cycle[];
  /** False if some search was given up. */
  readonly complete: boolean;
}

/** Cycles of a graph of dependencies, as far as `clockwork` allows orders of time to take part. */
export function findCycles(graph: Graph, history: History, clockwork: Clockwork, budget: Budget): Cycles {
  const search = new CycleSearch(budget);
  const all = componentsOf(graph, -1, budget);
  const times = timesOf(history);
  const defies = clockwork === 'realtime' && defiesTime(graph, all, times);
  if (all.cyclic.length > 0) search.level(graph, 'plain');
  const needsProcesses = clockwork === 'process' || defies || (clockwork === 'realtime' && all.cyclic.length > 0);
  const ordered = needsProcesses ? withEdges(graph, processEdges(history)) : graph;
  if (needsProcesses) search.level(ordered, 'process');
  if (clockwork === 'realtime' && all.cyclic.length > 0) search.level(ordered, 'realtime');
  if (defies) {
    const { cycles, complete } = cyclesInTime(graph, times, budget);
    for (const cycle of cycles) search.offer(cycle, []);
    search.complete &&= complete;
  }
  return { cycles: search.cycles, complete: search.complete && !budget.exhausted() };
}

class CycleSearch {
  readonly cycles: Cycle[] = [];
  complete = true;
  readonly #budget: Budget;
  /** What was found in the component of each vertex. */
  readonly #found = new Map<number, AnomalyName[]>();

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  level(graph: Graph, level: Level): void {
    const { order, cyclic } = componentsOf(graph, KINDS[level], this.#budget);
    const cutter = new Cutter(graph);
    for (const [from, to] of cyclic) {
      if (this.#budget.exhausted()) {
        this.complete = false;
        return;
      }
      const vertices = order.slice(from, to).sort();
      const found = searchComponent(cutter.cut(vertices, KINDS[level]), vertices, level, this.#budget);
      this.complete &&= found.complete;
      for (const cycle of found.cycles) this.offer(cycle, vertices);
    }
  }

  /** Keeps the cycle unless something as grave was found where it runs; `members` are those of its component. */
  offer(cycle: Cycle, members: Iterable<number>): void {
    const name = nameOf(cycle);
    const isKnown = cycle.some(({ from }) => this.#found.get(from)?.some((known) => impliedBy(name, known)));
    if (isKnown) return;
    this.cycles.push(cycle);
    for (const vertex of members) {
      const names = this.#found.get(vertex);
      if (names) names.push(name);
      else this.#found.set(vertex, [name]);
    }
  }
}

/** Each transaction that succeeded comes before the next of the same process. */
function* processEdges(history: History): Generator<readonly [from: number, to: number, kind: number]> {
  const last = new Map<number, number>();
  for (let at = 0; at < history.length; at++) {
    const process = history.process[at] as number;
    const before = last.get(process);
    if (before !== undefined) yield [before, at, PROCESS];
    if (history.type[at] === OK) last.set(process, at);
    else last.delete(process);
  }
}
