/**
 * Is there a legal order of one partition's operations? A depth-first search after J. Wing and C. Gong (1993) and
 * G. Lowe (2017), over compact configurations.
 *
 * Something is placed only because the first outstanding answer (the boundary) forces it. A configuration is that
 * answer's rank, the state, which of the open operations are placed, and how many of each unknown kind were used.
 * Only configurations that failed are remembered. Reads are placed as soon as they are possible; of open operations
 * of one kind the one that ended first goes first. A replacement hides whatever open replacements are placed just
 * before it, so that these are satisfied: when they end they may be dropped. Operations of unknown outcome are spent
 * sparingly: each costs one, and the allowance rises only when backtracking near the furthest point did not help.
 */

import type { Budget, Input, Json } from '../../rig/contract.ts';
import { Demand, type Uses } from './demand.ts';
import { FailedConfigurations, type Layout, type Memory } from './failed.ts';
import { Foresight } from './foresight.ts';
import { Outstanding } from './outstanding.ts';
import type { Problem } from './problem.ts';
import { IMPOSSIBLE, type Transitions } from './transitions.ts';
import { Unknowns } from './unknowns.ts';

/** `open`: the limit or the budget ran out; the search can go on. */
export type Outcome = 'legal' | 'impossible' | 'open';

export interface SearchOptions {
  readonly memory: Memory;
  /** Start without using any operation of unknown outcome, and allow more only when stuck. */
  readonly sparing: boolean;
  /** The state to begin in; the model's initial one is 0. */
  readonly state?: number;
  /** What operations demand and supply: spares effort, but what is impossible is then found before it is reached. */
  readonly uses?: Uses | null;
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
const KEY = 7;

const POLL_EVERY = 256;
const UNBOUNDED = 0x7fffffff;

export class Search {
  readonly #problem: Problem;
  readonly #transitions: Transitions<unknown, Input, Json>;
  readonly #failed: FailedConfigurations;
  readonly #layout: Layout;

  /** Known operations that are not placed yet. */
  readonly #left: Outstanding;
  readonly #unknowns: Unknowns;
  readonly #demand: Demand | null;
  readonly #foresight: Foresight;

  /** What was placed, in order; `~operation` for one that was dropped. */
  readonly #trail: Int32Array;
  #placed = 0;
  /** Open replacements invoked before this rank are satisfied. */
  #satisfied = 0;
  #state: number;
  #frames: Int32Array;
  readonly #stride: number;
  #depth = 0;
  #candidates = new Int32Array(256);
  #candidateTop = 0;
  /** The configuration at hand, in the memo's layout. */
  readonly #key: Int32Array;
  // For each kind, the open operation that ends first; valid where the stamp is the current one.
  readonly #stamps: Int32Array;
  readonly #earliest: Int32Array;
  #stamp = 0;

  #allowed: number;
  #stalls = 0;
  #stalledAt = -1;
  #reach: number;
  readonly #firstReach: number;

  /** How many configurations were visited. */
  nodes = 0;
  /** The rank of the last answer that could not be passed yet, and its operation; −1 before the first. */
  furthest = -1;
  blocked = -1;

