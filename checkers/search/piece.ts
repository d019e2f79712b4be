/**
 * Pieces of a problem: what happens between two ranks. What is not known of the time before is allowed, and what is
 * open at either end may have happened or not; so a piece that has no legal order from any state at all proves that
 * the whole has none.
 */

import type { Budget, Input, Json } from '../../rig/contract.ts';
import { NEVER } from '../../rig/history.ts';
import { Demand, type Uses } from './demand.ts';
import type { Problem } from './problem.ts';
import { Search } from './search.ts';
import type { Transitions } from './transitions.ts';

export interface Piece {
  readonly problem: Problem;
  /** The number in the whole problem of each operation of the piece. */
  readonly numbers: readonly number[];
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
    if (call > until || end <= from) continue;
    const isOpen = call <= from || end > until;
    if (!isOpen || transitions.isRead[whole.kind[op] as number] !== 1) numbers.push(op);
  }
  return { numbers, problem: rankedAnew(whole, numbers, from, until) };
}

/** Some operations of a piece. */
export function part({ problem, numbers }: Piece, keep: (op: number) => boolean): Piece {
  const kept = [...problem.at.keys()].filter(keep);
  return { numbers: kept.map((op) => numbers[op] as number), problem: rankedAnew(problem, kept, -1, NEVER - 1) };
}

function rankedAnew(whole: Problem, numbers: readonly number[], from: number, until: number): Problem {
  const column = (source: Int32Array) => Int32Array.from(numbers, (op) => source[op] as number);
  const call = column(whole.call);
  const end = column(whole.end);
  const events: number[] = [];
  numbers.forEach((_, op) => {
    // Positions beyond all operations stand for completions, so that one list of events can be put in order.
    if ((end[op] as number) > until || (call[op] as number) <= from) end[op] = NEVER;
    else events.push(numbers.length + op);
    events.push(op);
  });
  const rankOf = (event: number) => (event < numbers.length ? call[event] : end[event - numbers.length]) as number;
  events.sort((a, b) => rankOf(a) - rankOf(b));
  const ranked = { at: column(whole.at), kind: column(whole.kind), call: call.slice(), end: end.slice() };
  events.forEach((event, rank) => {
    if (event < numbers.length) ranked.call[event] = rank;
    else ranked.end[event - numbers.length] = rank;
  });
  return { ...ranked, rankCount: events.length };
}

/** What may still be spent on looking for proofs, in configurations or what costs about as much. */
export interface Effort {
  left: number;
}

const MEMORY_WORDS = 2 ** 22;
/** Events after the point in question beyond which no piece reaches. */
const WIDEST = 512;

/** True if no order is legal from any of the first `states` states; `most` configurations are spent on each. */
export function isImpossible(
  problem: Problem,
  transitions: Transitions<unknown, Input, Json>,
  states: number,
  most: number,
  effort: Effort,
  budget: Budget,
): boolean {
  const uses = transitions.uses();
  const memory = { left: MEMORY_WORDS };
  for (const state of beginnings(problem, uses, states)) {
    if (effort.left <= 0 || budget.exhausted()) return false;
    const search = new Search(problem, transitions, { memory, sparing: true, state, uses });
    const outcome = search.run(most, budget);
    search.close();
    effort.left -= search.nodes + (problem.at.length >> 3) + 1;
    if (outcome !== 'impossible') return false;
  }
  return true;
}

/** The states that a legal order could begin in: what is demanded and never supplied must be there from the start. */
function beginnings(problem: Problem, uses: Uses | null, states: number): readonly number[] {
  const all = [...Array(states).keys()];
  const lost = uses ? new Demand(problem, uses).lost() : [];
  if (lost.length === 0) return all;
  return lost.length === 1 ? all.filter((state) => state === lost[0]) : [];
}

/** True if some piece around `rank` has no legal order from any state: a proof that the whole has none. */
export function failsAround(
  problem: Problem,
  transitions: Transitions<unknown, Input, Json>,
  rank: number,
  effort: Effort,
  budget: Budget,
): boolean {
  if (!transitions.uses()) return false;
  for (let ahead = 2; ahead < WIDEST; ahead *= 2)
    for (let back = 1; back <= 2 * ahead; back *= 2) {
      const piece = cut(problem, transitions, rank - back, rank + ahead).problem;
      if (isImpossible(piece, transitions, transitions.stateCount, 50 * ahead, effort, budget)) return true;
      if (effort.left <= 0 || budget.exhausted()) return false;
    }
  return false;
}
