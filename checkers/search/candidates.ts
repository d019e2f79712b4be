/**
 * What a search tries from where it stands, in which order: first what allows the next answer. A stack, as the search
 * goes deeper before it has tried everything.
 */

import type { Input, Json } from '../../rig/contract.ts';
import type { Foresight } from './foresight.ts';
import type { Frontier } from './frontier.ts';
import type { Problem } from './problem.ts';
import { IMPOSSIBLE, type Transitions } from './transitions.ts';
import type { Unknowns } from './unknowns.ts';

/** What the choice depends on. */
interface Sources {
  readonly frontier: Frontier;
  readonly foresight: Foresight;
  readonly unknowns: Unknowns;
  /** What was invoked before this rank may not have happened. */
  readonly optionalBefore: number;
}

export class Candidates {
  readonly #problem: Problem;
  readonly #transitions: Transitions<unknown, Input, Json>;
  readonly #frontier: Frontier;
  readonly #foresight: Foresight;
  readonly #unknowns: Unknowns;
  readonly #optionalBefore: number;
  /** What lies above `top` is left over. */
  readonly #stack: number[] = [];
  /** Of the candidates collected last, the first that does not allow the next answer. */
  #lessPromising = 0;
  top = 0;

  constructor(problem: Problem, transitions: Transitions<unknown, Input, Json>, sources: Sources) {
    this.#problem = problem;
    this.#transitions = transitions;
    this.#frontier = sources.frontier;
    this.#foresight = sources.foresight;
    this.#unknowns = sources.unknowns;
    this.#optionalBefore = sources.optionalBefore;
  }

  /** An operation to place, or `~operation` for one to drop. */
  at(place: number): number {
    return this.#stack[place] as number;
  }

  /** Pushes what can be placed now: first what allows the next answer, and a boundary that can be dropped or must go now. */
  collect(boundary: number, rank: number, state: number, key: Int32Array): void {
    const { kind } = this.#problem;
    const { candidates, count } = this.#frontier;
    this.#lessPromising = this.top;
    const its = kind[boundary] as number;
    const canDrop = this.#frontier.canDrop(boundary);
    const wanted = canDrop || this.#isReplacement(boundary) ? this.#foresight.nextObserver(rank) : its;
    const dropFirst = canDrop && !this.#foresight.helps(state, its, wanted);
    if (dropFirst) this.#offer(~boundary, true);
    if (this.#unknowns.count > 0) this.#frontier.observeUnknown(this.#unknowns, rank);
    for (let at = 0; at < count; at++) {
      const operation = candidates[at] as number;
      const kindOf = kind[operation] as number;
      const next = this.#transitions.step(state, kindOf);
      if (next === IMPOSSIBLE) continue;
      const mayGo = operation === boundary || this.#mustGo(operation) || this.#frontier.isUseful(kindOf, state, next);
      if (!mayGo) continue;
      this.#offer(operation, (operation === boundary && !canDrop) || this.#foresight.helpsAfter(next, wanted));
    }
    if (canDrop && !dropFirst) this.#offer(~boundary, false);
    if (this.#unknowns.count > 0) this.#collectUnknown(rank, wanted, state, key);
  }

  /** True for a swap that must happen: none hides it, so that the time at which it is possible must not be missed. */
  #mustGo(operation: number): boolean {
    return !this.#isReplacement(operation) && (this.#problem.call[operation] as number) >= this.#optionalBefore;
  }

  #offer(candidate: number, goesFirst: boolean): void {
    const place = this.top++;
    this.#stack[place] = candidate;
    if (!goesFirst) return;
    const swapped = this.#lessPromising++;
    this.#stack[place] = this.#stack[swapped] as number;
    this.#stack[swapped] = candidate;
  }

  #isReplacement(operation: number): boolean {
    return this.#transitions.isReplacement[this.#problem.kind[operation] as number] === 1;
  }

  /** Pushes what is unknown and may help; notes the kinds that would, but have run out. */
  #collectUnknown(rank: number, wanted: number, state: number, key: Int32Array): void {
    const limits = key.length - ((this.#unknowns.count + 31) >>> 5);
    for (let group = 0; group < this.#unknowns.count; group++) {
      const kind = this.#unknowns.kinds[group] as number;
      const next = this.#transitions.step(state, kind);
      if (!this.#frontier.isUseful(kind, state, next)) continue;
      const operation = this.#unknowns.available(group, rank);
      if (operation >= 0) this.#offer(operation, this.#foresight.helpsAfter(next, wanted));
      else if ((this.#unknowns.used[group] as number) > 0) {
        const word = limits + (group >>> 5);
        key[word] = (key[word] as number) | (1 << (group & 31));
      }
    }
  }
}
