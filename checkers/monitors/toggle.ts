/**
 * What is in one of two states: an element of a set, a lock. One sweep over the events that changes the state only when
 * an answer forces it, by the open change that must end first, and by one of unknown outcome only where there is no other.
 */

import { NEVER } from '../../rig/recording.ts';
import { Deadlines } from './deadlines.ts';
import { begunBefore, eventsOf, grown } from './events.ts';
import { type Columns, type Decision, type Monitor, OTHER } from './monitor.ts';

/** What an operation amounts to. Even numbers are about the state 0, in which everything begins, odd ones about 1. */
export const [TURNS_OFF, TURNS_ON, SEES_OFF, SEES_ON] = [0, 1, 2, 3] as const;

export interface Switch {
  readonly roles: Readonly<Record<string, number>>;
  /** What an operation amounts to, `OTHER` if that cannot be said. `output` and `value` are codes. */
  meaning(role: number, output: number, value: number, isUnknown: boolean): number;
}

class ToggleMonitor implements Monitor {
  readonly roles: Readonly<Record<string, number>>;
  readonly #switch: Switch;
  #events: Int32Array = new Int32Array(0);
  #meanings = new Uint8Array(0);
  #isDone = new Uint8Array(0);
  /** Open changes of known outcome to each state, and how many of unknown outcome. */
  readonly #open = [new Deadlines(), new Deadlines()] as const;
  readonly #unknown = new Int32Array(2);
  #state = 0;
  /** The rank at which each state was last left. */
  readonly #left = new Int32Array(2);
  #from = 0;

  constructor(one: Switch) {
    this.roles = one.roles;
    this.#switch = one;
  }

  decide(operations: Columns, from: number, to: number): Decision {
    if (!this.#begin(operations, from, to)) return 'inapplicable';
    const { call, end } = operations;
    const ranks = 2 * (to - from);
    for (let rank = 0; rank < ranks; rank++) {
      const event = this.#events[rank] as number;
      if (event === 0) continue;
      const x = from + Math.abs(event) - 1;
      const meaning = this.#meanings[x - from] as number;
      const state = (meaning & 1) as 0 | 1;
      if (event > 0) {
        if (meaning >= SEES_OFF) continue;
        if (end[x] === NEVER) this.#unknown[state] = (this.#unknown[state] as number) + 1;
        else this.#open[state].push(x);
      } else if (!this.#answer(x, meaning, rank, call[x] as number)) return begunBefore(operations, from, to, rank);
    }
    return 'legal';
  }

  #begin(operations: Columns, from: number, to: number): boolean {
    const { role, value, output, end } = operations;
    this.#events = eventsOf(operations, from, to, this.#events);
    this.#meanings = grown(this.#meanings, to - from);
    this.#isDone = grown(this.#isDone, to - from).fill(0, 0, to - from);
    for (let x = from; x < to; x++) {
      const isUnknown = end[x] === NEVER;
      const meaning = this.#switch.meaning(role[x] as number, output[x] as number, value[x] as number, isUnknown);
      if (meaning === OTHER) return false;
      this.#meanings[x - from] = meaning;
    }
    for (const open of this.#open) open.begin(operations.end);
    this.#unknown.fill(0);
    this.#left.fill(-1);
    this.#state = 0;
    this.#from = from;
    return true;
  }

  /** Makes the answer to `x` possible; false if nothing can. */
  #answer(x: number, meaning: number, rank: number, begun: number): boolean {
    const state = (meaning & 1) as 0 | 1;
    if (meaning >= SEES_OFF)
      return this.#state === state || (this.#left[state] as number) > begun || this.#turn(state, rank);
    if (this.#isDone[x - this.#from] === 1) return true;
    if (this.#state === state && !this.#turn((1 - state) as 0 | 1, rank)) return false;
    this.#isDone[x - this.#from] = 1;
    this.#set(state, rank);
    return true;
  }

  /** Turns to `state` by whatever is open. */
  #turn(state: 0 | 1, rank: number): boolean {
    const open = this.#open[state];
    while (open.size > 0) {
      const x = open.pop();
      if (this.#isDone[x - this.#from] === 1) continue;
      this.#isDone[x - this.#from] = 1;
      this.#set(state, rank);
      return true;
    }
    if (this.#unknown[state] === 0) return false;
    this.#unknown[state] = (this.#unknown[state] as number) - 1;
    this.#set(state, rank);
    return true;
  }

  #set(state: number, rank: number): void {
    this.#left[this.#state] = rank;
    this.#state = state;
  }
}

export const toggleMonitor = (one: Switch): Monitor => new ToggleMonitor(one);
