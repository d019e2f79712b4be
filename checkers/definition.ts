/** What linearizability is, word for word: some order of the operations that the model allows. What tests hold all else against. */

import type { Input, Json } from '../rig/contract.ts';
import { FAIL, type History, INFO, NEVER } from '../rig/history.ts';
import type { AnyModel } from './models/index.ts';
import { IMPOSSIBLE } from './search/transitions.ts';

/** An operation that may stand in the order, with the indices of its events. */
export interface Placeable {
  readonly input: Input;
  readonly output: Json | undefined;
  readonly call: number;
  readonly end: number;
}

/** What may be placed: everything but failures that observed nothing. */
export function placeable(history: History, model: AnyModel): Placeable[] {
  return [...history.operations()].flatMap((operation, at) => {
    const { input, completion } = operation;
    const refused = completion.type === 'fail' ? model.refused?.(input, completion.error) : undefined;
    if (history.type[at] === FAIL && refused === undefined) return [];
    const end = history.type[at] === INFO ? NEVER : (history.completeIndex[at] as number);
    return [{ input, output: refused ?? history.output(at), call: operation.index, end }];
  });
}

/** What is possible is more than can be remembered. */
export class TooManyOrders extends Error {}

const MOST_REMEMBERED = 2 ** 21;

/**
 * Tries every operation that no outstanding answer precedes, in every order; `remembers`: but no set of operations and
 * state twice. Throws {@link TooManyOrders} when it cannot say.
 */
export function hasOrder(ops: readonly Placeable[], model: AnyModel, remembers: boolean): boolean {
  if (ops.length > 53) throw new Error(`${ops.length} operations do not fit in the bits of a number`);
  const step = stepsOf(ops, model);
  const placed = new Uint8Array(ops.length);
  const byEnd = [...ops.keys()].sort((one, other) => endOf(ops, one) - endOf(ops, other));
  /** For each state, the sets of operations that led to it and not on. */
  const failed: Set<number>[] = [];
  let remembered = 0;
  const search = (set: number, state: number): boolean => {
    let first = 0;
    while (placed[byEnd[first] as number] === 1) first++;
    const firstEnd = endOf(ops, byEnd[first]);
    if (firstEnd === NEVER) return true;
    if (failed[state]?.has(set)) return false;
    for (let op = 0; op < ops.length; op++) {
      if (placed[op] === 1 || (ops[op] as Placeable).call > firstEnd) continue;
      const next = step(state, op);
      if (next === IMPOSSIBLE) continue;
      placed[op] = 1;
      if (search(set + 2 ** op, next)) return true;
      placed[op] = 0;
    }
    if (!remembers) return false;
    (failed[state] ??= new Set()).add(set);
    if (++remembered > MOST_REMEMBERED) throw new TooManyOrders(`more than ${MOST_REMEMBERED} sets and states failed`);
    return false;
  };
  return search(0, 0);
}

/** Of no operation, never. */
const endOf = (ops: readonly Placeable[], op = -1): number => ops[op]?.end ?? NEVER;

/** The model's steps, each taken once; 0 is the initial state. */
function stepsOf(ops: readonly Placeable[], model: AnyModel): (state: number, op: number) => number {
  const states: Json[] = [model.initial];
  const numbers = new Map([[model.fingerprint(model.initial), 0]]);
  const known: number[] = [];
  return (state, op) => {
    const at = state * ops.length + op;
    if (known[at] !== undefined) return known[at];
    const { input, output } = ops[op] as Placeable;
    const next = model.step(states[state] as Json, input, output);
    if (typeof next === 'object' && next !== null && 'inconsistent' in next) return (known[at] = IMPOSSIBLE);
    const name = model.fingerprint(next as Json);
    if (!numbers.has(name)) numbers.set(name, states.push(next as Json) - 1);
    return (known[at] = numbers.get(name) as number);
  };
}
