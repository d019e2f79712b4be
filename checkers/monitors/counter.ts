/**
 * Counters that all go up, or all down, by one amount. One sweep over the events: counts only when an answer forces it,
 * by the open addition that must end first, and by one of unknown outcome only where there is no other.
 */

import { NEVER } from '../../rig/recording.ts';
import { ABSENT } from '../../rig/values.ts';
import { Deadlines } from './deadlines.ts';
import { begunBefore, eventsOf, grown } from './events.ts';
import { type Columns, type Decision, type Monitor, OTHER } from './monitor.ts';

export const [ADD, UP, DOWN, READ] = [0, 1, 2, 3] as const;

/** Of a read, instead of a count: no number of additions leads to what it saw. */
const UNREACHABLE = -1;

class CounterMonitor implements Monitor {
  readonly roles: Readonly<Record<string, number>>;
  #events: Int32Array = new Int32Array(0);
  /** What each read saw, in additions; of additions 0. */
  #counts = new Int32Array(0);
  #isDone = new Uint8Array(0);
  /** By count, the rank at which it was left. */
  #left = new Int32Array(0);
  readonly #open = new Deadlines();
  #unknown = 0;
  #count = 0;
  #from = 0;

  constructor(roles: Readonly<Record<string, number>>) {
    this.roles = roles;
  }

  decide(operations: Columns, from: number, to: number): Decision {
    if (!this.#begin(operations, from, to)) return 'inapplicable';
    const { role, call, end } = operations;
    const ranks = 2 * (to - from);
    for (let rank = 0; rank < ranks; rank++) {
      const event = this.#events[rank] as number;
      if (event === 0) continue;
      const x = from + Math.abs(event) - 1;
      const isRead = role[x] === READ;
      if (event > 0) {
        if (isRead) continue;
        if (end[x] === NEVER) this.#unknown++;
        else this.#open.push(x);
      } else if (!isRead) {
        if (this.#isDone[x - from] === 0) this.#add(x, rank);
      } else if (!this.#reach(this.#counts[x - from] as number, call[x] as number, rank))
        return begunBefore(operations, from, to, rank);
    }
    return 'legal';
  }

  #begin(operations: Columns, from: number, to: number): boolean {
    const { role, output, end } = operations;
    const unit = this.#unitOf(operations, from, to);
    if (unit === null) return false;
    this.#counts = grown(this.#counts, to - from);
    for (let x = from; x < to; x++) {
      if (role[x] !== READ || end[x] === NEVER) continue;
      const seen = operations.valueOf(output[x] as number);
      if (typeof seen !== 'number') return false;
      const count = unit === 0 ? (seen === 0 ? 0 : UNREACHABLE) : seen / unit;
      this.#counts[x - from] = Number.isInteger(count) && count <= to - from ? count : UNREACHABLE;
    }
    this.#events = eventsOf(operations, from, to, this.#events);
    this.#isDone = grown(this.#isDone, to - from).fill(0, 0, to - from);
    this.#left = grown(this.#left, to - from + 1).fill(-1, 0, to - from + 1);
    this.#open.begin(end);
    this.#unknown = 0;
    this.#count = 0;
    this.#from = from;
    return true;
  }

  /** What every addition adds; 0 if there is none, `null` if they differ or are no numbers. */
  #unitOf(operations: Columns, from: number, to: number): number | null {
    const { role, value } = operations;
    let unit = 0;
    for (let x = from; x < to; x++) {
      const its = role[x] as number;
      if (its === READ) continue;
      if (its === OTHER) return null;
      const given = value[x] === ABSENT ? 1 : operations.valueOf(value[x] as number);
      if (typeof given !== 'number' || given === 0) return null;
      const amount = its === DOWN ? -given : given;
      if (unit !== 0 && unit !== amount) return null;
      unit = amount;
    }
    return unit;
  }

  /** Counts up to `count` if it has to; false if that cannot be, or if it was beyond when the read began. */
  #reach(count: number, begun: number, rank: number): boolean {
    if (count < this.#count) return count >= 0 && (this.#left[count] as number) > begun;
    while (this.#count < count) {
      const x = this.#next();
      if (x >= 0) this.#add(x, rank);
      else if (this.#unknown-- > 0) this.#left[this.#count++] = rank;
      else return false;
    }
    return true;
  }

  /** The open addition that ends first; −1 if there is none. */
  #next(): number {
    while (this.#open.size > 0) {
      const x = this.#open.pop();
      if (this.#isDone[x - this.#from] === 0) return x;
    }
    return -1;
  }

  #add(x: number, rank: number): void {
    this.#isDone[x - this.#from] = 1;
    this.#left[this.#count++] = rank;
  }
}

export const counterMonitor = (roles: Readonly<Record<string, number>>): Monitor => new CounterMonitor(roles);
