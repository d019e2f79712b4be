/**
 * Operations of unknown outcome, by kind. Those of one kind have the same effect, so that only how many of them were
 * used matters; the one that was invoked first is used first.
 */

import { NEVER } from '../../rig/history.ts';
import type { Problem } from './problem.ts';

export class Unknowns {
  /** The kind of each group. */
  readonly kinds: Int32Array;
  /** How many of each group are in use. */
  readonly used: Int32Array;
  /** All operations, group by group. */
  readonly operations: Int32Array;
  /** How many are in use altogether. */
  cost = 0;
  readonly #begin: Int32Array;
  readonly #groupOf: Int32Array;
  readonly #call: Int32Array;

  constructor(problem: Problem) {
    const groups = group(problem);
    this.#call = problem.call;
    this.kinds = Int32Array.from(groups.keys());
    this.operations = Int32Array.from([...groups.values()].flat());
    this.used = new Int32Array(groups.size);
    this.#begin = new Int32Array(groups.size + 1);
    this.#groupOf = new Int32Array(problem.at.length).fill(-1);
    [...groups.values()].forEach((operations, at) => {
      this.#begin[at + 1] = (this.#begin[at] as number) + operations.length;
      for (const operation of operations) this.#groupOf[operation] = at;
    });
  }

  get count(): number {
    return this.kinds.length;
  }

  /** The rank at which the first of a group was invoked. */
  firstCall(at: number): number {
    return this.#call[this.operations[this.#begin[at] as number] as number] as number;
  }

  /** The operation of a group to use next if it was invoked before `rank`; −1 if there is none. */
  available(at: number, rank: number): number {
    const next = (this.#begin[at] as number) + (this.used[at] as number);
    if (next >= (this.#begin[at + 1] as number)) return -1;
    const operation = this.operations[next] as number;
    return (this.#call[operation] as number) < rank ? operation : -1;
  }

  /** Counts an operation as used, `by` 1, or as not used, `by` −1; `false` if its outcome is known. */
  use(operation: number, by: 1 | -1): boolean {
    const at = this.#groupOf[operation] as number;
    if (at < 0) return false;
    this.used[at] = (this.used[at] as number) + by;
    this.cost += by;
    return true;
  }

  /** True if the outcome of `operation` is unknown. Anything may be asked of. */
  has(operation: number): boolean {
    return operation >= 0 && (this.#groupOf[operation] as number) >= 0;
  }
}

/** Ascending, and so in the order of invocation. */
function group({ kind, end, at }: Problem): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (let operation = 0; operation < at.length; operation++) {
    if (end[operation] !== NEVER) continue;
    const its = kind[operation] as number;
    const operations = groups.get(its);
    if (operations) operations.push(operation);
    else groups.set(its, [operation]);
  }
  return groups;
}
