/** Shortest paths in a graph, by breadth-first search in arrays that are used again from one search to the next. */

import type { Budget } from '../../rig/contract.ts';
import type { Graph } from './graph.ts';

/** Edges of one call for all its searches together; beyond it a path that was found may not be the shortest. */
const MOST_EDGES = 3e7;

export class ShortestPaths {
  /** False once searches were given up: what was not found may exist. */
  complete = true;
  readonly #graph: Graph;
  readonly #budget: Budget;
  readonly #seen: Int32Array;
  readonly #queue: Int32Array;
  /** By which edge, and from where in the queue, a vertex was reached. */
  readonly #edge: Int32Array;
  readonly #from: Int32Array;
  readonly #depth: Int32Array;
  #search = 0;
  #left = MOST_EDGES;

  constructor(graph: Graph, budget: Budget) {
    this.#graph = graph;
    this.#budget = budget;
    this.#seen = new Int32Array(graph.size);
    this.#queue = new Int32Array(graph.size);
    this.#edge = new Int32Array(graph.size);
    this.#from = new Int32Array(graph.size);
    this.#depth = new Int32Array(graph.size);
  }

  /**
   * The edges of a shortest path of at least one and at most `most` edges of `kinds` from `start` to a vertex that
   * `isGoal`; `null` if there is none.
   */
  find(start: number, isGoal: (vertex: number) => boolean, kinds: number, most: number): number[] | null {
    const { offset, target, kind } = this.#graph;
    const search = ++this.#search;
    let head = 0;
    let tail = 0;
    this.#queue[tail++] = start;
    this.#depth[start] = 0;
    for (; head < tail; head++) {
      const vertex = this.#queue[head] as number;
      const depth = (this.#depth[vertex] as number) + 1;
      if (depth > most || this.#isSpent(head)) return null;
      const end = offset[vertex + 1] as number;
      this.#left -= end - (offset[vertex] as number);
      for (let edge = offset[vertex] as number; edge < end; edge++) {
        if (!((kind[edge] as number) & kinds)) continue;
        const to = target[edge] as number;
        if (isGoal(to)) return this.#pathTo(head, edge);
        if (this.#seen[to] === search || to === start) continue;
        this.#seen[to] = search;
        this.#depth[to] = depth;
        this.#edge[to] = edge;
        this.#from[to] = head;
        this.#queue[tail++] = to;
      }
    }
    return null;
  }

  #isSpent(head: number): boolean {
    if (this.#left > 0 && ((head & 1023) !== 1023 || !this.#budget.exhausted())) return false;
    this.complete = false;
    return true;
  }

  #pathTo(head: number, last: number): number[] {
    const path = [last];
    for (let at = head; at > 0; ) {
      const vertex = this.#queue[at] as number;
      path.push(this.#edge[vertex] as number);
      at = this.#from[vertex] as number;
    }
    return path.reverse();
  }
}
