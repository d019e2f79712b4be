/**
 * Registers whose value never goes down: a write of less than the register holds is refused. So the numbers themselves
 * are the order in which the writes took effect, and it remains to be seen that real time agrees with it.
 */

import { NEVER } from '../../rig/recording.ts';
import { firstWriters, numbersOf, READ, WRITE } from './max-register.ts';
import type { Columns, Decision, Evidence, Monitor } from './monitor.ts';

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
        return withWriters(operations, [before, x], (y) => writers.get(numbers[y - from] as number));
      for (const y of [x, writer])
        if (y >= 0 && (latest < 0 || (call[y] as number) > (call[latest] as number))) latest = y;
    }
    return 'legal';
  }
}

function withWriters(
  { role }: Columns,
  operations: readonly number[],
  writerOf: (x: number) => number | undefined,
): Evidence {
  const writers = operations.filter((x) => role[x] === READ).map(writerOf);
  return [...new Set([...operations, ...writers.filter((x) => x !== undefined)])].sort((a, b) => a - b);
}

export const monotonicRegisterMonitor = (roles: Readonly<Record<string, number>>): Monitor =>
  new MonotonicRegisterMonitor(roles);
