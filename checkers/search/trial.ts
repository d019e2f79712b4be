/**
 * Decides one problem in turns: a search that spends unknown operations sparingly and one that does not, since either
 * may be hopeless where the other is quick. A search that does not get further gives way to a look for a short proof
 * that there is no order.
 */

import type { Budget, Input, Json } from '../../rig/contract.ts';
import { NEVER } from '../../rig/history.ts';
import type { Uses } from './demand.ts';
import type { Memory } from './failed.ts';
import { FEW_STATES, failsAround, type Proof } from './piece.ts';
import type { Problem } from './problem.ts';
import { type Outcome, Search } from './search.ts';
import type { Transitions } from './transitions.ts';

/** Without operations of unknown outcome there is nothing to spend, and the first is enough. */
const SPENDINGS = ['sparing', 'lavish'] as const;

/** The factor between the efforts of two turns. */
export const RISE = 4;

/** Configurations in which the first turn must get further. */
const FIRST_STALL = 500;
/** The parts of a turn after which a proof is looked for: where there is a short one, it is found soon. */
const PARTS = [1 / 4, 1] as const;
/** Steps that are taken of a model in the first turn to know what operations demand and supply. */
const FEW_STEPS = 60_000;

/** What is known of the point at which a problem without a legal order fails. */
export interface Impossibility {
  /** A legal order of all that is answered before the answer of `blocked`, and that answer's rank. */
  readonly order: readonly number[];
  readonly blocked: number;
  readonly rank: number;
  /** What proves that it has no legal order; `null`: every order was tried. */
  readonly proof: Proof | null;
}

export class Trial {
  readonly problem: Problem;
  outcome: Outcome = 'open';
  /** Configurations visited so far. */
  nodes = 0;
  /** Once `impossible`. */
  impossibility: Impossibility | null = null;
  /** The operation whose answer could not be passed so far; −1 if none was met. */
  blocked = -1;
  readonly #transitions: Transitions<unknown, Input, Json>;
  readonly #memory: Memory;
  #searches: Search[] = [];
  #successful: Search | null = null;
  #uses: Uses | null = null;
  #turns = 0;
  readonly #until: number;

  /** An order of what is answered before rank `until` is enough. */
  constructor(problem: Problem, transitions: Transitions<unknown, Input, Json>, memory: Memory, until = NEVER) {
    this.problem = problem;
    this.#until = until;
    this.#transitions = transitions;
    this.#memory = memory;
  }

  /** Once `legal`, a legal order of some of the operations; the rest need not have happened. */
  get order(): readonly number[] {
    return this.#successful?.order() ?? [];
  }

  /** True if there is no memory left to go on with. */
  get isOutOfMemory(): boolean {
    return this.#searches.length > 0 && this.#searches.every((search) => search.isOutOfMemory);
  }

  /** Goes on for about `effort` configurations for each operation. */
  run(effort: number, budget: Budget): void {
    this.#begin();
    for (const [at, spending] of SPENDINGS.entries()) {
      const search = (this.#searches[at] ??= this.#search(spending));
      for (const part of PARTS) {
        this.#goOn(search, effort, part, budget);
        if (this.outcome !== 'open') return this.#end();
      }
      if (!search.hasUnknowns) return;
    }
  }

  /** One search goes on, and where it is stuck for part of its effort a proof is looked for. */
  #goOn(search: Search, effort: number, part: number, budget: Budget): void {
    const before = search.nodes;
    const limit = effort * (2 * this.problem.at.length + FIRST_STALL);
    this.outcome = search.run(limit, part * effort * FIRST_STALL, budget);
    this.nodes += search.nodes - before;
    this.blocked = search.blocked;
    if (this.outcome === 'legal') this.#successful = search;
    const spend = { left: part * effort * (FIRST_STALL + (this.problem.at.length >> 2)) };
    const proof = this.outcome === 'open' ? this.#findProof(search, spend, budget) : null;
    if (proof) this.outcome = 'impossible';
    if (this.outcome === 'impossible') this.#note(search, proof);
  }

  /** Looks for a proof around the point that the search does not get past. */
  #findProof({ blocked, furthest }: Search, spend: { left: number }, budget: Budget): Proof | null {
    if (blocked < 0) return null;
    // What is answered later need not be: a proof that needs it would prove nothing.
    return failsAround(this.problem, this.#transitions, furthest, spend, budget, this.#until - 1);
  }

  #note(search: Search, proof: Proof | null): void {
    const { blocked, furthest } = search;
    const stopsEarly = proof === null && this.#isByDemand();
    if (blocked >= 0 && !stopsEarly)
      this.impossibility = { order: search.longestOrder(), blocked, rank: furthest, proof };
  }

  /** Takes turns alone until it is decided, or `most` efforts or the budget are spent. */
  decide(most: number, budget: Budget): Outcome {
    for (let effort = 1; this.outcome === 'open' && effort <= most && !budget.exhausted(); effort *= RISE) {
      if (this.isOutOfMemory) break;
      this.run(effort, budget);
    }
    this.#end();
    return this.outcome;
  }

  #isByDemand(): boolean {
    return this.#uses !== null && this.#turns > 1 && this.#transitions.stateCount > FEW_STATES;
  }

  /** Begins anew where more is known of the model now. */
  #begin(): void {
    const uses = this.#transitions.uses(this.#turns++ === 0 ? FEW_STEPS : undefined);
    const isKnownAlready = uses === this.#uses && (this.#turns !== 2 || !this.#isByDemand());
    if (this.#searches.length > 0 && isKnownAlready) return;
    this.#end();
    this.#uses = uses;
  }

  #search(spending: 'sparing' | 'lavish'): Search {
    const options = {
      memory: this.#memory,
      spending,
      uses: this.#uses,
      byDemand: this.#isByDemand(),
      until: this.#until,
    };
    return new Search(this.problem, this.#transitions, options);
  }

  /** Gives back the memory. */
  #end(): void {
    for (const search of this.#searches) search.close();
    this.#searches = [];
  }
}
