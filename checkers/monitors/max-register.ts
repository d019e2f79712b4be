/**
 * Registers that hold the largest number written so far. One sweep over the events that raises the maximum only when an
 * answer forces it; while it jumps, every smaller number that somebody was already writing can be seen.
 */

import { NEVER } from '../../rig/recording.ts';
import { NULL } from '../../rig/values.ts';
import { eventsOf } from './events.ts';
import type { Columns, Decision, Evidence, Monitor } from './monitor.ts';

export const [WRITE, READ] = [0, 1] as const;

/** When the maximum rose, to what, and the operation that forced it. */
interface Rise {
  readonly rank: number;
  readonly to: number;
  readonly by: number;
}

class MaxRegisterMonitor implements Monitor {
  readonly roles: Readonly<Record<string, number>>;
  #events: Int32Array = new Int32Array(0);

  constructor(roles: Readonly<Record<string, number>>) {
    this.roles = roles;
  }

  decide(operations: Columns, from: number, to: number): Decision {
    const numbers = numbersOf(operations, from, to);
    if (!numbers) return 'inapplicable';
    const { role, call } = operations;
    const writers = firstWriters(operations, numbers, from, to);
    const rises: Rise[] = [];
    let highest = -Infinity;
    this.#events = eventsOf(operations, from, to, this.#events);
    for (let rank = 0; rank < 2 * (to - from); rank++) {
      const event = this.#events[rank] as number;
      if (event >= 0) continue;
      const x = from - event - 1;
      const number = numbers[x - from] as number;
      if (role[x] === READ) {
        const writer = number === -Infinity ? -1 : writers.get(number);
        const begun = writer === undefined ? Infinity : writer < 0 ? -1 : (call[writer] as number);
        if (begun > rank) return [x];
        const passed = number < highest ? firstAbove(rises, number) : null;
        if (passed && (begun > passed.rank || (call[x] as number) > passed.rank))
          return evidence(x, writer, passed.by, role[passed.by] === READ ? writers.get(passed.to) : undefined);
      }
      if (number <= highest) continue;
      highest = number;
      rises.push({ rank, to: number, by: x });
    }
    return 'legal';
  }
}

/** What each operation is about; −∞ for the initial value. `null` if something is no number. */
export function numbersOf(operations: Columns, from: number, to: number): Float64Array | null {
  const { role, value, output, end } = operations;
  const numbers = new Float64Array(to - from);
  for (let x = from; x < to; x++) {
    if (role[x] !== READ && role[x] !== WRITE) return null;
    const code = (role[x] === READ ? output[x] : value[x]) as number;
    const number = operations.valueOf(code);
    if (typeof number === 'number') numbers[x - from] = number;
    else if (role[x] === READ && (code === NULL || end[x] === NEVER)) numbers[x - from] = -Infinity;
    else return null;
  }
  return numbers;
}

/** By number, its writer that began first. */
export function firstWriters(
  { role }: Columns,
  numbers: Float64Array,
  from: number,
  to: number,
): ReadonlyMap<number, number> {
  const writers = new Map<number, number>();
  for (let x = from; x < to; x++) {
    const number = numbers[x - from] as number;
    if (role[x] === WRITE && !writers.has(number)) writers.set(number, x);
  }
  return writers;
}

/** The first rise beyond `number`; there must be one. */
function firstAbove(rises: readonly Rise[], number: number): Rise {
  let low = 0;
  let high = rises.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rises[middle] as Rise).to > number) high = middle;
    else low = middle + 1;
  }
  return rises[low] as Rise;
}

const evidence = (...operations: readonly (number | undefined)[]): Evidence =>
  [...new Set(operations.filter((x): x is number => x !== undefined && x >= 0))].sort((a, b) => a - b);

export const maxRegisterMonitor = (roles: Readonly<Record<string, number>>): Monitor => new MaxRegisterMonitor(roles);
