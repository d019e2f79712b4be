/**
 * Pieces of a problem: what happens between two ranks. What is not known of the time before is allowed, and what is
 * open at either end may have happened or not; so a piece that has no legal order from any state at all proves that
 * the whole has none.
 */

import type { Budget, Input, Json } from '../../rig/contract.ts';
import { NEVER } from '../../rig/history.ts';
import { Demand, type Uses } from './demand.ts';
import { type Problem, picked } from './problem.ts';
import { Search } from './search.ts';
import type { Transitions } from './transitions.ts';

export interface Piece {
  readonly problem: Problem;
  /** The number in the whole problem of each operation of the piece. */
  readonly numbers: readonly number[];
  /** What was invoked before this rank of the piece may not have happened. */
  readonly optionalBefore: number;
  /** What is answered from this rank of the piece on may not have happened. */
  readonly until: number;
}

/** What happens after rank `from` until rank `until`, with ranks of its own. Open reads are left out: they only forbid. */
export function cut(
  whole: Problem,
  transitions: Transitions<unknown, Input, Json>,
  from: number,
  until: number,
): Piece {
  const numbers: number[] = [];
  for (let op = 0; op < whole.at.length; op++) {
    const call = whole.call[op] as number;
    const end = whole.end[op] as number;
    if (call > until) break;
    if (end <= from) continue;
    const isOpen = call <= from || end > until;
    if (!isOpen || transitions.isRead[whole.kind[op] as number] !== 1) numbers.push(op);
  }
  return rankedAnew(whole, numbers, from, until);
}

/** Some operations of a piece. */
export function part({ problem, numbers, optionalBefore, until }: Piece, keep: (op: number) => boolean): Piece {
  const kept: number[] = [];
  for (let op = 0; op < problem.at.length; op++) if (keep(op)) kept.push(op);
  const smaller = rankedAnew(problem, kept, optionalBefore - 1, until - 1);
  return { ...smaller, numbers: kept.map((op) => numbers[op] as number) };
}

function rankedAnew(whole: Problem, numbers: readonly number[], from: number, until: number): Piece {
  const problem = picked(whole, numbers);
  const { call, end } = problem;
  const events = eventsOf(problem);
  for (let op = 0; op < call.length; op++) {
    call[op] = countBelow(events, call[op] as number);
    if (end[op] !== NEVER) end[op] = countBelow(events, end[op] as number);
  }
  const beyond = countBelow(events, until + 1);
  return {
    problem: { ...problem, rankCount: events.length },
    numbers,
    optionalBefore: countBelow(events, from + 1),
    until: beyond === events.length ? NEVER : beyond,
  };
}

/** The ranks of all events, ascending. */
function eventsOf({ call, end }: Problem): Int32Array {
  const events = new Int32Array(2 * call.length);
  events.set(call);
  let count = call.length;
  for (let op = 0; op < end.length; op++) if (end[op] !== NEVER) events[count++] = end[op] as number;
  return events.subarray(0, count).sort();
}

