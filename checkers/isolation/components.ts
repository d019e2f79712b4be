/**
 * Strongly connected components, without recursion: R. Tarjan, "Depth-first search and linear graph algorithms"
 * (1972). Components come out in reverse topological order, which later passes rely on.
 */

import type { Budget } from '../../rig/contract.ts';
import type { Graph } from './graph.ts';

export interface Components {
  /** For each vertex the number of its component; whatever it leads to has a lower number, or the same. */
  readonly of: Int32Array;
  /** The vertices, component after component. */
  readonly order: Int32Array;
  /** Where in `order` each component with more than one vertex begins and ends. */
  readonly cyclic: readonly (readonly [from: number, to: number])[];
}

/** Components by the edges of some kinds. Stops early, with what it has, once the budget runs out. */
export function componentsOf(graph: Graph, kinds: number, budget: Budget): Components {
  const { size, offset, target, kind } = graph;
  /** Order of discovery from 1; 0 is undiscovered. */
  const found = new Int32Array(size);
  const low = new Int32Array(size);
  const of = new Int32Array(size).fill(-1);
  const nextEdge = offset.slice(0, size);
  const open = new Int32Array(size);
  const path = new Int32Array(size);
  const order = new Int32Array(size);
  const cyclic: (readonly [number, number])[] = [];
  let opened = 0;
  let discovered = 0;
  let ordered = 0;
  let components = 0;
  for (let root = 0; root < size; root++) {
    if ((root & 4095) === 0 && budget.exhausted()) break;
    if (found[root] !== 0) continue;
    let depth = 0;
    path[0] = root;
    while (depth >= 0) {
      const vertex = path[depth] as number;
      if (found[vertex] === 0) {
        found[vertex] = low[vertex] = ++discovered;
        open[opened++] = vertex;
      }
      const end = offset[vertex + 1] as number;
      let edge = nextEdge[vertex] as number;
      let lowest = low[vertex] as number;
      let child = -1;
      for (; edge < end && child < 0; edge++) {
        if (((kind[edge] as number) & kinds) === 0) continue;
        const to = target[edge] as number;
        if (found[to] === 0) child = to;
        else if ((of[to] as number) < 0 && (low[to] as number) < lowest) lowest = low[to] as number;
      }
      low[vertex] = lowest;
      if (child >= 0) {
        // The edge is looked at again once the child is done, and then passes on what the child reached.
        nextEdge[vertex] = edge - 1;
        path[++depth] = child;
        continue;
      }
      nextEdge[vertex] = edge;
      depth--;
      if (lowest !== found[vertex]) continue;
      const from = ordered;
      let member: number;
      do {
        member = open[--opened] as number;
        of[member] = components;
        order[ordered++] = member;
      } while (member !== vertex);
      components++;
      if (ordered - from > 1) cyclic.push([from, ordered]);
    }
  }
  return { of, order: order.subarray(0, ordered), cyclic };
}
