/**
 * Which transaction must come before which, as a graph in typed arrays: edges are gathered in a list and then laid
 * out by source (compressed sparse rows). Vertices beyond the transactions stand for many edges at once.
 */

import { twice } from './twice.ts';

/** Kinds of edges, as bits. */
export const WW = 1;
export const WR = 2;
export const RW = 4;
/** The source's write must come before the target's, since somebody who saw the target's knew of the source. */
export const VISIBLE = 8;
/** One process did the one after the other. */
export const PROCESS = 16;
/** As `VISIBLE`, known by real time: the source had completed before the reader began. */
export const VISIBLE_IN_TIME = 32;
/** An `RW` that follows from a `VISIBLE_IN_TIME`. */
export const RW_IN_TIME = 64;
/** The second half of an edge that runs through an auxiliary vertex; its kind is that of the first half. */
export const ONWARD = 128;

/** Compressed sparse rows: the edges of `v` are those from `offset[v]` to `offset[v + 1]`. */
export interface Graph {
  readonly size: number;
  readonly offset: Int32Array;
  readonly target: Int32Array;
  readonly kind: Uint8Array;
  /** What tells why, by kind: a version, a micro-operation. */
  readonly reason: Int32Array;
}

/** Beyond this many pairs, edges from each of some to each of others run through auxiliary vertices. */
const MOST_PAIRS = 64;

export class EdgeList {
  count = 0;
  #size: number;
  #source: Int32Array;
  #target: Int32Array;
  #kind: Uint8Array;
  #reason: Int32Array;

  constructor(vertices: number) {
    this.#size = vertices;
    const room = 4 * vertices + 16;
    this.#source = new Int32Array(room);
    this.#target = new Int32Array(room);
    this.#kind = new Uint8Array(room);
    this.#reason = new Int32Array(room);
  }

  add(source: number, target: number, kind: number, reason: number): void {
    if (source === target) return;
    const at = this.count++;
    if (at === this.#source.length) this.#grow();
    this.#source[at] = source;
    this.#target[at] = target;
    this.#kind[at] = kind;
    this.#reason[at] = reason;
  }

  /** An edge from each source to each target but itself; `targets` are distinct. Linear, however many pairs there are. */
  addAll(sources: readonly number[], targets: readonly number[], kind: number, reason: number): void {
    if (sources.length * targets.length <= MOST_PAIRS + 4 * (sources.length + targets.length)) {
      for (const source of sources) for (const target of targets) this.add(source, target, kind, reason);
      return;
    }
    // Two chains over the targets, so that a source that is itself a target can step around itself.
    const last = targets.length - 1;
    const ahead = this.#size;
    const behind = ahead + targets.length;
    this.#size += 2 * targets.length;
    targets.forEach((target, at) => {
      this.add(ahead + at, target, ONWARD, reason);
      this.add(behind + at, target, ONWARD, reason);
      if (at < last) this.add(ahead + at, ahead + at + 1, ONWARD, reason);
      if (at > 0) this.add(behind + at, behind + at - 1, ONWARD, reason);
    });
    const placeOf = new Map(targets.map((target, at) => [target, at]));
    for (const source of sources) {
      const place = placeOf.get(source);
      if (place === undefined) this.add(source, ahead, kind, reason);
      else {
        if (place < last) this.add(source, ahead + place + 1, kind, reason);
        if (place > 0) this.add(source, behind + place - 1, kind, reason);
      }
    }
  }

  toGraph(): Graph {
    const size = this.#size;
    const { count } = this;
    const [sources, targets, kinds, reasons] = [this.#source, this.#target, this.#kind, this.#reason];
    const offset = new Int32Array(size + 1);
    for (let at = 0; at < count; at++) offset[(sources[at] as number) + 1]!++;
    for (let v = 0; v < size; v++) offset[v + 1]! += offset[v] as number;
    const next = offset.slice();
    const target = new Int32Array(count);
    const kind = new Uint8Array(count);
    const reason = new Int32Array(count);
    for (let at = 0; at < count; at++) {
      const place = next[sources[at] as number]!++;
      target[place] = targets[at] as number;
      kind[place] = kinds[at] as number;
      reason[place] = reasons[at] as number;
    }
    return { size, offset, target, kind, reason };
  }

  #grow(): void {
    this.#source = twice(this.#source);
    this.#target = twice(this.#target);
    this.#reason = twice(this.#reason);
    this.#kind = twice(this.#kind);
  }
}

/** The graph with more edges, which need no reason. */
export function withEdges(graph: Graph, more: Iterable<readonly [from: number, to: number, kind: number]>): Graph {
  const edges = new EdgeList(graph.size);
  for (let vertex = 0; vertex < graph.size; vertex++)
    for (let edge = graph.offset[vertex] as number; edge < (graph.offset[vertex + 1] as number); edge++)
      edges.add(vertex, graph.target[edge] as number, graph.kind[edge] as number, graph.reason[edge] as number);
  for (const [from, to, kind] of more) edges.add(from, to, kind, 0);
  return edges.toGraph();
}

/** Cuts parts out of one graph; its scratch space is as large as the graph, and used again. */
export class Cutter {
  readonly #graph: Graph;
  readonly #place: Int32Array;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#place = new Int32Array(graph.size).fill(-1);
  }

  /** The vertices given, renumbered by their place, with the edges between them that are of some kinds. */
  cut(vertices: Int32Array, kinds: number): Graph {
    const { offset, target, kind, reason } = this.#graph;
    const place = this.#place;
    const edges = new EdgeList(vertices.length);
    for (let at = 0; at < vertices.length; at++) place[vertices[at] as number] = at;
    for (let at = 0; at < vertices.length; at++) {
      const vertex = vertices[at] as number;
      for (let edge = offset[vertex] as number; edge < (offset[vertex + 1] as number); edge++) {
        const to = place[target[edge] as number] as number;
        if (to >= 0 && (kind[edge] as number) & kinds) edges.add(at, to, kind[edge] as number, reason[edge] as number);
      }
    }
    for (const vertex of vertices) place[vertex] = -1;
    return edges.toGraph();
  }
}

/**
 * The graph twice over: from the first copy an edge of `jumps` leads into the second, edges of `steps` lead from
 * either into the first (`resets`) or stay where they are. Reasons are the numbers of the edges in the graph itself.
 */
export function doubled(graph: Graph, steps: number, jumps: number, resets: boolean): Graph {
  const { size, offset, target, kind } = graph;
  const edges = new EdgeList(2 * size);
  for (let vertex = 0; vertex < size; vertex++) {
    for (let edge = offset[vertex] as number; edge < (offset[vertex + 1] as number); edge++) {
      const to = target[edge] as number;
      const of = kind[edge] as number;
      if (of & jumps) edges.add(vertex, to + size, of, edge);
      if (!(of & (steps | ONWARD))) continue;
      edges.add(vertex, to, of, edge);
      edges.add(vertex + size, resets && !(of & ONWARD) ? to : to + size, of, edge);
    }
  }
  return edges.toGraph();
}
