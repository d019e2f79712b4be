/**
 * A model as numbers: its states and the kinds of operation that occur (one for each distinct input and output)
 * are interned, and every step is taken once and remembered.
 */

import type { Inconsistent, Input, Json, Model } from '../../rig/contract.ts';
import type { Uses } from './demand.ts';

/** A step that no legal state follows. */
export const IMPOSSIBLE = -1;

const UNTRIED = -2;

/** Steps beyond which nobody asks what they all are. */
const MOST_STEPS = 1_000_000;

const NONE = -1;
const SEVERAL = -2;

export class Transitions<State, In extends Input, Out extends Json> {
  readonly model: Model<State, In, Out>;
  readonly #states: State[] = [];
  readonly #stateNumbers = new Map<unknown, number>();
  readonly #kinds: { readonly input: In; readonly output: Out | undefined }[] = [];
  /** 1 where operations of that kind never change the state. */
  readonly isRead: number[] = [];
  /** 1 where what follows does not depend on the state before. */
  readonly isReplacement: number[] = [];
  /** An open-addressed table: state, kind, next state. */
  #table = new Int32Array(3 * 64).fill(UNTRIED);
  #taken = 0;
  /** Every step there is, state by state, once they were all taken. */
  #every: Int32Array | null = null;
  #everyKind = 0;
  /** What was not enough to explore so many kinds. */
  #tooFewSteps = 0;
  #uses: Uses | null = null;

  constructor(model: Model<State, In, Out>) {
    this.model = model;
    this.#number(model.initial);
  }

  get stateCount(): number {
    return this.#states.length;
  }

  get kindCount(): number {
    return this.#kinds.length;
  }

  /**
   * A new kind: of operations that ended with `output`; `undefined`: nobody saw how. `changesNothing`: they were refused.
   * Whoever asks for one twice has two.
   */
  kind(input: In, output: Out | undefined, changesNothing: boolean): number {
    const does = changesNothing ? 'read' : this.model.functions?.[input.f];
    this.isRead.push(does === 'read' ? 1 : 0);
    this.isReplacement.push(does === 'replace' ? 1 : 0);
    return this.#kinds.push({ input, output }) - 1;
  }

  /** The number of the state that follows, or `IMPOSSIBLE`. */
  step(state: number, kind: number): number {
    const every = this.#every;
    const count = this.#everyKind;
    return every !== null && kind < count ? (every[state * count + kind] as number) : this.#remembered(state, kind);
  }

  #remembered(state: number, kind: number): number {
    const table = this.#table;
    const mask = table.length / 3 - 1;
    let slot = hash(state, kind) & mask;
    for (; table[3 * slot + 2] !== UNTRIED; slot = (slot + 1) & mask)
      if (table[3 * slot] === state && table[3 * slot + 1] === kind) return table[3 * slot + 2] as number;
    const next = this.#take(state, kind);
    table[3 * slot] = state;
    table[3 * slot + 1] = kind;
    table[3 * slot + 2] = next;
    if (++this.#taken * 2 > mask) this.#grow();
    return next;
  }

