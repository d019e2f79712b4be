/**
 * Replacements that need not be placed any more. One that was open when another took effect can stand just before
 * it, hidden; one that leads to a state can stand wherever the state was that one. It stays available until it ends.
 */

export class Satisfied {
  /** Open replacements invoked before this rank are hidden by the last one placed. */
  before: number;
  /** For each state, the rank before which replacements that lead to it must have been invoked. */
  readonly #since: Int32Array;
  /** What was noted, in pairs: a state, and its `#since` before. */
  readonly #log: number[] = [];

  /** What was invoked before rank `from` need not take effect at all. `states`: of those beyond, nothing is noted. */
  constructor(from: number, states: number) {
    this.before = from;
    this.#since = new Int32Array(states);
  }

  /** True for an open replacement invoked at `call` that leads to `state`, negative if that is not known. */
  has(call: number, state: number): boolean {
    return call < this.before || (state >= 0 && state < this.#since.length && call < (this.#since[state] as number));
  }

  /** The state is `state`, and everything invoked before `rank` is open. */
  note(state: number, rank: number): void {
    if (state >= this.#since.length || this.#since[state] === rank) return;
    this.#log.push(state, this.#since[state] as number);
    this.#since[state] = rank;
  }

  /** What `undo` takes to forget all that is noted from now on. */
  get mark(): number {
    return this.#log.length;
  }

  undo(mark: number): void {
    while (this.#log.length > mark) {
      const since = this.#log.pop() as number;
      this.#since[this.#log.pop() as number] = since;
    }
  }
}
