/**
 * A legal order from what a search placed and dropped. What was dropped stands where it changes nothing: just before
 * a replacement that hides it, or where the state is the one it leads to.
 */

import type { Input, Json } from '../../rig/contract.ts';
import { NEVER } from '../../rig/history.ts';
import type { Problem } from './problem.ts';
import type { Transitions } from './transitions.ts';

/** Operations in the order in which a search placed them, `~operation` for one that was dropped, from a state on. */
export interface Placed {
  readonly trail: Int32Array;
  readonly state: number;
  /** The rank of the first answer that is still outstanding. */
  readonly boundary: number;
  /** What was invoked before this rank may not have happened. */
  readonly optionalBefore: number;
}

/** The operations in a legal order. */
export function orderOf(
  problem: Problem,
  transitions: Transitions<unknown, Input, Json>,
  { trail, state, boundary, optionalBefore }: Placed,
): number[] {
  const { kind, call } = problem;
  const states = statesBefore(problem, transitions, trail, state);
  const outstanding = firstOutstanding(problem, trail, boundary);
  const before = new Map<number, number[]>();
  trail.forEach((entry, at) => {
    if (entry >= 0 || (call[~entry] as number) < optionalBefore) return;
    const its = kind[~entry] as number;
    for (let place = at; place >= 0 && (outstanding[place] as number) > (call[~entry] as number); place--) {
      const next = trail[place] as number;
      const isHidden = next >= 0 && transitions.isReplacement[kind[next] as number] === 1;
      if (!isHidden && transitions.step(states[place] as number, its) !== states[place]) continue;
      const others = before.get(place);
      if (others) others.push(~entry);
      else before.set(place, [~entry]);
      return;
    }
    throw new Error(`operation ${~entry} of a search was dropped, yet there is no place for it`);
  });
  const order: number[] = [];
  trail.forEach((entry, at) => {
    order.push(...(before.get(at) ?? []));
    if (entry >= 0) order.push(entry);
  });
  return order;
}

/** The state before each entry. */
function statesBefore(
  { kind }: Problem,
  transitions: Transitions<unknown, Input, Json>,
  trail: Int32Array,
  first: number,
): Int32Array {
  const states = new Int32Array(trail.length);
  let state = first;
  trail.forEach((entry, at) => {
    states[at] = state;
    if (entry >= 0) state = transitions.step(state, kind[entry] as number);
  });
  return states;
}

/** The rank of the first answer that was outstanding at each entry: whatever was invoked before it was open. */
function firstOutstanding({ end }: Problem, trail: Int32Array, boundary: number): Int32Array {
  const ranks = new Int32Array(trail.length);
  let first = boundary;
  for (let at = trail.length - 1; at >= 0; at--) {
    const entry = trail[at] as number;
    first = Math.min(first, end[entry < 0 ? ~entry : entry] ?? NEVER);
    ranks[at] = first;
  }
  return ranks;
}
