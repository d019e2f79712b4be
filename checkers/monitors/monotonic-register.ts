/**
 * Registers whose value never goes down: a write of less than the register holds is refused. So the numbers themselves
 * are the order in which the writes took effect, and it remains to be seen that real time agrees with it.
 */

import { NEVER } from '../../rig/recording.ts';
import { firstWriters, numbersOf, READ, WRITE } from './max-register.ts';
import type { Columns, Decision, Monitor } from './monitor.ts';

class MonotonicRegisterMonitor implements Monitor {
  readonly roles: Readonly<Record<string, number>>;

  constructor(roles: Readonly<Record<string, number>>) {
    this.roles = roles;
  }

  decide(operations: Columns, from: number, to: number): Decision {
    const numbers = numbersOf(operations, from, to);
    if (!numbers) return 'inapplicable';
    const { role, call, end } = operations;
    const writers = firstWriters(operations, numbers, from, to);
    const known = Int32Array.from({ length: to - from }, (_, at) => from + at).filter((x) => end[x] !== NEVER);
    known.sort((a, b) => (numbers[a - from] as number) - (numbers[b - from] as number) || a - b);
    /** Of all smaller numbers, and of those up to the present one, the operation that began last. */
    let before = -1;
    let latest = -1;
    for (let at = 0; at < known.length; at++) {
      const x = known[at] as number;
      const number = numbers[x - from] as number;
      if (at > 0 && numbers[(known[at - 1] as number) - from] !== number) before = latest;
      const writer = role[x] === WRITE ? x : number === -Infinity ? -1 : writers.get(number);
      if (writer === undefined || (writer >= 0 && (call[writer] as number) > (end[x] as number))) return [x];
      if (before >= 0 && (end[x] as number) < (call[before] as number))
        return [before, x]
          .flatMap((y) => [y, ...proofOf(operations, y, numbers, from, known, writers)])
          .sort((a, b) => a - b);
      for (const y of [x, writer])
        if (y >= 0 && (latest < 0 || (call[y] as number) > (call[latest] as number))) latest = y;
    }
    return 'legal';
  }
}

/** What shows that an operation took effect: the writer of what a read saw, or a read of what was written with unknown outcome. */
function proofOf(
  { role, end }: Columns,
  x: number,
  numbers: Float64Array,
  from: number,
  known: Int32Array,
  writers: ReadonlyMap<number, number>,
): readonly number[] {
  const number = numbers[x - from] as number;
  const proof =
    role[x] === READ
      ? writers.get(number)
      : end[x] === NEVER
        ? known.find((y) => role[y] === READ && numbers[y - from] === number)
        : undefined;
  return proof === undefined ? [] : [proof];
}

export const monotonicRegisterMonitor = (roles: Readonly<Record<string, number>>): Monitor =>
  new MonotonicRegisterMonitor(roles);
