/**
 * Where a partition without a legal order fails first: the answer before which there still was one. What a monitor finds
 * in all of a partition may show itself late; what it finds in the shortest beginning that fails is what happened first.
 */

import { NEVER } from '../../rig/recording.ts';
import { ABSENT } from '../../rig/values.ts';
import { type Columns, type Evidence, isEvidence, type Monitor } from './monitor.ts';
import type { Operations } from './operations.ts';

/** Evidence in the shortest beginning of a partition that has any, given some in all of it. */
export function firstEvidence(operations: Operations, monitor: Monitor, partition: number, found: Evidence): Evidence {
  const from = operations.starts[partition] as number;
  const to = operations.starts[partition + 1] as number;
  const reach = (evidence: Evidence, most: number) =>
    Math.max(...evidence.map((op) => operations.end[op] as number).filter((end) => end <= most));
  let first = found;
  let high = reach(found, NEVER - 1);
  // Most often the evidence at hand is complete only with its last answer.
  for (let low = -1, middle = high - 1; high - low > 1; middle = (low + high) >> 1) {
    const beginning = beginningOf(operations, from, to, middle);
    const decision = monitor.decide(beginning.columns, 0, beginning.numbers.length);
    if (isEvidence(decision)) {
      first = decision.map((op) => beginning.numbers[op] as number);
      high = Math.min(middle, reach(first, middle));
    } else low = middle;
  }
  return first;
}

interface Beginning {
  readonly columns: Columns;
  /** The number in the table of each operation. */
  readonly numbers: Int32Array;
}

/** What happened up to a rank: what is open then is of unknown outcome, and what only observes is left out. */
function beginningOf(operations: Operations, from: number, to: number, until: number): Beginning {
  const { role, value, to: second, output, call, end } = operations;
  const numbers = Int32Array.from({ length: to - from }, (_, at) => from + at).filter(
    (op) => (call[op] as number) <= until && ((end[op] as number) <= until || !operations.isObservation(op)),
  );
  const pick = (column: Int32Array) => numbers.map((op) => column[op] as number);
  const isOpen = (at: number) => (end[numbers[at] as number] as number) > until;
  const events = new Int32Array(until + 1);
  numbers.forEach((op, at) => {
    events[call[op] as number] = at + 1;
    if (!isOpen(at)) events[end[op] as number] = -at - 1;
  });
  const columns = {
    role: Uint8Array.from(numbers, (op) => role[op] as number),
    value: pick(value),
    to: pick(second),
    output: pick(output).map((code, at) => (isOpen(at) ? ABSENT : code)),
    call: new Int32Array(numbers.length),
    end: new Int32Array(numbers.length).fill(NEVER),
    valueOf: (code: number) => operations.valueOf(code),
  };
  let rank = 0;
  for (const event of events)
    if (event > 0) columns.call[event - 1] = rank++;
    else if (event < 0) columns.end[-event - 1] = rank++;
  return { columns, numbers };
}
