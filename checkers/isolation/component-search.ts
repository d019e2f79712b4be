/**
 * What cycles a strongly connected component holds: for each kind of cycle the shortest, from the gravest kind on.
 * Whether a kind exists is decided by linear passes, after section 4.4 of A. Adya's thesis and Elle's cycle specs.
 */

import type { Budget } from '../../rig/contract.ts';
import { componentsOf } from './components.ts';
import { type Cycle, stepsOf } from './cycle.ts';
import { doubled, type Graph, ONWARD, PROCESS, RW, RW_IN_TIME, VISIBLE, VISIBLE_IN_TIME, WR, WW } from './graph.ts';
import { ShortestPaths } from './shortest-path.ts';

/** Which orders of time a cycle may use. */
export type Level = 'plain' | 'process' | 'realtime';

const MORE: Readonly<Record<Level, number>> = { plain: 0, process: PROCESS, realtime: PROCESS };

export interface Found {
  readonly cycles: readonly Cycle[];
  /** False if some search was given up. */
  readonly complete: boolean;
}

/** `graph` is a component by itself; `vertices` gives its vertices their numbers in the whole. */
export function searchComponent(graph: Graph, vertices: Int32Array, level: Level, budget: Budget): Found {
  const search = new ComponentSearch(graph, level, budget);
  const cycles = search.run();
  const whole = (local: number) => vertices[local] as number;
  return {
    cycles: cycles.map(({ start, path }) => stepsOf(graph, start, path, whole)),
    complete: search.complete,
  };
}

interface Loop {
  readonly start: number;
  /** Edges in turn, the last back to `start`. */
  readonly path: readonly number[];
}

class ComponentSearch {
  complete = true;
  readonly #graph: Graph;
  readonly #budget: Budget;
  readonly #more: number;
  /** Edges that are no anti-dependencies, and those that are. */
  readonly #plain: number;
  readonly #anti: number;

  constructor(graph: Graph, level: Level, budget: Budget) {
    this.#graph = graph;
    this.#budget = budget;
    this.#more = MORE[level];
    this.#plain = WW | WR | VISIBLE | this.#more | (level === 'realtime' ? VISIBLE_IN_TIME : 0);
    this.#anti = level === 'realtime' ? RW | RW_IN_TIME : RW;
  }

  run(): Loop[] {
    const loops: Loop[] = [];
    const note = (loop: Loop | null) => {
      if (loop) loops.push(loop);
      return loop !== null;
    };
    const hasWrites = note(this.#loop(WW | this.#more)) || note(this.#loop(WW | WR | this.#more));
    if (!hasWrites) note(this.#loop(this.#plain));
    if (loops.length === 0 || hasWrites) {
      if (!note(this.#single()) && !note(this.#nonadjacent()) && loops.length === 0) note(this.#any());
    }
    return loops;
  }

  /** A shortest cycle of edges of some kinds. */
  #loop(kinds: number): Loop | null {
    const { order, cyclic } = componentsOf(this.#graph, kinds, this.#budget);
    const best = new Best();
    const paths = new ShortestPaths(this.#graph, this.#budget);
    for (const [from, to] of cyclic) {
      for (const vertex of order.subarray(from, to)) {
        const isBack = (other: number) => other === vertex;
        best.offer(vertex, paths.find(vertex, isBack, kinds | ONWARD, best.most));
        if (best.length === 2 || !paths.complete) break;
      }
    }
    return this.#found(best, paths);
  }

  /** A shortest cycle with one anti-dependency: from its head back to its tail by other edges. */
  #single(): Loop | null {
    const components = componentsOf(this.#graph, this.#plain | ONWARD, this.#budget).of;
    const best = new Best();
    const paths = new ShortestPaths(this.#graph, this.#budget);
    this.#eachAnti(best, paths, (tail, head, edge) => {
      // What the head leads to has no higher number.
      if ((components[head] as number) < (components[tail] as number)) return;
      const back = paths.find(head, (other) => other === tail, this.#plain | ONWARD, best.most - 1);
      best.offer(tail, back && [edge, ...back]);
    });
    return this.#found(best, paths);
  }

  /** A shortest cycle with several anti-dependencies, no two in a row. */
  #nonadjacent(): Loop | null {
    const { size } = this.#graph;
    const twice = doubled(this.#graph, this.#plain, this.#anti, true);
    const components = componentsOf(twice, -1, this.#budget).of;
    const paths = new ShortestPaths(twice, this.#budget);
    const best = new Best();
    this.#eachAnti(best, paths, (tail, head, edge) => {
      if (components[tail] !== components[head + size]) return;
      const back = paths.find(head + size, (other) => other === tail, -1, best.most - 1);
      best.offer(tail, back && [edge, ...back.map((own) => twice.reason[own] as number)]);
    });
    return this.#found(best, paths);
  }

  /** A shortest cycle with any anti-dependency. */
  #any(): Loop | null {
    const best = new Best();
    const paths = new ShortestPaths(this.#graph, this.#budget);
    this.#eachAnti(best, paths, (tail, head, edge) => {
      const back = paths.find(head, (other) => other === tail, -1, best.most - 1);
      best.offer(tail, back && [edge, ...back]);
    });
    return this.#found(best, paths);
  }

  #found({ loop }: Best, paths: ShortestPaths): Loop | null {
    this.complete &&= paths.complete;
    return loop;
  }

  /** Until the best is as good as can be, or the search is given up. */
  #eachAnti(best: Best, paths: ShortestPaths, visit: (tail: number, head: number, edge: number) => void): void {
    const { size, offset, target, kind } = this.#graph;
    for (let tail = 0; tail < size; tail++) {
      for (let edge = offset[tail] as number; edge < (offset[tail + 1] as number); edge++) {
        if (!((kind[edge] as number) & this.#anti)) continue;
        if (best.length === 2 || !paths.complete) return;
        visit(tail, target[edge] as number, edge);
      }
    }
  }
}

/** The shortest cycle so far. */
class Best {
  loop: Loop | null = null;

  get length(): number {
    return this.loop?.path.length ?? Infinity;
  }

  /** A better one has at most so many edges. */
  get most(): number {
    return this.length - 1;
  }

  offer(start: number, path: readonly number[] | null): void {
    if (path && path.length < this.length) this.loop = { start, path };
  }
}