/** How many of `ascending` are less than `bound`. */
function countBelow(ascending: Int32Array, bound: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What may still be spent on looking for proofs, in configurations or what costs about as much. */
export interface Effort {
  left: number;
}

const MEMORY_WORDS = 2 ** 22;
/** States beyond which what is still demanded restricts the search. */
export const FEW_STATES = 64;

/** What a failure depends on: 1 for each operation of a piece whose answer the search had to wait for. */
export type Refutation = Uint8Array;

/**
 * Why no order is legal from any of the first `states` states; `null` if one may be. `most` configurations are spent on
 * each. More than one state: of the time before nothing is known, and what is unknown may as well happen again and again.
 */
export function refute(
  piece: Piece,
  transitions: Transitions<unknown, Input, Json>,
  states: number,
  most: number,
  effort: Effort,
  budget: Budget,
): Refutation | null {
  const tried = (one: Piece) => searched(one, transitions, states, most, effort, budget);
  const loose = states > 1 ? loosened(piece) : piece;
  return tried(loose) ?? (loose === piece ? null : tried(piece));
}

/**
 * The same piece, where what is open at either end may happen again and again, too: of many open operations it does not
 * matter then which are left. What fails even so proves as much.
 */
function loosened(piece: Piece): Piece {
  const { problem, optionalBefore, until } = piece;
  const isOpen = (end: number, op: number) =>
    end !== NEVER && (end >= until || (problem.call[op] as number) < optionalBefore);
  if (!problem.end.some(isOpen)) return piece;
  return { ...piece, problem: { ...problem, end: problem.end.map((end, op) => (isOpen(end, op) ? NEVER : end)) } };
}

function searched(
  piece: Piece,
  transitions: Transitions<unknown, Input, Json>,
  states: number,
  most: number,
  effort: Effort,
  budget: Budget,
): Refutation | null {
  const { problem, optionalBefore, until } = piece;
  const uses = transitions.uses();
  const [first, ...others] = beginnings(piece, uses, states);
  if (first === undefined) return new Uint8Array(problem.at.length).fill(1);
  const search = new Search(problem, transitions, {
    memory: { left: MEMORY_WORDS },
    spending: states > 1 ? 'endless' : 'sparing',
    uses,
    byDemand: transitions.stateCount > FEW_STATES,
    state: first,
    optionalBefore,
    until,
  });
  effort.left -= problem.at.length >> 3;
  const fails = () => {
    const before = search.nodes;
    const outcome = effort.left <= 0 ? 'open' : search.run(Math.min(most, effort.left), most, budget);
    effort.left -= search.nodes - before + 1;
    return outcome === 'impossible';
  };
  let isProven = fails();
  for (const state of others) {
    if (!isProven) break;
    search.restart(state);
    isProven = fails();
  }
  search.close();
  return isProven ? search.asked : null;
}

/** The states that a legal order could begin in: what is demanded and never supplied must be there from the start. */
function beginnings({ problem, optionalBefore, until }: Piece, uses: Uses | null, states: number): readonly number[] {
  const all = [...Array(states).keys()];
  const lost = uses ? new Demand(problem, uses, optionalBefore, until).lost() : [];
  if (lost.length === 0) return all;
  return lost.length === 1 ? all.filter((state) => state === lost[0]) : [];
}

/** The ranks of a piece, `until` included, that has no legal order from any state. */
export interface Proof {
  readonly from: number;
  readonly until: number;
}

/** Events of the longest piece that is tried. */
const LONGEST = 2048;

/**
 * Looks for a piece around `rank` that has no legal order from any state: a proof that the whole has none. First those
 * that end there, then those that go on as far again, but not beyond rank `last`.
 */
export function failsAround(
  problem: Problem,
  transitions: Transitions<unknown, Input, Json>,
  rank: number,
  effort: Effort,
  budget: Budget,
  last = NEVER,
): Proof | null {
  if (!transitions.uses()) return null;
  for (let back = 8; back <= LONGEST; back *= 4)
    for (const until of [rank, Math.min(rank + back, last)]) {
      if (effort.left <= 0 || budget.exhausted()) return null;
      const proof = { from: rank - back, until };
      effort.left -= problem.at.length >> 6;
      if (isProof(problem, transitions, proof, effort, budget)) return proof;
    }
  return null;
}

/** True if there is no legal order between the ranks of `proof`, which may be anything. */
export function isProof(
  problem: Problem,
  transitions: Transitions<unknown, Input, Json>,
  { from, until }: Proof,
  effort: Effort,
  budget: Budget,
): boolean {
  const states = from < 0 ? 1 : transitions.stateCount;
  const piece = cut(problem, transitions, from, until);
  return refute(piece, transitions, states, 50 * (until - from), effort, budget) !== null;
}
