/**
 * The events of operations that are not placed yet, as a doubly linked list in order of rank: an operation is taken
 * out when it is placed and put back, in reverse order, when the search goes back.
 */

import { NEVER } from '../../rig/history.ts';
import type { Problem } from './problem.ts';

export class Outstanding {
  /** The operation of each event of the list; −1 for events of others. */
  readonly operationAt: Int32Array;
  /** The event after each, −1 after the last; `next[head]` is the first. */
  readonly next: Int32Array;
  readonly previous: Int32Array;
  readonly head: number;
  /** Operations that are open at once have distinct slots, so that a mask over slots says which of them are placed. */
  readonly slot: Int32Array;
  /** How many slots there are: the most operations that are ever open at once. */
  readonly slots: number;
  readonly #problem: Problem;

  /** Operations of unknown outcome are not in the list. */
  constructor(problem: Problem) {
    this.#problem = problem;
    this.head = problem.rankCount;
    this.operationAt = new Int32Array(problem.rankCount).fill(-1);
    this.previous = new Int32Array(problem.rankCount + 1);
    this.next = new Int32Array(problem.rankCount + 1);
    this.slot = new Int32Array(problem.at.length);
    this.slots = this.#link();
  }

  /** The first event. */
  get first(): number {
    return this.next[this.head] as number;
  }

  take(operation: number): void {
    this.#unlink(this.#problem.call[operation] as number);
    this.#unlink(this.#problem.end[operation] as number);
  }

  /** Undoes `take`; the last taken must be the first put back. */
  putBack(operation: number): void {
    this.#relink(this.#problem.end[operation] as number);
    this.#relink(this.#problem.call[operation] as number);
  }

  #link(): number {
    const { call, end, at } = this.#problem;
    const { operationAt, next, previous, slot, head } = this;
    for (let operation = 0; operation < at.length; operation++) {
      if (end[operation] === NEVER) continue;
      operationAt[call[operation] as number] = operation;
      operationAt[end[operation] as number] = operation;
    }
    const free: number[] = [];
    let slots = 0;
    let last = head;
    for (let event = 0; event < head; event++) {
      const operation = operationAt[event] as number;
      if (operation < 0) continue;
      next[last] = event;
      previous[event] = last;
      last = event;
      if (call[operation] === event) slot[operation] = free.pop() ?? slots++;
      else free.push(slot[operation] as number);
    }
    next[last] = -1;
    return slots;
  }

  #unlink(event: number): void {
    const previous = this.previous[event] as number;
    const next = this.next[event] as number;
    this.next[previous] = next;
    if (next >= 0) this.previous[next] = previous;
  }

  #relink(event: number): void {
    const next = this.next[event] as number;
    this.next[this.previous[event] as number] = event;
    if (next >= 0) this.previous[next] = event;
  }
}
