/**
 * Is there a legal order of one partition's operations? A depth-first search after J. Wing and C. Gong (1993) and
 * G. Lowe (2017), over compact configurations.
 *
 * Something is placed only because the first outstanding answer (the boundary) forces it. A configuration is that
 * answer's rank, the state, which of the open operations are placed, and how many of each unknown kind were used.
 * Only configurations that failed are remembered. Reads are placed as soon as they are possible; of open operations
 * of one kind the one that ended first goes first. A replacement hides whatever open replacements are placed just
 * before it, so that these are satisfied: when they end they may be dropped; and it is placed early only where
 * something open waits for what it leads to. Operations of unknown outcome are spent sparingly: each costs one, and
 * the allowance rises only when backtracking near the furthest point did not help.
 */

import type { Budget, Input, Json } from '../../rig/contract.ts';
import { NEVER } from '../../rig/history.ts';
import { Allowance, UNBOUNDED } from './allowance.ts';
import { Candidates } from './candidates.ts';
import { Demand, type Uses } from './demand.ts';
import { BEGIN, FailedConfigurations, type Layout, type Memory, RANK, STATE } from './failed.ts';
import { Foresight } from './foresight.ts';
import { Frontier } from './frontier.ts';
import { Outstanding } from './outstanding.ts';
import { orderOf } from './order.ts';
import type { Problem } from './problem.ts';
import { Satisfied } from './satisfied.ts';
import { Trail } from './trail.ts';
import { IMPOSSIBLE, type Transitions } from './transitions.ts';
import { Unknowns } from './unknowns.ts';

/** `open`: the limit or the budget ran out; the search can go on. */
export type Outcome = 'legal' | 'impossible' | 'open';

export interface SearchOptions {
  readonly memory: Memory;
  /**
   * How operations of unknown outcome are used: `sparing`: at first none, more only when stuck; `endless`: again and
   * again, which finds more orders than there are, and fewer configurations.
   */
  readonly spending: 'sparing' | 'lavish' | 'endless';
  /** The state to begin in; the model's initial one is 0. */
  readonly state?: number;
  /** What operations demand and supply, where every step is known: spares effort. */
  readonly uses: Uses | null;
  /** Leave states that are still demanded never: what is impossible is then found before it is reached. */
  readonly byDemand?: boolean;
  /** What was invoked before this rank may not have happened. */
  readonly optionalBefore?: number;
  /** An order of what is answered before this rank is enough. */
  readonly until?: number;
}

// A frame: how to go back to a node, what is left to try there, and the configuration it stands for.
const TRAIL = 0;
const FIRST = 1;
const NEXT = 2;
const LAST = 3;
const ALLOWED = 4;
/** 1 if something below was not tried because it would have cost too much. */
const SPARED = 5;
const SATISFIED = 6;
const MARK = 7;
const KEY = 8;

const FIRST_FRAMES = 16;

export class Search {
  readonly #problem: Problem;
  readonly #transitions: Transitions<unknown, Input, Json>;
  readonly #memory: Memory;
  readonly #failed: FailedConfigurations;
  readonly #layout: Layout;
  #first: number;
  readonly #optionalBefore: number;
  readonly #until: number;
  readonly #isEndless: boolean;

  /** Known operations that are not placed yet. */
  readonly #left: Outstanding;
  readonly #unknowns: Unknowns;
  readonly #allowance: Allowance;
  readonly #satisfied: Satisfied;
  readonly #frontier: Frontier;
  readonly #demand: Demand | null;
  readonly #foresight: Foresight;

  readonly #trail: Trail;
  #state: number;
  #frames: Int32Array;
  readonly #stride: number;
  #depth = 0;
  readonly #candidates: Candidates;
  /** The configuration at hand, in the memo's layout. */
  readonly #key: Int32Array;

  /** How many configurations were visited. */
  nodes = 0;
  /** 1 for each operation whose answer had to be waited for: what else must be in order was so by itself. */
  readonly asked: Uint8Array;
  /** The rank of the last answer that could not be passed yet, and its operation; −1 before the first. */
  furthest = -1;
  blocked = -1;
  #furthestAt = 0;
  /** True once there is no memory left to go on with. */
  isOutOfMemory = false;

