/**
 * The operations that are open where the search stands and not placed: of each kind the one that ends first, which
 * states something open is waiting for, and the part of the configuration that follows from them.
 */

import type { Input, Json } from '../../rig/contract.ts';
import type { Uses } from './demand.ts';
import { BEGIN, type Layout, SWAPS } from './failed.ts';
import type { Outstanding } from './outstanding.ts';
import type { Problem } from './problem.ts';
import type { Satisfied } from './satisfied.ts';
import { IMPOSSIBLE, type Transitions } from './transitions.ts';
import type { Unknowns } from './unknowns.ts';

export class Frontier {
  readonly #problem: Problem;
  readonly #transitions: Transitions<unknown, Input, Json>;
  readonly #uses: Uses | null;
  readonly #left: Outstanding;
  readonly #satisfied: Satisfied;
  readonly #words: number;
  /** What is invoked before this rank may not have happened; nor what is answered from rank `#until` on. */
  readonly #optionalBefore: number;
  readonly #until: number;
  readonly #kindCount: number;

  /** One for each kind that is open, reads left out: the operation that ends first. */
  readonly candidates: Int32Array;
  count = 0;
  /** True if a replacement of the present state would satisfy another replacement. */
  hidesAnother = false;
  // By kind; what may not have happened is a kind of its own. Valid where the stamp is the current one.
  readonly #stamps: Int32Array;
  readonly #placeOf: Int32Array;
  /** By state. */
  readonly #observed: Int32Array;
  #stamp = 0;
  #allObserved = false;

  constructor(
    problem: Problem,
    transitions: Transitions<unknown, Input, Json>,
    uses: Uses | null,
    { left, satisfied, layout, until }: { left: Outstanding; satisfied: Satisfied; layout: Layout; until: number },
  ) {
    this.#problem = problem;
    this.#transitions = transitions;
    this.#uses = uses;
    this.#left = left;
    this.#satisfied = satisfied;
    this.#words = layout.words;
    this.#optionalBefore = satisfied.before;
    this.#until = until;
    this.#kindCount = transitions.kindCount;
    this.candidates = new Int32Array(left.slots);
    this.#stamps = new Int32Array(2 * this.#kindCount);
    this.#placeOf = new Int32Array(2 * this.#kindCount);
    this.#observed = new Int32Array(uses ? uses.endless.length : 0);
  }

  /** Looks at everything open before `rank`, and writes its masks to the key. */
  scan(rank: number, state: number, key: Int32Array): void {
    const { kind, end } = this.#problem;
    const { isRead, isReplacement } = this.#transitions;
    const { operationAt, next, slot } = this.#left;
    const { candidates } = this;
    const stamps = this.#stamps;
    const words = this.#words;
    const until = this.#until;
    const stamp = ++this.#stamp;
    this.count = 0;
    this.hidesAnother = false;
    this.#allObserved = this.#uses === null;
    for (let event = this.#left.first; event !== rank; event = next[event] as number) {
      const operation = operationAt[event] as number;
      const its = kind[operation] as number;
      const place = slot[operation] as number;
      const word = BEGIN + (place >>> 5);
      const bit = 1 << (place & 31);
      const isSwap = isReplacement[its] !== 1;
      const isObliged = this.#isObliged(event, its, isSwap, state) && (end[operation] as number) < until;
      if (isObliged) key[words + word] = (key[words + word] as number) | bit;
      if (isRead[its] === 1) continue;
      key[word] = (key[word] as number) | bit;
      // Swaps that must happen are the same ones in configurations that cover each other.
      if (isSwap && isObliged) key[SWAPS] = (key[SWAPS] as number) ^ Math.imul(operation + 1, 0x9e3779b1);
      const as = isSwap && event < this.#optionalBefore ? its + this.#kindCount : its;
      if (stamps[as] !== stamp) {
        stamps[as] = stamp;
        this.#placeOf[as] = this.count;
        candidates[this.count++] = operation;
      } else {
        const before = this.#placeOf[as] as number;
        if ((end[operation] as number) < (end[candidates[before] as number] as number)) candidates[before] = operation;
      }
    }
  }

  /** True for what must still be placed; notes what it waits for. */
  #isObliged(call: number, kind: number, isSwap: boolean, state: number): boolean {
    if (isSwap) {
      this.#observe(kind);
      return call >= this.#optionalBefore;
    }
    const leadsTo = this.#uses ? (this.#uses.supplies[kind] as number) : -1;
    if (this.#satisfied.has(call, leadsTo)) return false;
    if (leadsTo !== state) this.hidesAnother = true;
    return true;
  }

  #observe(kind: number): void {
    if (this.#uses === null) return;
    const state = this.#uses.demands[kind] as number;
    if (state >= 0) this.#observed[state] = this.#stamp;
    // What is possible in several states may wait for any.
    else this.#allObserved = true;
  }

  /** Adds what unknown operations invoked before `rank` wait for, if it matters what they lead to. */
  observeUnknown(unknowns: Unknowns, rank: number): void {
    if (this.#uses === null) return;
    for (let changed = true; changed; ) {
      changed = false;
      for (let group = 0; group < unknowns.count; group++) {
        const kind = unknowns.kinds[group] as number;
        const wanted = this.#uses.demands[kind] as number;
        if (this.#transitions.isReplacement[kind] === 1 || this.isObserved(wanted)) continue;
        if (unknowns.firstCall(group) >= rank) continue;
        const leadsTo = this.#uses.supplies[kind] as number;
        if (leadsTo >= 0 && !this.isObserved(leadsTo)) continue;
        this.#observe(kind);
        changed = true;
      }
    }
  }

  /** True if something open waits for `state`, or for one that is not known. */
  isObserved(state: number): boolean {
    return this.#allObserved || (state >= 0 && this.#observed[state] === this.#stamp);
  }

  /** True if `operation`, open and answered now, may be left out. */
  canDrop(operation: number): boolean {
    const its = this.#problem.kind[operation] as number;
    const call = this.#problem.call[operation] as number;
    if (this.#transitions.isReplacement[its] !== 1) return call < this.#optionalBefore;
    return this.#satisfied.has(call, this.#uses ? (this.#uses.supplies[its] as number) : -1);
  }

  /**
   * True if placing something open that leads from `state` to `next` may help: if something waits for what it leads to.
   * A replacement that nobody observes would be hidden by the next one, which may as well come first; one of the
   * present state may be there to satisfy another.
   */
  isUseful(kind: number, state: number, next: number): boolean {
    if (next === IMPOSSIBLE) return false;
    if (next !== state) return this.isObserved(next);
    return this.#transitions.isReplacement[kind] === 1 && this.hidesAnother && this.isObserved(state);
  }
}
