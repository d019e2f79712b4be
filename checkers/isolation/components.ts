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
  return new Search(graph, kinds).run(budget);
}

class Search {
  readonly #graph: Graph;
  readonly #kinds: number;
  /** Order of discovery from 1; 0 is undiscovered. */
  readonly #found: Int32Array;
  readonly #low: Int32Array;
  readonly #component: Int32Array;
  readonly #nextEdge: Int32Array;
  readonly #open: Int32Array;
  readonly #path: Int32Array;
  readonly #order: Int32Array;
  readonly #cyclic: (readonly [number, number])[] = [];
  #opened = 0;
  #discovered = 0;
  #ordered = 0;
  #components = 0;

  constructor(graph: Graph, kinds: number) {
    const { size } = graph;
    this.#graph = graph;
    this.#kinds = kinds;
    this.#found = new Int32Array(size);
    this.#low = new Int32Array(size);
    this.#component = new Int32Array(size).fill(-1);
    this.#nextEdge = graph.offset.slice(0, size);
    this.#open = new Int32Array(size);
    this.#path = new Int32Array(size);
    this.#order = new Int32Array(size);
  }

  run(budget: Budget): Components {
    for (let root = 0; root < this.#graph.size; root++) {
      if ((root & 4095) === 0 && budget.exhausted()) break;
      if (this.#found[root] === 0) this.#explore(root);
    }
    return { of: this.#component, order: this.#order.subarray(0, this.#ordered), cyclic: this.#cyclic };
  }

  #explore(root: number): void {
    const path = this.#path;
    const low = this.#low;
    let depth = 0;
    path[0] = root;
    this.#discover(root);
    while (depth >= 0) {
      const vertex = path[depth] as number;
      const child = this.#advance(vertex);
      if (child >= 0) {
        path[++depth] = child;
        this.#discover(child);
        continue;
      }
      depth--;
      if (depth >= 0) {
        const parent = path[depth] as number;
        if ((low[vertex] as number) < (low[parent] as number)) low[parent] = low[vertex] as number;
      }
      if (low[vertex] === this.#found[vertex]) this.#close(vertex);
    }
  }

  #discover(vertex: number): void {
    this.#found[vertex] = this.#low[vertex] = ++this.#discovered;
    this.#open[this.#opened++] = vertex;
  }

  /** The next undiscovered successor, or −1 when there is none left. */
  #advance(vertex: number): number {
    const { offset, target, kind } = this.#graph;
    const end = offset[vertex + 1] as number;
    let edge = this.#nextEdge[vertex] as number;
    while (edge < end) {
      const to = target[edge] as number;
      if ((kind[edge++] as number) & this.#kinds) {
        if (this.#found[to] === 0) {
          this.#nextEdge[vertex] = edge;
          return to;
        }
        if ((this.#component[to] as number) < 0 && (this.#found[to] as number) < (this.#low[vertex] as number))
          this.#low[vertex] = this.#found[to] as number;
      }
    }
    this.#nextEdge[vertex] = edge;
    return -1;
  }

  #close(vertex: number): void {
    const from = this.#ordered;
    let member: number;
    do {
      member = this.#open[--this.#opened] as number;
      this.#component[member] = this.#components;
      this.#order[this.#ordered++] = member;
    } while (member !== vertex);
    this.#components++;
    if (this.#ordered - from > 1) this.#cyclic.push([from, this.#ordered]);
  }
}
