/** What linearizability is, word for word: some order of the operations that the model allows. What tests hold all else against. */

import type { Input, Json } from '../rig/contract.ts';
import { FAIL, type History, INFO, NEVER } from '../rig/history.ts';
import type { AnyModel } from './models/index.ts';
import { TupleNumbers } from './monitors/tuple-numbers.ts';
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

const MOST_REMEMBERED = 2 ** 19;

/**
 * Tries every operation that no outstanding answer precedes, in every order; `remembers`: but no set of operations and
 * state twice. Throws {@link TooManyOrders} when it cannot say.
 */
export function hasOrder(ops: readonly Placeable[], model: AnyModel, remembers: boolean): boolean {
  if (ops.length > 53) throw new Error(`${ops.length} operations do not fit in the bits of a number`);
  const step = stepsOf(ops, model);
  const placed = new Uint8Array(ops.length);
  const byEnd = [...ops.keys()].sort((one, other) => endOf(ops, one) - endOf(ops, other));
  /** Sets of operations, each in two halves, with the state that they led to: those that were met once led no further. */
  const met = new TupleNumbers(3);
  const configuration = new Int32Array(3);
  const isKnownToFail = (set: number, state: number): boolean => {
    configuration[0] = (set % 2 ** 32) | 0;
    configuration[1] = Math.floor(set / 2 ** 32);
    configuration[2] = state;
    const before = met.count;
    if (met.numberOf(configuration) < before) return true;
    if (before > MOST_REMEMBERED) throw new TooManyOrders(`more than ${MOST_REMEMBERED} sets and states were met`);
    return false;
  };
  const search = (set: number, state: number): boolean => {
    let first = 0;
    while (placed[byEnd[first] as number] === 1) first++;
    const firstEnd = endOf(ops, byEnd[first]);
    if (firstEnd === NEVER) return true;
    if (remembers && isKnownToFail(set, state)) return false;
    for (let op = 0; op < ops.length; op++) {
      if (placed[op] === 1 || (ops[op] as Placeable).call > firstEnd) continue;
      const next = step(state, op);
      if (next === IMPOSSIBLE) continue;
      placed[op] = 1;
      if (search(set + 2 ** op, next)) return true;
      placed[op] = 0;
    }
    return false;
  };
  return search(0, 0);
}

/** Of no operation, never. */
const endOf = (ops: readonly Placeable[], op = -1): number => ops[op]?.end ?? NEVER;

const UNTRIED = -2;

/** The model's steps, each taken once; 0 is the initial state. */
function stepsOf(ops: readonly Placeable[], model: AnyModel): (state: number, op: number) => number {
  const states: Json[] = [model.initial];
  const numbers = new Map([[model.fingerprint(model.initial), 0]]);
  const take = (state: number, op: number): number => {
    const { input, output } = ops[op] as Placeable;
    const next = model.step(states[state] as Json, input, output);
    if (typeof next === 'object' && next !== null && 'inconsistent' in next) return IMPOSSIBLE;
    const name = model.fingerprint(next as Json);
    const number = numbers.get(name) ?? states.push(next as Json) - 1;
    numbers.set(name, number);
    return number;
  };
  let known = new Int32Array(64 * ops.length).fill(UNTRIED);
  return (state, op) => {
    const at = state * ops.length + op;
    if (at >= known.length) {
      const more = new Int32Array(2 * known.length).fill(UNTRIED, known.length);
      more.set(known);
      known = more;
    }
    return known[at] === UNTRIED ? (known[at] = take(state, op)) : (known[at] as number);
  };
}
