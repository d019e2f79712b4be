/**
 * The smallest evidence that a problem has no legal order. First the shortest beginning that has none: its last event
 * is the answer that no order can pass. Then the piece just before that answer that fails from whatever state. What
 * is not known of the time before is allowed, so a piece that fails proves that the whole fails; leaving out reads
 * keeps it a proof, as every read only forbids.
 */

import type { Budget, Input, Json } from '../../rig/contract.ts';
import { NEVER } from '../../rig/history.ts';
import type { Memory } from './failed.ts';
import { type Problem, select } from './problem.ts';
import { Search } from './search.ts';
import { EXPLORED_STEPS, type Transitions } from './transitions.ts';
import { Trial } from './trial.ts';

/** Configurations for one piece and one state, and for all together; a piece that needs more is taken for possible. */
const EFFORT = 20_000;
const WHOLE_EFFORT = 200_000;
const MEMORY_WORDS = 2 ** 22;
/** What is spent on one beginning, in the efforts of `Trial`. */
const MOST_EFFORTS = 64;

export interface Failure {
  /** The operation whose answer no order can pass. */
  readonly blocked: number;
  /** A legal order of what came before that answer, of operations in `problem`. */
  readonly order: readonly number[];
}

/** Where a problem without a legal order fails first, by bisection over its answers. */
export function firstFailure(
  problem: Problem,
  transitions: Transitions<unknown, Input, Json>,
  memory: Memory,
  budget: Budget,
): Failure {
  const answers = problem.end.filter((end) => end !== NEVER).sort();
  let order: readonly number[] = [];
  let low = 0;
  let high = answers.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { problem: beginning, numbers } = cut(problem, transitions, -1, (answers[middle + 1] as number) - 1);
    const trial = new Trial(beginning, transitions, memory);
    if (trial.decide(MOST_EFFORTS, budget) === 'impossible') high = middle;
    else {
      low = middle + 1;
      order = trial.order.map((op) => numbers[op] as number);
    }
  }
  return { blocked: problem.end.indexOf(answers[high] as number), order };
}

/**
 * The operations (numbers in `problem`) of a piece in which `blocked` cannot be answered; their order is that of
 * invocation.
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
  const isExplored = transitions.explore(EXPLORED_STEPS);
  for (let length = 2; isExplored && rank - length > 0; length = Math.ceil(length * 1.4)) {
    const from = rank - length;
    if (from >= (problem.call[blocked] as number)) continue;
    const piece = cut(problem, transitions, from, rank);
    const states = transitions.stateCount;
    if (isImpossible(piece.problem, states))
      return shrink(piece, transitions, blocked, (smaller) => isImpossible(smaller, states));
  }
  const whole = cut(problem, transitions, -1, rank);
  return shrink(whole, transitions, blocked, (smaller) => isImpossible(smaller, 1));
}

interface Piece {
  readonly problem: Problem;
  /** The number in the whole problem of each operation of the piece. */
  readonly numbers: readonly number[];
}

/** What happens after rank `from` until rank `until`; what is open at either end may have happened or not. */
function cut(problem: Problem, transitions: Transitions<unknown, Input, Json>, from: number, until: number): Piece {
  const isOptional = (op: number) => (problem.call[op] as number) <= from || (problem.end[op] as number) > until;
  const keep = (op: number) => {
    if ((problem.call[op] as number) > until || (problem.end[op] as number) <= from) return false;
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
