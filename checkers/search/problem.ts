/** The operations of one partition as the search sees them: their kinds, and the ranks of their events. */

import type { Input, Json, Model } from '../../rig/contract.ts';
import { type History, NEVER, OK } from '../../rig/history.ts';
import { Operations } from '../monitors/operations.ts';
import { TupleNumbers } from '../monitors/tuple-numbers.ts';
import { Transitions } from './transitions.ts';

export interface Problem {
  /** Positions in the history's columns, ascending; every other array runs parallel to it. */
  readonly at: Int32Array;
  readonly kind: Int32Array;
  /** The rank of the invocation. */
  readonly call: Int32Array;
  /** The rank of the completion; `NEVER` for an operation that may take effect at any time, or not at all. */
  readonly end: Int32Array;
  /** How many ranks there are. */
  readonly rankCount: number;
}

export interface Partition<State, In extends Input, Out extends Json> {
  /** What the model calls it: a key. Empty if the model has no partitions. */
  readonly name: string;
  readonly problem: Problem;
  readonly transitions: Transitions<State, In, Out>;
}

/** Every partition of a history, in order of first sight. */
export function partitions<State, In extends Input, Out extends Json>(
  history: History<In, Out>,
  model: Model<State, In, Out>,
): Partition<State, In, Out>[] {
  const operations = operationsOf(history, model);
  return Array.from({ length: operations.partitionCount }, (_, number) => partitionOf(operations, model, number));
}

/** The table that partitions are made of. */
export const operationsOf = <State, In extends Input, Out extends Json>(
  history: History<In, Out>,
  model: Model<State, In, Out>,
): Operations => new Operations(history as unknown as History, model as unknown as Model<unknown, Input, Json>);

/** One partition for the search, without what could not have been observed; `only` some operations, where it is given. */
export function partitionOf<State, In extends Input, Out extends Json>(
  operations: Operations,
  model: Model<State, In, Out>,
  number: number,
  only?: readonly number[],
): Partition<State, In, Out> {
  const transitions = new Transitions(model);
  const from = operations.starts[number] as number;
  const to = operations.starts[number + 1] as number;
  const column = (whole: Int32Array) =>
    only ? Int32Array.from(only, (op) => whole[op] as number) : whole.subarray(from, to);
  const at = column(operations.at);
  const problem: Problem = {
    at,
    kind: kindsOf(operations, transitions, at),
    call: column(operations.call),
    end: column(operations.end),
    rankCount: operations.rankCounts[number] as number,
  };
  return { name: operations.name(number), problem: withoutPointless(problem, transitions), transitions };
}

/** Kinds that room is made for before they are met. */
const MOST_EXPECTED = 64;

/** Operations with equal inputs and outputs are of one kind; an input is made once for each. */
function kindsOf<State, In extends Input, Out extends Json>(
  { history, codes, refusal }: Operations,
  transitions: Transitions<State, In, Out>,
  positions: Int32Array,
): Int32Array {
  const { f, keyCode, valueCode, toCode, outputCode } = history;
  const forms = new TupleNumbers(6, Math.min(positions.length, MOST_EXPECTED));
  const form = new Int32Array(6);
  const known: number[] = [];
  return positions.map((at) => {
    const refused = refusal.get(at);
    form[0] = f[at] as number;
    form[1] = codes.canonical(keyCode[at] as number);
    form[2] = codes.canonical(valueCode[at] as number);
    form[3] = codes.canonical(toCode[at] as number);
    form[4] = refused === undefined ? codes.canonical(outputCode[at] as number) : codes.of(refused);
    form[5] = refused === undefined ? 0 : 1;
    return (known[forms.numberOf(form)] ??= transitions.kind(
      history.input(at) as In,
      (refused ?? history.output(at)) as Out | undefined,
      refused !== undefined,
    ));
  });
}

/** Steps a partition may have for the question whether an unknown operation could matter to be worth asking. */
const EXPLORED_STEPS = 60_000;

/** Drops operations of unknown outcome whose effect nobody could have observed. */
function withoutPointless<State, In extends Input, Out extends Json>(
  problem: Problem,
  transitions: Transitions<State, In, Out>,
): Problem {
  const optional = new Set<number>();
  problem.end.forEach((end, op) => {
    if (end === NEVER) optional.add(problem.kind[op] as number);
  });
  if (optional.size === 0 || !transitions.explore(EXPLORED_STEPS)) return problem;
  const pointless = new Set([...optional].filter((kind) => transitions.isPointless(kind)));
  if (pointless.size === 0) return problem;
  const kept: number[] = [];
  for (let op = 0; op < problem.at.length; op++)
    if (problem.end[op] !== NEVER || !pointless.has(problem.kind[op] as number)) kept.push(op);
  return picked(problem, kept);
}

/** The same problem with some of its operations only, ascending; ranks stay as they are. */
export function picked(problem: Problem, kept: readonly number[]): Problem {
  const pick = (column: Int32Array) => {
    const short = new Int32Array(kept.length);
    for (let op = 0; op < kept.length; op++) short[op] = column[kept[op] as number] as number;
    return short;
  };
  return {
    at: pick(problem.at),
    kind: pick(problem.kind),
    call: pick(problem.call),
    end: pick(problem.end),
    rankCount: problem.rankCount,
  };
}

/** True for an operation that was answered `ok`: with none of them there is nothing to judge. */
export const anySucceeded = (history: History): boolean => history.type.includes(OK);
