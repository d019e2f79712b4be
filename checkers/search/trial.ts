/**
 * Decides one problem in turns: a search that spends unknown operations sparingly and one that does not, since either
 * may be hopeless where the other is quick. Easy problems are decided in the first turn; from the second on it is
 * worth knowing what every operation demands and supplies, and looking for a short proof that there is no order.
 */

import type { Budget, Input, Json } from '../../rig/contract.ts';
import type { Memory } from './failed.ts';
import { failsAround } from './piece.ts';
import type { Problem } from './problem.ts';
import { type Outcome, Search } from './search.ts';
import type { Transitions } from './transitions.ts';

/** The factor between the efforts of two turns. */
export const RISE = 4;

export class Trial {
  readonly problem: Problem;
  outcome: Outcome = 'open';
  /** Configurations visited so far. */
  nodes = 0;
  /** Once `legal`, a legal order of some of the operations; the rest need not have happened. */
  order: readonly number[] = [];
  /** The operation whose answer could not be passed so far; −1 if none was met. */
  blocked = -1;
  readonly #transitions: Transitions<unknown, Input, Json>;
  readonly #memory: Memory;
  #searches: Search[] = [];
  #turns = 0;

  constructor(problem: Problem, transitions: Transitions<unknown, Input, Json>, memory: Memory) {
    this.problem = problem;
    this.#transitions = transitions;
    this.#memory = memory;
  }

  /** Goes on for about `effort` configurations for each operation. */
  run(effort: number, budget: Budget): void {
    if (this.#turns++ < 2) this.#begin();
    for (const search of this.#searches) {
      const before = search.nodes;
      this.outcome = search.run(effort * (2 * this.problem.at.length + 500), budget);
      this.nodes += search.nodes - before;
      this.blocked = search.blocked;
      if (this.outcome === 'legal') this.order = search.order();
      if (this.outcome !== 'open') return this.#end();
      if (this.#turns > 1 && this.#isProvenImpossible(search, effort, budget)) this.outcome = 'impossible';
      if (this.outcome !== 'open') return this.#end();
    }
  }

  /** Looks for a proof around the point that the search does not get past. */
  #isProvenImpossible({ blocked }: Search, effort: number, budget: Budget): boolean {
    if (blocked < 0) return false;
    const spend = { left: effort * 2 * this.problem.at.length + 100 };
    return failsAround(this.problem, this.#transitions, this.problem.end[blocked] as number, spend, budget);
  }

  /** Takes turns alone until it is decided, or `most` efforts or the budget are spent. */
  decide(most: number, budget: Budget): Outcome {
    for (let effort = 1; this.outcome === 'open' && effort <= most && !budget.exhausted(); effort *= RISE)
      this.run(effort, budget);
    this.#end();
    return this.outcome;
  }

  #begin(): void {
    this.#end();
    const uses = this.#turns === 1 ? null : this.#transitions.uses();
    const begin = (sparing: boolean) =>
      new Search(this.problem, this.#transitions, { memory: this.#memory, sparing, uses });
    const first = begin(true);
    this.#searches = first.hasUnknowns ? [first, begin(false)] : [first];
  }

  /** Gives back the memory. */
  #end(): void {
    for (const search of this.#searches) search.close();
    this.#searches = [];
  }
}