  constructor(problem: Problem, transitions: Transitions<unknown, Input, Json>, options: SearchOptions) {
    this.#problem = problem;
    this.#transitions = transitions;
    this.#state = options.state ?? 0;
    this.#left = new Outstanding(problem);
    this.#unknowns = new Unknowns(problem);
    this.#foresight = new Foresight(problem, transitions, this.#left, this.#unknowns);
    this.#demand = options.uses ? new Demand(problem, options.uses) : null;
    this.#allowed = options.sparing ? 0 : UNBOUNDED;
    const words = Math.max(1, (this.#left.slots + 31) >>> 5);
    const unknowns = this.#unknowns.count;
    this.#layout = { words, unknowns, limitWords: (unknowns + 31) >>> 5 };
    this.#failed = new FailedConfigurations(this.#layout, options.memory);
    this.#key = new Int32Array(this.#failed.keyLength);
    this.#stride = KEY + this.#failed.keyLength;
    this.#frames = new Int32Array(this.#stride * 64);
    this.#trail = new Int32Array(problem.at.length);
    this.#stamps = new Int32Array(transitions.kindCount);
    this.#earliest = new Int32Array(transitions.kindCount);
    this.#firstReach = 4 * this.#left.slots + 32;
    this.#reach = this.#firstReach;
  }

  get hasUnknowns(): boolean {
    return this.#unknowns.count > 0;
  }

  /** The operations placed so far, in order; once `legal`, a legal order. */
  order(): number[] {
    const order: number[] = [];
    let replacement = -1;
    for (const entry of this.#trail.subarray(0, this.#placed)) {
      // What was dropped stands just before the last replacement, which hides it.
      if (entry < 0) order.splice(replacement++, 0, ~entry);
      else {
        if (this.#isReplacement(entry)) replacement = order.length;
        order.push(entry);
      }
    }
    return order;
  }

  /** Gives back what the memo took. */
  close(): void {
    this.#failed.clear();
  }

  /** Goes on for at most `limit` more configurations. */
  run(limit: number, budget: Budget): Outcome {
    if (this.nodes === 0 && this.#demand?.lost().some((state) => state !== this.#state)) return 'impossible';
    const last = this.nodes + limit;
    for (;;) {
      if (this.nodes >= last || (this.nodes % POLL_EVERY === 0 && budget.exhausted())) return 'open';
      const boundary = this.#placeReads();
      if (boundary < 0) return 'legal';
      const rank = this.#problem.end[boundary] as number;
      if (rank > this.furthest) {
        this.furthest = rank;
        this.blocked = boundary;
      }
      this.nodes++;
      this.#enter(boundary, rank);
      if (!this.#advance()) return 'impossible';
    }
  }

  /** Places every open read that the state allows; returns the operation of the first outstanding answer, or −1. */
  #placeReads(): number {
    const { call, kind } = this.#problem;
    let event = this.#left.first;
    while (event >= 0) {
      const operation = this.#left.operationAt[event] as number;
      if (call[operation] !== event) return operation;
      const its = kind[operation] as number;
      if (this.#transitions.isRead[its] === 1 && this.#transitions.step(this.#state, its) !== IMPOSSIBLE) {
        this.#place(operation);
        event = this.#left.next[this.#left.previous[event] as number] as number;
      } else event = this.#left.next[event] as number;
    }
    return -1;
  }

  /** Opens a frame for the configuration at hand, unless it is known to fail or nothing can be placed. */
  #enter(boundary: number, rank: number): void {
    const first = this.#candidateTop;
    this.#describeConfiguration(rank);
    const known = this.#failed.find(this.#key, this.#allowance());
    if (known >= 0) {
      if (this.#depth > 0) this.#inherit(this.#depth - 1, this.#failed.limitsOf(known), this.#failed.isSpared(known));
      return;
    }
    if (!this.#foresight.isHopeless(this.#state)) this.#collect(boundary, rank);
    if (this.#candidateTop === first) {
      if (this.#depth > 0) this.#inherit(this.#depth - 1, this.#limits(), false);
      return;
    }
    const frame = this.#depth * this.#stride;
    if (frame + this.#stride > this.#frames.length) this.#frames = doubled(this.#frames);
    this.#frames[frame + TRAIL] = this.#placed;
    this.#frames[frame + FIRST] = first;
    this.#frames[frame + NEXT] = first;
    this.#frames[frame + LAST] = this.#candidateTop;
    this.#frames[frame + ALLOWED] = this.#allowed;
    this.#frames[frame + SPARED] = 0;
    this.#frames[frame + SATISFIED] = this.#satisfied;
    this.#frames.set(this.#key, frame + KEY);
    this.#depth++;
  }

  /** Writes rank, state, the masks of open operations that are not placed, and the use of unknown kinds to the key. */
  #describeConfiguration(rank: number): void {
    const { words } = this.#layout;
    const { kind, call, end } = this.#problem;
    const key = this.#key.fill(0);
    key[0] = rank;
    key[1] = this.#state;
    const stamp = ++this.#stamp;
    for (let event = this.#left.first; event !== rank; event = this.#left.next[event] as number) {
      const operation = this.#left.operationAt[event] as number;
      const its = kind[operation] as number;
      const slot = this.#left.slot[operation] as number;
      const bit = 1 << (slot & 31);
      const word = 2 + (slot >>> 5);
      const isRead = this.#transitions.isRead[its] === 1;
      if (!isRead) key[word] = (key[word] as number) | bit;
      // The second mask holds what must still be placed, but changes nothing where it is not.
      if (isRead || (this.#transitions.isReplacement[its] === 1 && (call[operation] as number) >= this.#satisfied))
        key[words + word] = (key[words + word] as number) | bit;
      const rival = this.#earliest[its] as number;
      if (this.#stamps[its] !== stamp || (end[operation] as number) < (end[rival] as number)) {
        this.#stamps[its] = stamp;
        this.#earliest[its] = operation;
      }
    }
    key.set(this.#unknowns.used, 2 + 2 * words);
  }

  /**
   * Pushes what can be placed now, first what allows the next answer, last what is unknown. A boundary that is
   * satisfied can also be dropped. Notes the unknown kinds that have run out.
   */
  #collect(boundary: number, rank: number): void {
    const { kind, call } = this.#problem;
    const first = this.#candidateTop;
    const room = first + this.#left.slots + this.#unknowns.count + 1;
    while (room > this.#candidates.length) this.#candidates = doubled(this.#candidates);
    const canDrop = this.#isReplacement(boundary) && (call[boundary] as number) < this.#satisfied;
    const wanted = this.#isReplacement(boundary) ? this.#foresight.nextObserver() : (kind[boundary] as number);
    const dropFirst = canDrop && !this.#foresight.helps(this.#state, kind[boundary] as number, wanted);
    let promising = first;
    if (dropFirst) this.#candidates[promising++] = ~boundary;
    this.#candidateTop = promising;
    for (let event = this.#left.first; event !== rank; event = this.#left.next[event] as number) {
      const operation = this.#left.operationAt[event] as number;
      const its = kind[operation] as number;
      if (this.#transitions.isRead[its] === 1 || this.#earliest[its] !== operation) continue;
      if (this.#transitions.step(this.#state, its) === IMPOSSIBLE) continue;
      const goesFirst = (operation === boundary && !canDrop) || this.#foresight.helps(this.#state, its, wanted);
      const place = this.#candidateTop++;
      this.#candidates[place] = goesFirst ? (this.#candidates[promising] as number) : operation;
      if (goesFirst) this.#candidates[promising++] = operation;
    }
    if (canDrop && !dropFirst) this.#candidates[this.#candidateTop++] = ~boundary;
    this.#collectUnknown(rank);
  }

  #isReplacement(operation: number): boolean {
    return this.#transitions.isReplacement[this.#problem.kind[operation] as number] === 1;
  }

  #collectUnknown(rank: number): void {
    const limits = 2 + 2 * this.#layout.words + this.#layout.unknowns;
    for (let group = 0; group < this.#unknowns.count; group++) {
      const next = this.#transitions.step(this.#state, this.#unknowns.kinds[group] as number);
      if (next === IMPOSSIBLE || next === this.#state) continue;
      const operation = this.#unknowns.available(group, rank);
      if (operation >= 0) this.#candidates[this.#candidateTop++] = operation;
      else if ((this.#unknowns.used[group] as number) > 0) {
        const word = limits + (group >>> 5);
        this.#key[word] = (this.#key[word] as number) | (1 << (group & 31));
      }
    }
  }

  /** Takes the next thing to try, going back as far as needed; `false` when nothing is left anywhere. */
  #advance(): boolean {
    while (this.#depth > 0) {
      const frame = (this.#depth - 1) * this.#stride;
      this.#undo(this.#frames[frame + TRAIL] as number);
      this.#state = this.#frames[frame + KEY + 1] as number;
      this.#satisfied = this.#frames[frame + SATISFIED] as number;
      this.#candidateTop = this.#frames[frame + LAST] as number;
      const next = this.#frames[frame + NEXT] as number;
      if (next < this.#candidateTop) {
        this.#frames[frame + NEXT] = next + 1;
        const candidate = this.#candidates[next] as number;
        if (this.#unknowns.cost >= this.#allowed && this.#unknowns.has(candidate)) this.#frames[frame + SPARED] = 1;
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
      if (this.#isReplacement(candidate)) this.#satisfied = this.#frames[frame + KEY] as number;
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
    if (this.#allowed === (this.#frames[frame + ALLOWED] as number)) {
      const rank = this.#frames[frame + KEY] as number;
      const isRoot = this.#depth === 1;
      if (!isRoot && rank >= this.furthest - this.#reach) return false;
      if (this.furthest > this.#stalledAt) {
        this.#stalledAt = this.furthest;
        this.#stalls = 0;
        this.#reach = this.#firstReach;
      } else if (++this.#stalls % 4 === 0) this.#reach *= 2;
      this.#allowed = Math.min(UNBOUNDED, isRoot ? 2 * this.#allowed + 1 : this.#allowed + 1);
    }
    this.#frames[frame + NEXT] = this.#frames[frame + FIRST] as number;
    this.#frames[frame + ALLOWED] = this.#allowed;
    this.#frames[frame + SPARED] = 0;
    return true;
  }

  /** Closes the innermost frame and remembers its configuration. */
  #fail(frame: number): void {
    this.#depth--;
    this.#candidateTop = this.#frames[frame + FIRST] as number;
    const spared = this.#frames[frame + SPARED] === 1;
    const key = this.#frames.subarray(frame + KEY, frame + this.#stride);
    const left = (this.#frames[frame + ALLOWED] as number) - this.#unknowns.cost;
    this.#failed.add(key, spared ? left : UNBOUNDED);
    const { words, unknowns } = this.#layout;
    if (this.#depth > 0) this.#inherit(this.#depth - 1, key.subarray(2 + 2 * words + unknowns), spared);
  }

  /** Hands what limited a failure to the frame above it. */
  #inherit(depth: number, limits: Int32Array, spared: boolean): void {
    const frame = depth * this.#stride;
    if (spared) this.#frames[frame + SPARED] = 1;
    const begin = frame + this.#stride - limits.length;
    for (let word = 0; word < limits.length; word++)
      this.#frames[begin + word] = (this.#frames[begin + word] as number) | (limits[word] as number);
  }

  #limits(): Int32Array {
    return this.#key.subarray(this.#key.length - this.#layout.limitWords);
  }

  /** What may still be spent. */
  #allowance(): number {
    return this.#allowed === UNBOUNDED ? UNBOUNDED : this.#allowed - this.#unknowns.cost;
  }

  #place(operation: number): void {
    this.#trail[this.#placed++] = operation;
    this.#demand?.count(operation, -1);
    if (!this.#unknowns.use(operation, 1)) this.#left.take(operation);
  }

  #drop(operation: number): void {
    this.#trail[this.#placed++] = ~operation;
    this.#demand?.count(operation, -1);
    this.#left.take(operation);
  }

  #undo(placed: number): void {
    while (this.#placed > placed) {
      const entry = this.#trail[--this.#placed] as number;
      const operation = entry < 0 ? ~entry : entry;
      this.#demand?.count(operation, 1);
      if (entry < 0 || !this.#unknowns.use(operation, -1)) this.#left.putBack(operation);
    }
  }
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(2 * array.length);
  grown.set(array);
  return grown;
}
