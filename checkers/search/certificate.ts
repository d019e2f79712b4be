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
/** Configurations for one piece and one state, and for all together; a piece that needs more is taken for possible. */
const EFFORT = 20_000;
const WHOLE_EFFORT = 200_000;
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
  const effort = { left: WHOLE_EFFORT };
  const patience: Budget = { exhausted: () => effort.left <= 0 || budget.exhausted(), reason: () => budget.reason() };
  const isImpossible = (piece: Problem, states: number) => fails(piece, transitions, states, effort, patience);
  const rank = problem.end[blocked] as number;
  const call = problem.call[blocked] as number;
  const isExplored = transitions.explore(EXPLORED_STEPS);
  for (let length = 2; isExplored && rank - length > 0; length = Math.ceil(length * 1.4)) {
    const from = rank - length;
    if (from >= call) continue;
    const piece = cut(problem, transitions, blocked, from);
    const states = transitions.stateCount;
    if (isImpossible(piece.problem, states))
      return shrink(piece, transitions, blocked, (smaller) => isImpossible(smaller, states));
  }
  const whole = cut(problem, transitions, blocked, -1);
  return shrink(whole, transitions, blocked, (smaller) => isImpossible(smaller, 1));
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
  { problem, numbers }: Piece,
  transitions: Transitions<unknown, Input, Json>,
  blocked: number,
  isImpossible: (smaller: Problem) => boolean,
): readonly number[] {
  const left = new Set(problem.at.keys());
  for (const op of [...left].reverse()) {
    if (numbers[op] === blocked || transitions.isRead[problem.kind[op] as number] !== 1) continue;
    left.delete(op);
    if (!isImpossible(select(problem, (other) => left.has(other)))) left.add(op);
  }
  return [...left].filter((op) => problem.end[op] !== NEVER).map((op) => numbers[op] as number);
}

/** True if no order is legal from any of the first `states` states. */
function fails(
  problem: Problem,
  transitions: Transitions<unknown, Input, Json>,
  states: number,
  effort: { left: number },
  patience: Budget,
): boolean {
  for (let state = 0; state < states; state++) {
    const search = new Search(problem, transitions, { memory: { left: MEMORY_WORDS }, sparing: true, state });
    const outcome = search.run(EFFORT, patience);
    // Setting up a search costs about as much as visiting as many configurations as it has operations.
    effort.left -= search.nodes + problem.at.length;
    if (outcome !== 'impossible') return false;
  }
  return true;
}
