/**
 * States that are still needed: an operation that is possible in one state alone demands that state, and only so many
 * operations can supply it. A search that leaves a state which is demanded and can no longer be supplied has failed,
 * long before it meets the one that demands it. With unique values this leaves hardly a choice.
 */

import type { Problem } from './problem.ts';

/** What each kind of operation demands and supplies, as states; negative where there is no single one. */
export interface Uses {
  readonly demands: Int32Array;
  readonly supplies: Int32Array;
  /** 1 for states that kinds with several outcomes supply: these are never taken for exhausted. */
  readonly endless: Uint8Array;
}

/** The balance of one search: kept up to date as it places operations and takes them back. */
export class Demand {
  readonly #uses: Uses;
  readonly #kind: Int32Array;
  /** 1 for what must have happened: what need not demands nothing. */
  readonly #isObliged: Uint8Array;
  readonly #demanded: Int32Array;
  readonly #supplied: Int32Array;

  /** What was invoked before `optionalBefore` or is answered from `until` on may not have happened. */
  constructor({ kind, call, end }: Problem, uses: Uses, optionalBefore: number, until: number) {
    this.#uses = uses;
    this.#kind = kind;
    this.#isObliged = new Uint8Array(end.length);
    for (let op = 0; op < end.length; op++)
      if ((end[op] as number) < until && (call[op] as number) >= optionalBefore) this.#isObliged[op] = 1;
    this.#demanded = new Int32Array(uses.endless.length);
    this.#supplied = new Int32Array(uses.endless.length);
    for (let operation = 0; operation < kind.length; operation++) this.count(operation, 1);
  }

  /** Counts an operation as outstanding, `by` 1, or as placed, `by` −1. */
  count(operation: number, by: 1 | -1): void {
    const kind = this.#kind[operation] as number;
    const demands = this.#uses.demands[kind] as number;
    if (demands >= 0 && this.#isObliged[operation] === 1)
      this.#demanded[demands] = (this.#demanded[demands] as number) + by;
    const supplies = this.#uses.supplies[kind] as number;
    if (supplies >= 0) this.#supplied[supplies] = (this.#supplied[supplies] as number) + by;
  }

  /** True if `wanted` is demanded and cannot be had again, now that the state is another. */
  isLost(wanted: number, state: number): boolean {
    if (wanted < 0 || wanted === state || this.#uses.endless[wanted] === 1) return false;
    return (this.#demanded[wanted] as number) > 0 && (this.#supplied[wanted] as number) === 0;
  }

  /** States that are demanded and that nothing outstanding supplies. */
  lost(): number[] {
    const states = [...this.#demanded.keys()];
    return states.filter((state) => this.isLost(state, -1));
  }

  /** The state that operations of this kind supply; negative if there is no single one. */
  suppliedBy(kind: number): number {
    return this.#uses.supplies[kind] as number;
  }
}