  /** Why `kind` cannot follow `state`, in the model's words; `null` if it can. */
  reason(state: number, kind: number): string | null {
    const { input, output } = this.#kinds[kind] as { input: In; output: Out | undefined };
    const next = this.model.step(this.#states[state] as State, input, output);
    return isInconsistent(next) ? next.inconsistent : this.#broken(next);
  }

  /** True if the model can tell what a state may still lead to. */
  get looksAhead(): boolean {
    return this.model.leadsTo !== undefined;
  }

  /** False if nothing but a replacement leads from `state` to one where `kind`, a read, is possible. */
  leadsTo(state: number, kind: number): boolean {
    const { input, output } = this.#kinds[kind] as { input: In; output: Out | undefined };
    if (!this.model.leadsTo || output === undefined || this.isRead[kind] !== 1) return true;
    return this.model.leadsTo(this.#states[state] as State, input, output);
  }

  /** What operations of that kind observed. */
  output(kind: number): Out | undefined {
    return this.#kinds[kind]?.output;
  }

  /** The state in words. */
  describe(state: number): string {
    const found = this.#states[state] as State;
    // Only a model has words for an object or for a yes and no; a text needs its quotes.
    const isBare = typeof found === 'string' || typeof found === 'number' || found === null;
    return isBare ? JSON.stringify(found) : this.model.fingerprint(found);
  }

  /** Takes every step from every state that can be reached; `false` if there are too many, or more than `limit` steps. */
  explore(limit = MOST_STEPS): boolean {
    const count = this.#kinds.length;
    if (count !== this.#everyKind) [this.#every, this.#everyKind, this.#tooFewSteps] = [null, count, 0];
    if (this.#every !== null) return true;
    if (limit <= this.#tooFewSteps) return false;
    this.#tooFewSteps = limit;
    const steps: number[] = [];
    for (let state = 0; state < this.#states.length; state++) {
      if (this.#states.length > this.#mostStates() || this.#states.length * count > limit) return false;
      for (let kind = 0; kind < count; kind++) steps.push(this.#take(state, kind));
    }
    this.#every = Int32Array.from(steps);
    this.#uses = usesOf(this.#every, count, this.isRead);
    this.#findReads();
    return true;
  }

  /** What all kinds demand and supply, from every step there is; `null` if there are too many, or more than `limit`. */
  uses(limit = MOST_STEPS): Uses | null {
    return this.explore(limit) ? this.#uses : null;
  }

  /** What turns out never to change a state is as good as a read. */
  #findReads(): void {
    for (let kind = 0; kind < this.#everyKind; kind++) {
      if (this.isReplacement[kind] === 1) continue;
      const changes = this.#states.some((_, state) => {
        const next = this.step(state, kind);
        return next !== state && next !== IMPOSSIBLE;
      });
      if (!changes) this.isRead[kind] = 1;
    }
  }

  /** Of what holds one value there are no more states than operations; what grows has no end of them. */
  #mostStates(): number {
    return 2 * this.#kinds.length + 8;
  }

  /**
   * True if leaving out an optional `kind` never hurts: whatever can follow it could follow without it, to the same
   * state. Every state must have been explored.
   */
  isPointless(kind: number): boolean {
    for (let state = 0; state < this.#states.length; state++) {
      const after = this.step(state, kind);
      if (after !== IMPOSSIBLE && after !== state && !this.#isCovered(after, state)) return false;
    }
    return true;
  }

  /** True if every step from `state` could as well be taken from `other`. */
  #isCovered(state: number, other: number): boolean {
    for (let kind = 0; kind < this.#kinds.length; kind++) {
      const next = this.step(state, kind);
      if (next === IMPOSSIBLE) continue;
      const instead = this.step(other, kind);
      if (next !== instead && !(next === state && instead === other)) return false;
    }
    return true;
  }

  #take(state: number, kind: number): number {
    const { input, output } = this.#kinds[kind] as { input: In; output: Out | undefined };
    const before = this.#states[state] as State;
    const next = this.model.step(before, input, output);
    if (isInconsistent(next) || this.#broken(next) !== null) return IMPOSSIBLE;
    const after = next === before ? state : this.#number(next);
    if (this.isRead[kind] === 1 && after !== state)
      throw new Error(
        `the model ${this.model.name} calls ${input.f} a read, yet ${this.model.describe(input, output)} turns ${this.describe(state)} into ${this.describe(after)}`,
      );
    return after;
  }

  #broken(state: State): string | null {
    const sound = this.model.invariant?.(state) ?? true;
    return sound === true ? null : sound;
  }

  #number(state: State): number {
    const name = typeof state === 'object' ? this.model.fingerprint(state) : state;
    // A text and a fingerprint may be equal; the kind of value keeps them apart.
    const known = typeof state === 'object' ? `{}${String(name)}` : typeof name === 'string' ? `""${name}` : name;
    let number = this.#stateNumbers.get(known);
    if (number === undefined) {
      number = this.#states.push(state) - 1;
      this.#stateNumbers.set(known, number);
    }
    return number;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Int32Array(old.length * 2).fill(UNTRIED);
    const mask = this.#table.length / 3 - 1;
    for (let from = 0; from < old.length; from += 3) {
      if (old[from + 2] === UNTRIED) continue;
      let slot = hash(old[from] as number, old[from + 1] as number) & mask;
      while (this.#table[3 * slot + 2] !== UNTRIED) slot = (slot + 1) & mask;
      this.#table.set(old.subarray(from, from + 3), 3 * slot);
    }
  }
}

function usesOf(steps: Int32Array, kindCount: number, isRead: readonly number[]): Uses {
  const demands = new Int32Array(kindCount).fill(NONE);
  const supplies = new Int32Array(kindCount).fill(NONE);
  const endless = new Uint8Array(steps.length / kindCount);
  const single = (found: Int32Array, kind: number, state: number) => {
    found[kind] = found[kind] === NONE || found[kind] === state ? state : SEVERAL;
  };
  const each = (take: (state: number, kind: number, next: number) => void) => {
    for (let state = 0, at = 0; at < steps.length; state++)
      for (let kind = 0; kind < kindCount; kind++, at++)
        if (steps[at] !== IMPOSSIBLE) take(state, kind, steps[at] as number);
  };
  each((state, kind, next) => {
    single(demands, kind, state);
    if (isRead[kind] !== 1) single(supplies, kind, next);
  });
  each((_, kind, next) => {
    if (supplies[kind] === SEVERAL) endless[next] = 1;
  });
  return { demands, supplies, endless };
}

const hash = (state: number, kind: number): number => {
  const mixed = Math.imul(state, 0x9e3779b1) ^ Math.imul(kind + 1, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
};

const isInconsistent = (next: unknown): next is Inconsistent =>
  typeof next === 'object' && next !== null && 'inconsistent' in next;
