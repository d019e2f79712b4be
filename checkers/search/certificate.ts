/**
 * The smallest evidence that a problem has no legal order. First the shortest beginning that has none: its last event
 * is the answer that no order can pass. Then the piece just before that answer that fails from whatever state, without
 * the reads that it does not need: leaving out reads keeps it a proof, as every read only forbids.
 */

import type { Budget, Input, Json } from '../../rig/contract.ts';
import { NEVER } from '../../rig/history.ts';
import type { Memory } from './failed.ts';
import { cut, isImpossible, isProof, type Piece, part } from './piece.ts';
import type { Problem } from './problem.ts';
import type { Transitions } from './transitions.ts';
import { type Impossibility, Trial } from './trial.ts';

/** Configurations for one piece and one state, and for all together; a piece that needs more is taken for possible. */
const EFFORT = 20_000;
const WHOLE_EFFORT = 200_000;
/** What is spent on one beginning, in the efforts of `Trial`. */
const MOST_EFFORTS = 64;

export interface Failure {
  /** The operation whose answer no order can pass. */
  readonly blocked: number;
  /** A legal order of what came before that answer, of operations in `problem`. */
  readonly order: readonly number[];
}

/** Where a problem without a legal order fails first; `known`: what a trial of it found out. */
export function firstFailure(
  problem: Problem,
  transitions: Transitions<unknown, Input, Json>,
  memory: Memory,
  budget: Budget,
  known: Impossibility | null = null,
): Failure {
  const found = known ?? tried(problem, transitions, memory, budget);
  const from = found?.rank ?? 0;
  const until = found ? lastRank(problem, transitions, found, budget) : NEVER - 1;
  if (found && from === until) return found;
  const answers = problem.end.filter((end) => end >= from && end <= until).sort();
  return between(problem, transitions, { memory, budget, answers, order: found?.order ?? [] });
}

function tried(
  problem: Problem,
  transitions: Transitions<unknown, Input, Json>,
  memory: Memory,
  budget: Budget,
): Impossibility | null {
  const trial = new Trial(problem, transitions, memory);
  trial.decide(MOST_EFFORTS, budget);
  return trial.impossibility;
}

/** The rank at which it has failed for certain: the end of the shortest piece that is still a proof. */
function lastRank(
  problem: Problem,
  transitions: Transitions<unknown, Input, Json>,
  { rank, proof }: Impossibility,
  budget: Budget,
): number {
  if (proof === null) return rank;
  const answers = problem.end.filter((end) => end >= rank && end <= proof.until).sort();
  const effort = { left: EFFORT };
  return (
    answers.find((until) => isProof(problem, transitions, { from: proof.from, until }, effort, budget)) ?? proof.until
  );
}

/** By bisection over the answers at which it may fail; `order`: of what is answered before. */
function between(
  problem: Problem,
  transitions: Transitions<unknown, Input, Json>,
  given: { memory: Memory; budget: Budget; answers: Int32Array; order: readonly number[] },
): Failure {
  const { memory, budget, answers } = given;
  let { order } = given;
  let low = 0;
  let high = answers.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const beginning = cut(problem, transitions, -1, (answers[middle + 1] as number) - 1);
    const trial = new Trial(beginning.problem, transitions, memory, beginning.until);
    if (trial.decide(MOST_EFFORTS, budget) === 'impossible') high = middle;
    else {
      low = middle + 1;
      if (trial.outcome === 'legal') order = trial.order.map((op) => beginning.numbers[op] as number);
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
  const fails = (piece: Piece, states: number) => isImpossible(piece, transitions, states, EFFORT, effort, budget);
  const rank = problem.end[blocked] as number;
  const isExplored = transitions.uses() !== null;
  for (let length = 2; isExplored && rank - length > 0; length = Math.ceil(length * 1.4)) {
    const from = rank - length;
    if (from >= (problem.call[blocked] as number)) continue;
    const piece = cut(problem, transitions, from, rank);
    const states = transitions.stateCount;
    if (fails(piece, states)) return shrink(piece, transitions, blocked, (smaller) => fails(smaller, states));
    if (effort.left <= 0) break;
  }
  const whole = cut(problem, transitions, -1, rank);
  return shrink(whole, transitions, blocked, (smaller) => fails(smaller, 1));
}

/**
 * Leaves out every read that is not needed, then takes it for unknown whether anything else was ever over, wherever that
 * does not help: both only allow more. What is left must have happened, and cannot.
 */
function shrink(
  piece: Piece,
  transitions: Transitions<unknown, Input, Json>,
  blocked: number,
  fails: (smaller: Piece) => boolean,
): readonly number[] {
  const { problem, numbers } = piece;
  const isRead = (op: number) => transitions.isRead[problem.kind[op] as number] === 1;
  const mayGo = [...problem.at.keys()].filter((op) => numbers[op] !== blocked && isObliged(piece, op));
  const withoutReads = (gone: ReadonlySet<number>) => part(piece, (op) => !gone.has(op));
  const reads = spared(mayGo.filter(isRead), (gone) => fails(withoutReads(gone)));
  const smaller = withoutReads(reads);
  // Where the states have no end, what may happen at any time costs more than it explains.
  if (transitions.uses() === null) return smaller.numbers.filter((_, op) => isObliged(smaller, op));
  const others = [...smaller.problem.at.keys()].filter(
    (op) => smaller.numbers[op] !== blocked && isObliged(smaller, op) && !smallerRead(op),
  );
  const open = spared(others, (gone) => fails(neverOver(smaller, gone)));
  return smaller.numbers.filter((_, op) => isObliged(smaller, op) && !open.has(op));

  function smallerRead(op: number): boolean {
    return transitions.isRead[smaller.problem.kind[op] as number] === 1;
  }
}

/** True for what happened between the ends of the piece for certain. */
const isObliged = ({ problem, optionalBefore, until }: Piece, op: number): boolean =>
  (problem.call[op] as number) >= optionalBefore && (problem.end[op] as number) < until;

const neverOver = (piece: Piece, open: ReadonlySet<number>): Piece => ({
  ...piece,
  problem: { ...piece.problem, end: piece.problem.end.map((end, op) => (open.has(op) ? NEVER : end)) },
});

/** Those of `ops` that may go together: as many as halving finds, the first of them first. */
function spared(ops: readonly number[], mayGo: (gone: ReadonlySet<number>) => boolean): ReadonlySet<number> {
  let gone: ReadonlySet<number> = new Set();
  const tryAll = (some: readonly number[]): void => {
    if (some.length === 0) return;
    const all = new Set([...gone, ...some]);
    if (mayGo(all)) gone = all;
    else if (some.length > 1) {
      tryAll(some.slice(0, some.length >> 1));
      tryAll(some.slice(some.length >> 1));
    }
  };
  tryAll(ops);
  return gone;
}
