/** Open operations with the same effect, the one that must end first on top: a binary heap in one typed array. */

import { grown } from './events.ts';

export class Deadlines {
  size = 0;
  #heap = new Int32Array(64);
  #end: Int32Array = new Int32Array(0);

  /** Empties it, for operations whose ends are in this column. */
  begin(end: Int32Array): void {
    this.#end = end;
    this.size = 0;
  }

  push(operation: number): void {
    if (this.size === this.#heap.length) {
      const heap = this.#heap;
      this.#heap = grown(heap, heap.length + 1);
      this.#heap.set(heap);
    }
    let place = this.size++;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#isBefore(operation, this.#heap[parent] as number)) break;
      this.#heap[place] = this.#heap[parent] as number;
      place = parent;
    }
    this.#heap[place] = operation;
  }

  /** Takes the operation that ends first; there must be one. */
  pop(): number {
    const top = this.#heap[0] as number;
    const last = this.#heap[--this.size] as number;
    let place = 0;
    for (let child = 1; child < this.size; child = 2 * place + 1) {
      if (child + 1 < this.size && this.#isBefore(this.#heap[child + 1] as number, this.#heap[child] as number))
        child++;
      if (!this.#isBefore(this.#heap[child] as number, last)) break;
      this.#heap[place] = this.#heap[child] as number;
      place = child;
    }
    this.#heap[place] = last;
    return top;
  }

  #isBefore(one: number, other: number): boolean {
    return (this.#end[one] as number) < (this.#end[other] as number);
  }
}
