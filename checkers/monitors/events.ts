/** The events of a partition in order, and scratch columns that monitors use again for one partition after the other. */

import { NEVER } from '../../rig/recording.ts';
import type { Columns, Evidence } from './monitor.ts';

type Column = Int32Array | Uint8Array;

/** The same column, or a new one with at least that much room; what was in it may be lost. */
export function grown<C extends Column>(column: C, length: number): C {
  if (column.length >= length) return column;
  return new (column.constructor as new (length: number) => C)(2 * length);
}

/** By rank, one more than the number (counted from `from`) of the operation that begins there, negative for one that ends; 0 for none. */
export function eventsOf({ call, end }: Columns, from: number, to: number, scratch: Int32Array): Int32Array {
  const events = grown(scratch, 2 * (to - from) + 1);
  events.fill(0, 0, 2 * (to - from) + 1);
  for (let x = from; x < to; x++) {
    events[call[x] as number] = x - from + 1;
    if (end[x] !== NEVER) events[end[x] as number] = from - x - 1;
  }
  return events;
}

/** All that began before `rank`: evidence where nothing less is known to be one. */
export function begunBefore({ call }: Columns, from: number, to: number, rank: number): Evidence {
  const begun: number[] = [];
  for (let x = from; x < to && (call[x] as number) < rank; x++) begun.push(x);
  return begun;
}
