/**
 * Operations of unknown outcome, by kind. Those of one kind have the same effect, so that only how many of them were
 * used matters; the one that was invoked first is used first.
 */

import { NEVER } from '../../rig/history.ts';
import type { Problem } from './problem.ts';

const NONE = -1;

export class Unknowns {
  /** How many groups there are. */
  readonly count: number;
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

  /** `kindCount`: how many kinds there are in all. */
  constructor({ kind, call, end }: Problem, kindCount: number) {
    this.#call = call;
    this.#groupOf = new Int32Array(kind.length).fill(NONE);
    const ofKind = new Int32Array(kindCount).fill(NONE);
    const kinds: number[] = [];
    const sizes: number[] = [];
    for (let operation = 0; operation < kind.length; operation++) {
      if (end[operation] !== NEVER) continue;
      const its = kind[operation] as number;
      const group = (ofKind[its] as number) < 0 ? kinds.push(its) - 1 : (ofKind[its] as number);
      this.#groupOf[operation] = ofKind[its] = group;
      sizes[group] = (sizes[group] ?? 0) + 1;
    }
    this.count = kinds.length;
    this.kinds = Int32Array.from(kinds);
    this.used = new Int32Array(this.count);
    this.#begin = new Int32Array(this.count + 1);
    for (let at = 0; at < this.count; at++) this.#begin[at + 1] = (this.#begin[at] as number) + (sizes[at] as number);
    this.operations = new Int32Array(this.#begin[this.count] as number);
    if (this.count > 0) this.#fill();
  }

  /** Ascending in each group, and so in the order of invocation. */
  #fill(): void {
    const next = this.#begin.slice();
    this.#groupOf.forEach((group, operation) => {
      if (group === NONE) return;
      const at = next[group] as number;
      next[group] = at + 1;
      this.operations[at] = operation;
    });
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
