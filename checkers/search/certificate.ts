/**
 * The smallest piece of a partition that shows that no legal order exists: the events just before the point that no
 * order passes, from whatever state. What is not known of the time before is allowed, so a piece that fails proves
 * that the whole fails; leaving out reads keeps it a proof, as every read only forbids.
 */

import type { Budget, Input, Json } from '../../rig/contract.ts';
import { NEVER } from '../../rig/history.ts';
import { type Problem, select } from './problem.ts';
import { Search } from './search.ts';
import type { Transitions } from './transitions.ts';

/** States and kinds of operation beyond which only the initial state is tried. */
const EXPLORED_STEPS = 400_000;
/** Configurations for one piece and one state; a piece that needs more is taken for possible. */
const EFFORT = 20_000;
const MEMORY_WORDS = 2 ** 22;

/**
 * The operations (numbers in `problem`) of a piece in which `blocked` cannot be answered at rank `rank`; their order
 * is that of invocation. The first of them may have taken effect before the piece begins.
 */
export function smallestFailure(
  problem: Problem,
  transitions: Transitions<unknown, Input, Json>,
  blocked: number,
  budget: Budget,
): readonly number[] {
  const rank = problem.end[blocked] as number;
  const call = problem.call[blocked] as number;
  const isExplored = transitions.explore(EXPLORED_STEPS);
  for (let length = 2; isExplored && rank - length > 0; length = Math.ceil(length * 1.4)) {
    const from = rank - length;
    if (from >= call) continue;
    const piece = cut(problem, transitions, blocked, from);
    if (isImpossible(piece.problem, transitions, transitions.stateCount, budget))
      return shrink(piece, transitions, transitions.stateCount, blocked, budget);
  }
  return shrink(cut(problem, transitions, blocked, -1), transitions, 1, blocked, budget);
}

interface Piece {
  readonly problem: Problem;
  /** The number in the whole problem of each operation of the piece. */
  readonly numbers: readonly number[];
}

/** What happens after rank `from` until `blocked` is answered; what is open at either end may happen or not. */
function cut(problem: Problem, transitions: Transitions<unknown, Input, Json>, blocked: number, from: number): Piece {
  const rank = problem.end[blocked] as number;
  const isOptional = (op: number) => (problem.call[op] as number) <= from || (problem.end[op] as number) > rank;
  const keep = (op: number) => {
    if ((problem.call[op] as number) > rank || (problem.end[op] as number) <= from) return false;
    return !isOptional(op) || transitions.isRead[problem.kind[op] as number] !== 1;
  };
  const numbers = [...problem.at.keys()].filter(keep);
  const piece = select(problem, keep);
  return {
    problem: { ...piece, end: piece.end.map((end, op) => (isOptional(numbers[op] as number) ? NEVER : end)) },
    numbers,
  };
}

/** Leaves out every read that is not needed, and every optional operation. */
function shrink(
  piece: Piece,
  transitions: Transitions<unknown, Input, Json>,
  states: number,
  blocked: number,
  budget: Budget,
): readonly number[] {
  const { problem, numbers } = piece;
  const left = new Set(problem.at.keys());
  for (const op of [...left].reverse()) {
    if (numbers[op] === blocked || budget.exhausted()) continue;
    if (transitions.isRead[problem.kind[op] as number] !== 1) continue;
    left.delete(op);
    if (
      !isImpossible(
        select(problem, (other) => left.has(other)),
        transitions,
        states,
        budget,
      )
    )
      left.add(op);
  }
  return [...left].filter((op) => problem.end[op] !== NEVER).map((op) => numbers[op] as number);
}

/** True if no order is legal from any of the first `states` states. */
function isImpossible(
  problem: Problem,
  transitions: Transitions<unknown, Input, Json>,
  states: number,
  budget: Budget,
): boolean {
  for (let state = 0; state < states; state++) {
    const search = new Search(problem, transitions, { memory: { left: MEMORY_WORDS }, sparing: true, state });
    if (search.run(EFFORT, budget) !== 'impossible') return false;
  }
  return true;
}
