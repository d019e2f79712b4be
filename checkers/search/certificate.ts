/**
 * The smallest evidence that a problem has no legal order. First the shortest beginning that has none: its last event
 * is the answer that no order can pass. Then the piece just before that answer that fails from whatever state, without
 * the reads that it does not need: leaving out reads keeps it a proof, as every read only forbids.
 */

import type { Budget, Input, Json } from '../../rig/contract.ts';
import { NEVER } from '../../rig/history.ts';
import type { Memory } from './failed.ts';
import { cut, isProof, type Piece, part, type Refutation, refute } from './piece.ts';
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
  const why = (piece: Piece, states: number) => refute(piece, transitions, states, EFFORT, effort, budget);
  const rank = problem.end[blocked] as number;
  const isExplored = transitions.uses() !== null;
  for (let length = 2; isExplored && rank - length > 0; length = Math.ceil(length * 1.4)) {
    const from = rank - length;
    if (from >= (problem.call[blocked] as number)) continue;
    const piece = cut(problem, transitions, from, rank);
    const states = transitions.stateCount;
    const refutation = why(piece, states);
    if (refutation) return shrink({ piece, refutation, blocked }, transitions, (smaller) => why(smaller, states));
    if (effort.left <= 0) break;
  }
  const whole = cut(problem, transitions, -1, rank);
  return shrink({ piece: whole, refutation: why(whole, 1), blocked }, transitions, (smaller) => why(smaller, 1));
}

/**
 * Leaves out every read that is not needed, then takes it for unknown whether anything else was ever over, wherever that
 * does not help: both only allow more. What is left must have happened, and cannot.
 */
function shrink(
  { piece, refutation, blocked }: { piece: Piece; refutation: Refutation | null; blocked: number },
  transitions: Transitions<unknown, Input, Json>,
  why: (smaller: Piece) => Refutation | null,
): readonly number[] {
  const isRead = ({ problem }: Piece, op: number) => transitions.isRead[problem.kind[op] as number] === 1;
  const mayGo = (of: Piece, areReads: boolean) =>
    [...of.problem.at.keys()].filter(
      (op) => of.numbers[op] !== blocked && isObliged(of, op) && isRead(of, op) === areReads,
    );
  const withoutReads = (gone: ReadonlySet<number>) => part(piece, (op) => !gone.has(op));
  const reads = spared(mayGo(piece, true), refutation, (gone) => why(withoutReads(gone)) !== null);
  const smaller = withoutReads(reads);
  // Where the states have no end, what may happen at any time costs more than it explains.
  if (transitions.uses() === null) return smaller.numbers.filter((_, op) => isObliged(smaller, op));
  const open = spared(mayGo(smaller, false), null, (gone) => why(neverOver(smaller, gone)) !== null);
  return smaller.numbers.filter((_, op) => isObliged(smaller, op) && !open.has(op));
}

/** True for what happened between the ends of the piece for certain. */
const isObliged = ({ problem, optionalBefore, until }: Piece, op: number): boolean =>
  (problem.call[op] as number) >= optionalBefore && (problem.end[op] as number) < until;

const neverOver = (piece: Piece, open: ReadonlySet<number>): Piece => ({
  ...piece,
  problem: { ...piece.problem, end: piece.problem.end.map((end, op) => (open.has(op) ? NEVER : end)) },
});

/**
 * Those of `ops` that may go together: what a refutation does not depend on, if all of that may; of the rest one after
 * the other, the first of them first, and twice as many at once after each that may.
 */
function spared(
  ops: readonly number[],
  refutation: Refutation | null,
  fails: (gone: ReadonlySet<number>) => boolean,
): ReadonlySet<number> {
  let gone: ReadonlySet<number> = new Set();
  const mayGo = (some: readonly number[]): boolean => {
    const all = new Set([...gone, ...some]);
    if (!fails(all)) return false;
    gone = all;
    return true;
  };
  const unasked = ops.filter((op) => refutation?.[op] === 0);
  const rest = unasked.length > 0 && mayGo(unasked) ? ops.filter((op) => refutation?.[op] !== 0) : ops;
  for (let at = 0, width = 1; at < rest.length; ) {
    if (mayGo(rest.slice(at, at + width))) {
      at += width;
      width *= 2;
    } else if (width > 1) width = 1;
    else at++;
  }
  return gone;
}
