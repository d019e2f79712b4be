/**
 * How many operations of unknown outcome a search may use: none at first, one more whenever backtracking near the
 * furthest point did not help. What is near grows as long as nothing gets further.
 */

export const UNBOUNDED = 0x7fffffff;

export class Allowance {
  allowed: number;
  readonly #firstReach: number;
  #reach: number;
  #stalls = 0;
  #stalledAt = -1;

  /** `open`: how many operations are ever open at once. */
  constructor(isSparing: boolean, open: number) {
    this.allowed = isSparing ? 0 : UNBOUNDED;
    this.#firstReach = 4 * open + 32;
    this.#reach = this.#firstReach;
  }

  /** What may still be used when `cost` are in use. */
  left(cost: number): number {
    return this.allowed === UNBOUNDED ? UNBOUNDED : this.allowed - cost;
  }

  /** Allows more to a search that has gone back to `rank`, unless that is near the furthest; the root must get more. */
  raise(rank: number, furthest: number, isRoot: boolean): boolean {
    if (!isRoot && rank >= furthest - this.#reach) return false;
    if (furthest > this.#stalledAt) {
      this.#stalledAt = furthest;
      this.#stalls = 0;
      this.#reach = this.#firstReach;
    } else if (++this.#stalls % 4 === 0) this.#reach *= 2;
    this.allowed = Math.min(UNBOUNDED, isRoot ? 2 * this.allowed + 1 : this.allowed + 1);
    return true;
  }
}
