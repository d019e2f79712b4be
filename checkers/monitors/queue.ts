/**
 * Queues of unique values, first in, first out or in any order, by the patterns that break them (A. Bouajjani et al., "On
 * Reducing Linearizability to State Reachability", 2015): a value taken twice or before it was there, values taken in the
 * wrong order, and a queue that was called empty while some value was certainly in it. One sweep over the events. Of values
 * that are put in several times, only whether one was taken too often.
 *
 * Dequeues of unknown outcome may have taken values that are missing. Each such value has a deadline, the end of the
 * first dequeue that must not have overtaken it; they are shared out first deadline, first dequeue.
 */

import { NEVER } from '../../rig/recording.ts';
import { ABSENT, NULL } from '../../rig/values.ts';
import { CodeTable } from './code-table.ts';
import { eventsOf, grown } from './events.ts';
import { type Columns, type Decision, type Evidence, isEvidence, type Monitor } from './monitor.ts';

/** `TAKE_OR_ZERO`: an empty queue may be told by 0 too. */
export const [PUT, TAKE, TAKE_OR_ZERO] = [0, 1, 2] as const;

const NONE = -1;

/** A value that nobody is known to have taken, and the value that overtook it if it was still there. */
interface Missing {
  readonly put: number;
  readonly deadline: number;
  readonly overtaker: number;
}

class QueueMonitor implements Monitor {
  readonly roles: Readonly<Record<string, number>>;
  readonly #isOrdered: boolean;
  #o!: Columns;
  #from = 0;
  #to = 0;
  readonly #puts = new CodeTable();
  /** Counted from `from`: of each put the take of its value, of each take the put; `NONE` for none. */
  #partner: Int32Array = new Int32Array(0);
  #events: Int32Array = new Int32Array(0);
  /** By rank, the next rank after which no value is certainly in the queue. */
  #vacant: Int32Array = new Int32Array(0);
  #empties: number[] = [];
  #unknownTakes: number[] = [];

  constructor(roles: Readonly<Record<string, number>>, isOrdered: boolean) {
    this.roles = roles;
    this.#isOrdered = isOrdered;
  }

  decide(operations: Columns, from: number, to: number): Decision {
    this.#o = operations;
    this.#from = from;
    this.#to = to;
    this.#empties = [];
    this.#unknownTakes = [];
    this.#partner = grown(this.#partner, to - from).fill(NONE, 0, to - from);
    const puts = this.#enterPuts();
    if (puts !== 'unique') return (puts === 'repeated' ? this.#overdrawn() : null) ?? 'inapplicable';
    const found = this.#attachTakes();
    if (found !== null) return found;
    this.#events = eventsOf(operations, from, to, this.#events);
    return (this.#isOrdered ? this.#judgeOrder() : null) ?? this.#judgeEmpties();
  }

  /** `strange`: something is no operation of a queue. */
  #enterPuts(): 'unique' | 'repeated' | 'strange' {
    const { role, value } = this.#o;
    this.#puts.begin(this.#to - this.#from);
    let isUnique = true;
    for (let x = this.#from; x < this.#to; x++) {
      if (role[x] === TAKE || role[x] === TAKE_OR_ZERO) continue;
      if (role[x] !== PUT || value[x] === ABSENT) return 'strange';
      if (isUnique) isUnique = this.#puts.enter(value[x] as number, x) === NONE;
    }
    return isUnique ? 'unique' : 'repeated';
  }

  /** Of values that were put in several times, the one that was first taken more often than that. */
  #overdrawn(): Evidence | null {
    const { role, value, output, call, end } = this.#o;
    const traffic = new Map<number, { readonly puts: number[]; readonly takes: number[] }>();
    for (let x = this.#from; x < this.#to; x++) {
      const isPut = role[x] === PUT;
      const code = (isPut ? value[x] : output[x]) as number;
      const isEmpty = code === NULL || code === ABSENT || (role[x] === TAKE_OR_ZERO && code === 0);
      if (!isPut && (end[x] === NEVER || isEmpty)) continue;
      const its = traffic.get(code) ?? { puts: [], takes: [] };
      traffic.set(code, its);
      (isPut ? its.puts : its.takes).push(x);
    }
    let found: readonly number[] | null = null;
    let soonest = NEVER;
    for (const { puts, takes } of traffic.values()) {
      takes.sort((a, b) => (end[a] as number) - (end[b] as number));
      for (let taken = 0, put = 0; taken < takes.length; taken++) {
        const ended = end[takes[taken] as number] as number;
        while (put < puts.length && (call[puts[put] as number] as number) < ended) put++;
        if (put > taken) continue;
        if (ended < soonest) [soonest, found] = [ended, [...puts.slice(0, put), ...takes.slice(0, taken + 1)]];
        break;
      }
    }
    return found && [...found].sort((a, b) => a - b);
  }

