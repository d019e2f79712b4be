/**
 * The operations of one partition as the search sees them: their kinds, and the ranks of their events among the
 * partition's own events. Ranks replace times: what counts is the order in which events were recorded.
 */

import type { Input, Json, Model } from '../../rig/contract.ts';
import { FAIL, type History, INFO, NEVER, OK } from '../../rig/history.ts';
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

/** A history with functions that the model does not know. */
export class UnknownFunction extends Error {
  override readonly name = 'UnknownFunction';
}

/**
 * Splits a history by the model's partitions, in order of first sight. What cannot matter is left out: operations
 * that failed and observed nothing, and reads that nobody heard back from.
 */
export function partitions<State, In extends Input, Out extends Json>(
  history: History<In, Out>,
  model: Model<State, In, Out>,
): Partition<State, In, Out>[] {
  const builders = new Map<string, Builder<State, In, Out>>();
  const owner: (Builder<State, In, Out> | undefined)[] = [];
  const local = new Int32Array(history.length);
  for (let at = 0; at < history.length; at++) {
    const input = history.input(at);
    if (model.functions && !Object.hasOwn(model.functions, input.f))
      throw new UnknownFunction(
        `the model ${model.name} knows ${Object.keys(model.functions).join(', ')}; operation ${history.invokeIndex[at]} asks for ${input.f}`,
      );
    const refusal = observedByFailure(history, model, at);
    if (history.type[at] === FAIL && refusal === undefined) continue;
    if (history.type[at] === INFO && model.functions?.[input.f] === 'read') continue;
    const name = model.partition?.(input) ?? '';
    let builder = builders.get(name);
    if (!builder) builders.set(name, (builder = new Builder(name, model)));
    owner[at] = builder;
    local[at] = builder.add(at, input, refusal ?? history.output(at), refusal !== undefined);
  }
  rank(history, owner, local);
  return [...builders.values()].map((builder) => builder.build());
}

function observedByFailure<State, In extends Input, Out extends Json>(
  history: History<In, Out>,
  model: Model<State, In, Out>,
  at: number,
): Out | undefined {
  if (history.type[at] !== FAIL || !model.refused) return undefined;
  return model.refused(history.input(at), history.errors[history.error[at] as number] as string);
}

/** Hands every event to its partition in the order in which they were recorded. */
function rank<State, In extends Input, Out extends Json>(
  history: History<In, Out>,
  owner: readonly (Builder<State, In, Out> | undefined)[],
  local: Int32Array,
): void {
  const ends: number[] = [];
  for (let at = 0; at < history.length; at++)
    if (owner[at] && history.completeIndex[at] !== NEVER && history.type[at] !== INFO) ends.push(at);
  ends.sort((a, b) => (history.completeIndex[a] as number) - (history.completeIndex[b] as number));
  let next = 0;
  for (let at = 0; at <= history.length; at++) {
    const invoked = at < history.length ? (history.invokeIndex[at] as number) : NEVER;
    for (; next < ends.length; next++) {
      const ended = ends[next] as number;
      if ((history.completeIndex[ended] as number) > invoked) break;
      owner[ended]?.complete(local[ended] as number);
    }
    if (at < history.length) owner[at]?.invoke(local[at] as number);
  }
}

class Builder<State, In extends Input, Out extends Json> {
  readonly #name: string;
  readonly #transitions: Transitions<State, In, Out>;
  readonly #at: number[] = [];
  readonly #kind: number[] = [];
  readonly #call: number[] = [];
  readonly #end: number[] = [];
  #rank = 0;

  constructor(name: string, model: Model<State, In, Out>) {
    this.#name = name;
    this.#transitions = new Transitions(model);
  }

  add(at: number, input: In, output: Out | undefined, changesNothing: boolean): number {
    this.#kind.push(this.#transitions.kind(input, output, changesNothing));
    this.#end.push(NEVER);
    return this.#at.push(at) - 1;
  }

  invoke(op: number): void {
    this.#call[op] = this.#rank++;
  }

  complete(op: number): void {
    this.#end[op] = this.#rank++;
  }

  build(): Partition<State, In, Out> {
    const problem = {
      at: Int32Array.from(this.#at),
      kind: Int32Array.from(this.#kind),
      call: Int32Array.from(this.#call),
      end: Int32Array.from(this.#end),
      rankCount: this.#rank,
    };
    return { name: this.#name, problem: withoutPointless(problem, this.#transitions), transitions: this.#transitions };
  }
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
  return select(problem, (op) => problem.end[op] !== NEVER || !pointless.has(problem.kind[op] as number));
}

/** The same problem with some of its operations only; ranks stay as they are. */
export function select(problem: Problem, keep: (op: number) => boolean): Problem {
  const kept: number[] = [];
  for (let op = 0; op < problem.at.length; op++) if (keep(op)) kept.push(op);
  const pick = (column: Int32Array) => Int32Array.from(kept, (op) => column[op] as number);
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