  constructor(problem: Problem, transitions: Transitions<unknown, Input, Json>, options: SearchOptions) {
    const { memory, spending, uses, state = 0, byDemand = false, optionalBefore = 0, until = NEVER } = options;
    this.#problem = problem;
    this.#transitions = transitions;
    this.#memory = memory;
    this.#state = this.#first = state;
    this.#optionalBefore = optionalBefore;
    this.#until = until;
    this.#isEndless = spending === 'endless';
    this.#left = new Outstanding(problem);
    this.#allowance = new Allowance(spending === 'sparing', this.#left.slots);
    this.#unknowns = new Unknowns(problem, transitions.kindCount);
    this.#satisfied = new Satisfied(optionalBefore, uses ? uses.endless.length : 0);
    const unknowns = this.#unknowns.count;
    const words = Math.max(1, (this.#left.slots + 31) >>> 5);
    this.#layout = { words, unknowns, limitWords: (unknowns + 31) >>> 5 };
    const parts = { left: this.#left, satisfied: this.#satisfied, layout: this.#layout, until };
    this.#frontier = new Frontier(problem, transitions, uses, parts);
    this.#foresight = new Foresight(problem, transitions, this.#left, this.#unknowns);
    const sources = { frontier: this.#frontier, foresight: this.#foresight, unknowns: this.#unknowns, optionalBefore };
    this.#candidates = new Candidates(problem, transitions, sources);
    this.#demand = uses && byDemand ? new Demand(problem, uses, optionalBefore, until) : null;
    this.#failed = new FailedConfigurations(this.#layout, memory);
    this.#key = new Int32Array(this.#failed.keyLength);
    this.#stride = KEY + this.#failed.keyLength;
    this.#frames = new Int32Array(this.#stride * FIRST_FRAMES);
    memory.left -= this.#frames.length;
    this.#trail = new Trail(problem.at.length);
    this.asked = new Uint8Array(problem.at.length);
  }

  get hasUnknowns(): boolean {
    return this.#unknowns.count > 0;
  }

  /** The operations placed so far, in order; once `legal`, a legal order. */
  order(): number[] {
    return this.#orderOf(this.#trail.entries, NEVER);
  }

  /** A legal order of what was placed on the way to the furthest answer. */
  longestOrder(): number[] {
    return this.#orderOf(this.#trail.longest, this.furthest);
  }

  #orderOf(trail: Int32Array, boundary: number): number[] {
    const placed = { trail, state: this.#first, boundary, optionalBefore: this.#optionalBefore };
    return orderOf(this.#problem, this.#transitions, placed);
  }

  /** Gives back what it took of the memory. */
  close(): void {
    this.#failed.clear();
    this.#memory.left += this.#frames.length;
    this.#frames = new Int32Array(0);
    this.isOutOfMemory = true;
  }

  /** Begins again in another state, once it was impossible from all before: what led on from none of these never will. */
  restart(state: number): void {
    this.#undo(0);
    this.#satisfied.undo(0);
    this.#satisfied.before = this.#optionalBefore;
    this.#candidates.top = 0;
    this.#state = this.#first = state;
  }

  /** Goes on for at most `limit` more configurations, and at most `stall` of them without passing another answer. */
  run(limit: number, stall: number, budget: Budget): Outcome {
    if (this.nodes === 0 && this.#demand?.lost().some((state) => state !== this.#state)) return 'impossible';
    const last = this.nodes + limit;
    this.#furthestAt = this.nodes;
    for (;;) {
      if (this.nodes >= last || this.nodes - this.#furthestAt >= stall || this.isOutOfMemory) return 'open';
      if (budget.exhausted()) return 'open';
      const boundary = this.#placeReads();
      if (boundary < 0) return 'legal';
      const rank = this.#problem.end[boundary] as number;
      if (rank >= this.#until) return 'legal';
      if (rank > this.furthest) this.#comeFurther(boundary, rank);
      this.nodes++;
      this.asked[boundary] = 1;
      this.#enter(boundary, rank);
      if (!this.#advance()) return 'impossible';
    }
  }

  #comeFurther(boundary: number, rank: number): void {
    this.furthest = rank;
    this.blocked = boundary;
    this.#furthestAt = this.nodes;
    this.#trail.remember();
  }

  /** Places every open read that the state allows; returns the operation of the first outstanding answer, or −1. */
  #placeReads(): number {
    const { call, kind } = this.#problem;
    const { isRead } = this.#transitions;
    const { operationAt, next } = this.#left;
    let event = this.#left.first;
    while (event >= 0) {
      const operation = operationAt[event] as number;
      if (call[operation] !== event) return operation;
      const its = kind[operation] as number;
      if (isRead[its] === 1 && this.#transitions.step(this.#state, its) !== IMPOSSIBLE) {
        const previous = this.#left.previous[event] as number;
        this.#place(operation);
        event = next[previous] as number;
      } else event = next[event] as number;
    }
    return -1;
  }

  /** Opens a frame for the configuration at hand, unless it is known to fail or nothing can be placed. */
  #enter(boundary: number, rank: number): void {
    this.#satisfied.note(this.#state, rank);
    const key = this.#key.fill(0);
    key[RANK] = rank;
    key[STATE] = this.#state;
    this.#frontier.scan(rank, this.#state, key);
    if (this.#unknowns.count > 0) key.set(this.#unknowns.used, BEGIN + 2 * this.#layout.words);
    const known = this.#failed.find(key, this.#allowance.left(this.#unknowns.cost));
    if (known >= 0) {
      if (this.#depth > 0) this.#inherit(this.#depth - 1, this.#failed.limitsOf(known), this.#failed.isSpared(known));
      return;
    }
    const first = this.#candidates.top;
    if (!this.#foresight.isHopeless(this.#state)) this.#candidates.collect(boundary, rank, this.#state, key);
    if (this.#candidates.top > first) this.#open(first);
    else if (this.#depth > 0) this.#inherit(this.#depth - 1, key.subarray(key.length - this.#layout.limitWords), false);
  }

  #open(first: number): void {
    const frame = this.#depth * this.#stride;
    if (frame + this.#stride > this.#frames.length && !this.#growFrames()) return;
    const frames = this.#frames;
    frames[frame + TRAIL] = this.#trail.length;
    frames[frame + FIRST] = first;
    frames[frame + NEXT] = first;
    frames[frame + LAST] = this.#candidates.top;
    frames[frame + ALLOWED] = this.#allowance.allowed;
    frames[frame + SPARED] = 0;
    frames[frame + SATISFIED] = this.#satisfied.before;
    frames[frame + MARK] = this.#satisfied.mark;
    frames.set(this.#key, frame + KEY);
    // Endless supplies lead round in circles: there a configuration counts as failed as soon as it is tried.
    if (this.#isEndless) this.#failed.add(this.#key, UNBOUNDED);
    this.#depth++;
  }

  /** Takes the next thing to try, going back as far as needed; `false` when nothing is left anywhere. */
  #advance(): boolean {
    const frames = this.#frames;
    while (this.#depth > 0) {
      const frame = (this.#depth - 1) * this.#stride;
      this.#undo(frames[frame + TRAIL] as number);
      this.#state = frames[frame + KEY + STATE] as number;
      this.#satisfied.undo(frames[frame + MARK] as number);
      this.#satisfied.before = frames[frame + SATISFIED] as number;
      const last = frames[frame + LAST] as number;
      this.#candidates.top = last;
      const next = frames[frame + NEXT] as number;
      if (next < last) {
        frames[frame + NEXT] = next + 1;
        const candidate = this.#candidates.at(next);
        if (this.#unknowns.cost >= this.#allowance.allowed && this.#unknowns.has(candidate)) frames[frame + SPARED] = 1;
        else if (this.#take(candidate, frame)) return true;
      } else if (!this.#reconsider(frame)) this.#fail(frame);
    }
    return false;
  }

  /** Places or drops a candidate; `false` if a state is lost by it that something still demands. */
  #take(candidate: number, frame: number): boolean {
    const before = this.#state;
    const kind = this.#problem.kind[candidate < 0 ? ~candidate : candidate] as number;
    if (candidate < 0) this.#drop(~candidate);
    else {
      this.#state = this.#transitions.step(before, kind);
      if (this.#transitions.isReplacement[kind] === 1)
        this.#satisfied.before = this.#frames[frame + KEY + RANK] as number;
      this.#place(candidate);
    }
    if (!this.#demand) return true;
    const lost = candidate < 0 ? this.#demand.suppliedBy(kind) : before;
    if (!this.#demand.isLost(lost, this.#state)) return true;
    this.#blame(lost, frame);
    return false;
  }

  /** Notes that the failure at hand depends on the unknown operations in use that supply `lost`. */
  #blame(lost: number, frame: number): void {
    const limits = frame + this.#stride - this.#layout.limitWords;
    for (let group = 0; group < this.#unknowns.count; group++) {
      if (this.#unknowns.used[group] === 0) continue;
      if (this.#demand?.suppliedBy(this.#unknowns.kinds[group] as number) !== lost) continue;
      const word = limits + (group >>> 5);
      this.#frames[word] = (this.#frames[word] as number) | (1 << (group & 31));
    }
  }

  /** Starts a frame over if more may be spent now, or if it is time to allow more. */
  #reconsider(frame: number): boolean {
    if (this.#frames[frame + SPARED] === 0) return false;
    const rank = this.#frames[frame + KEY + RANK] as number;
    const hasMore = this.#allowance.allowed > (this.#frames[frame + ALLOWED] as number);
    if (!hasMore && !this.#allowance.raise(rank, this.furthest, this.#depth === 1)) return false;
    this.#frames[frame + NEXT] = this.#frames[frame + FIRST] as number;
    this.#frames[frame + ALLOWED] = this.#allowance.allowed;
    this.#frames[frame + SPARED] = 0;
    return true;
  }

  /** Closes the innermost frame and remembers its configuration. */
  #fail(frame: number): void {
    this.#depth--;
    this.#candidates.top = this.#frames[frame + FIRST] as number;
    const spared = this.#frames[frame + SPARED] === 1;
    const key = this.#frames.subarray(frame + KEY, frame + this.#stride);
    const left = (this.#frames[frame + ALLOWED] as number) - this.#unknowns.cost;
    if (!this.#isEndless) this.#failed.add(key, spared ? left : UNBOUNDED);
    if (this.#depth > 0) this.#inherit(this.#depth - 1, key.subarray(key.length - this.#layout.limitWords), spared);
  }

  /** Hands what limited a failure to the frame above it. */
  #inherit(depth: number, limits: Int32Array, spared: boolean): void {
    const frame = depth * this.#stride;
    if (spared) this.#frames[frame + SPARED] = 1;
    const begin = frame + this.#stride - limits.length;
    for (let word = 0; word < limits.length; word++)
      this.#frames[begin + word] = (this.#frames[begin + word] as number) | (limits[word] as number);
  }

  #place(operation: number): void {
    if (this.#isEndless && this.#unknowns.has(operation)) return;
    this.#trail.push(operation);
    this.#demand?.count(operation, -1);
    if (!this.#unknowns.use(operation, 1)) this.#left.take(operation);
  }

  #drop(operation: number): void {
    this.#trail.push(~operation);
    this.#demand?.count(operation, -1);
    this.#left.take(operation);
  }

  #undo(length: number): void {
    while (this.#trail.length > length) {
      const entry = this.#trail.pop();
      const operation = entry < 0 ? ~entry : entry;
      this.#demand?.count(operation, 1);
      if (entry < 0 || !this.#unknowns.use(operation, -1)) this.#left.putBack(operation);
    }
  }

  /** Makes room for deeper frames; out of memory, the search is over. */
  #growFrames(): boolean {
    this.isOutOfMemory = this.#frames.length > this.#memory.left;
    if (this.isOutOfMemory) return false;
    this.#memory.left -= this.#frames.length;
    this.#frames = doubled(this.#frames);
    return true;
  }
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(2 * array.length);
  grown.set(array);
  return grown;
}