  #attachTakes(): Decision | null {
    const { role, output, call, end } = this.#o;
    for (let x = this.#from; x < this.#to; x++) {
      if (role[x] === PUT) continue;
      if (end[x] === NEVER) this.#unknownTakes.push(x);
      else if (output[x] === NULL) this.#empties.push(x);
      else if (role[x] === TAKE_OR_ZERO && output[x] === 0) {
        if (this.#puts.find(0) !== NONE) return 'inapplicable';
        this.#empties.push(x);
      } else if (output[x] === ABSENT) return 'inapplicable';
      else {
        const put = this.#puts.find(output[x] as number);
        if (put === NONE || (call[put] as number) > (end[x] as number)) return [x];
        const other = this.#partnerOf(put);
        if (other !== NONE) return this.#evidence([put, other, x]);
        this.#pair(put, x);
      }
    }
    return null;
  }

  #partnerOf(x: number): number {
    return this.#partner[x - this.#from] as number;
  }

  #pair(put: number, take: number): void {
    this.#partner[put - this.#from] = take;
    this.#partner[take - this.#from] = put;
  }

  /** With takes of unknown outcome, as many as could matter: without them it would seem to fail sooner than it does. */
  #evidence(operations: readonly number[]): Evidence {
    const puts = operations.filter((x) => this.#o.role[x] === PUT).length;
    return [...new Set([...operations, ...this.#unknownTakes.slice(0, puts)])].sort((a, b) => a - b);
  }

  /** When the take of a value began; `NEVER` if nobody took it. */
  #goneFrom(put: number): number {
    const take = this.#partnerOf(put);
    return take === NONE ? NEVER : (this.#o.call[take] as number);
  }

  /** No value may be taken for certain before one that was put in before it. */
  #judgeOrder(): Evidence | null {
    const { role, end } = this.#o;
    const canBeMissing = this.#unknownTakes.length > 0;
    /** Of the values put in so far, the one whose take begins last. */
    let last = NONE;
    const ranks = 2 * (this.#to - this.#from);
    for (let rank = 0; rank < ranks; rank++) {
      const event = this.#events[rank] as number;
      if (event === 0) continue;
      const x = this.#from + Math.abs(event) - 1;
      if (role[x] !== PUT) continue;
      const take = this.#partnerOf(x);
      if (event < 0) {
        if (take === NONE && canBeMissing) continue;
        if (last === NONE || this.#goneFrom(x) > this.#goneFrom(last)) last = x;
      } else if (take !== NONE && last !== NONE && this.#goneFrom(last) > (end[take] as number)) {
        const taken = this.#partnerOf(last);
        return this.#evidence([last, x, take, ...(taken === NONE ? [] : [taken])]);
      }
    }
    return canBeMissing ? this.#shareOut(this.#missing()) : null;
  }

  /** Values that must have been taken although nobody saw it, by deadline. */
  #missing(): readonly Missing[] {
    const { role, end } = this.#o;
    const missing: Missing[] = [];
    /** Of the values put in after this, the one whose take ended first. */
    let overtaker = NONE;
    for (let rank = 2 * (this.#to - this.#from) - 1; rank >= 0; rank--) {
      const event = this.#events[rank] as number;
      if (event === 0) continue;
      const x = this.#from + Math.abs(event) - 1;
      if (role[x] !== PUT) continue;
      const take = this.#partnerOf(x);
      if (event > 0) {
        if (take !== NONE && (overtaker === NONE || (end[take] as number) < this.#endOfTake(overtaker))) overtaker = x;
      } else if (take === NONE && overtaker !== NONE)
        missing.push({ put: x, deadline: this.#endOfTake(overtaker), overtaker });
    }
    return missing.sort((a, b) => a.deadline - b.deadline);
  }

  #endOfTake(put: number): number {
    return this.#o.end[this.#partnerOf(put)] as number;
  }

  /** Gives each missing value a take of unknown outcome that began before its deadline. */
  #shareOut(missing: readonly Missing[]): Evidence | null {
    for (const [at, { put, deadline }] of missing.entries()) {
      const take = this.#unknownTakes[at];
      if (take === undefined || (this.#o.call[take] as number) > deadline) {
        const all = missing.slice(0, at + 1).flatMap((one) => {
          return [one.put, one.overtaker, this.#partnerOf(one.overtaker)];
        });
        return this.#evidence(all);
      }
      this.#pair(put, take);
    }
    return null;
  }

  #judgeEmpties(): Decision {
    if (this.#empties.length === 0) return 'legal';
    const asAssigned = this.#occupied((put) => this.#goneFrom(put));
    if (asAssigned === null) return 'legal';
    const [unknown] = this.#unknownTakes;
    if (unknown === undefined) return this.#cover(asAssigned, (put) => this.#goneFrom(put));
    // At best every missing value was taken by the first of them.
    const atBest = (put: number) => {
      const take = this.#partnerOf(put);
      const isKnown = take !== NONE && this.#o.end[take] !== NEVER;
      return isKnown ? this.#goneFrom(put) : (this.#o.call[unknown] as number);
    };
    const still = this.#occupied(atBest);
    return still === null ? 'inapplicable' : this.#cover(still, atBest);
  }

  /** An empty take during all of which some value was certainly in the queue; `null` if there is none. */
  #occupied(goneFrom: (put: number) => number): number | null {
    const { role, call, end } = this.#o;
    const ranks = 2 * (this.#to - this.#from);
    // First how many more values are in the queue after each rank, then how many.
    const vacant = (this.#vacant = grown(this.#vacant, ranks + 1).fill(0, 0, ranks + 1));
    for (let x = this.#from; x < this.#to; x++) {
      if (role[x] !== PUT || end[x] === NEVER) continue;
      const ended = end[x] as number;
      const gone = goneFrom(x);
      if (gone <= ended) continue;
      vacant[ended] = (vacant[ended] as number) + 1;
      if (gone !== NEVER) vacant[gone] = (vacant[gone] as number) - 1;
    }
    for (let rank = 1; rank < ranks; rank++) vacant[rank] = (vacant[rank] as number) + (vacant[rank - 1] as number);
    let next = NEVER;
    for (let rank = ranks - 1; rank >= 0; rank--) {
      if (vacant[rank] === 0) next = rank;
      vacant[rank] = next;
    }
    // The one that ended first shows it soonest.
    let found: number | null = null;
    for (const x of this.#empties)
      if (
        (vacant[call[x] as number] as number) >= (end[x] as number) &&
        (found === null || (end[x] as number) < (end[found] as number))
      )
        found = x;
    return found;
  }

  /** Values that were in the queue one after the other while `empty` was open: as few as possible. */
  #cover(empty: number, goneFrom: (put: number) => number): Evidence {
    const { role, call, end } = this.#o;
    const operations = new Set([empty]);
    for (let rank = call[empty] as number; rank < (end[empty] as number); ) {
      let longest = NONE;
      for (let x = this.#from; x < this.#to; x++) {
        if (role[x] !== PUT || (end[x] as number) > rank || goneFrom(x) <= rank) continue;
        if (longest === NONE || goneFrom(x) > goneFrom(longest)) longest = x;
      }
      operations.add(longest);
      const take = this.#partnerOf(longest);
      if (take !== NONE && this.#o.end[take] !== NEVER) operations.add(take);
      rank = goneFrom(longest);
    }
    return this.#evidence([...operations]);
  }
}

export const queueMonitor = (roles: Readonly<Record<string, number>>, order: 'fifo' | 'any'): Monitor =>
  new QueueMonitor(roles, order === 'fifo');

/** Of a stack only what would break a queue in any order too: a value from nowhere or taken too often, and a false empty. */
export function stackMonitor(roles: Readonly<Record<string, number>>): Monitor {
  const inAnyOrder = new QueueMonitor(roles, false);
  return {
    roles,
    decide(operations, from, to) {
      const decision = inAnyOrder.decide(operations, from, to);
      return isEvidence(decision) ? decision : 'inapplicable';
    },
  };
}
