/**
 * Who must come before whom, by the order of each list: appends follow each other, a read follows the append it ends
 * in, and comes before the append after it. An append that nobody saw comes after all that were seen.
 */

import type { Json } from '../../rig/contract.ts';
import { OK } from '../../rig/history.ts';
import { EdgeList, type Graph, RW, WR, WW } from './graph.ts';
import type { ListOrder } from './list-order.ts';
import { NOWHERE } from './list-order.ts';
import { FAILED, type MicroOperations, READ } from './micro-operations.ts';
import type { Step } from './cycle.ts';
import { valueText } from './wording.ts';

export function listGraph(micros: MicroOperations, order: ListOrder): Graph {
  const edges = new EdgeList(micros.transactions);
  const readers = readersOf(micros, order);
  const unseen = unseenAppends(micros, order);
  const { base } = order;
  for (let key = 0; key + 1 < base.length; key++) {
    const first = base[key] as number;
    // The last append that counts, and the readers since.
    let writer = -1;
    let since = first;
    for (let version = first; version < (base[key + 1] as number); version++) {
      const next = version === first ? -1 : writerOf(micros, order, version);
      if (next >= 0) {
        if (writer >= 0) edges.add(writer, next, WW, version);
        for (let at = readers.from[since] as number; at < (readers.from[version] as number); at++)
          edges.add(readers.all[at] as number, next, RW, version);
        writer = next;
        since = version;
      }
      if (writer < 0) continue;
      for (let at = readers.from[version] as number; at < (readers.from[version + 1] as number); at++)
        edges.add(writer, readers.all[at] as number, WR, since);
    }
    const left = unseen.get(key);
    if (!left) continue;
    const late = [...new Set(readers.all.subarray(readers.from[since], readers.from[base[key + 1] as number]))];
    edges.addAll(late, left, RW, since);
    if (writer >= 0) for (const append of left) edges.add(writer, append, WW, since);
  }
  return edges.toGraph();
}

/** The transaction that made this version, unless it failed or nobody did. */
function writerOf({ writeTransaction, writeState }: MicroOperations, { write }: ListOrder, version: number): number {
  const number = write[version] as number;
  return number < 0 || (writeState[number] as number) & FAILED ? -1 : (writeTransaction[number] as number);
}

/** Who read each version: those of version v are `all[from[v]]` to `all[from[v + 1]]`. */
function readersOf(micros: MicroOperations, { base, write }: ListOrder): { from: Int32Array; all: Int32Array } {
  const { start, key, value, count } = micros;
  const from = new Int32Array(write.length + 1);
  const isRead = (micro: number) => micros.write[micro] === READ && value[micro] !== NOWHERE;
  for (let micro = 0; micro < count; micro++)
    if (isRead(micro)) from[(base[key[micro] as number] as number) + (value[micro] as number) + 1]!++;
  for (let version = 0; version < write.length; version++) from[version + 1]! += from[version] as number;
  const next = from.slice();
  const all = new Int32Array(from[write.length] as number);
  for (let at = 0; at < micros.transactions; at++)
    for (let micro = start[at] as number; micro < (start[at + 1] as number); micro++)
      if (isRead(micro)) all[next[(base[key[micro] as number] as number) + (value[micro] as number)]!++] = at;
  return { from, all };
}

/** For each key, the transactions whose appends nobody saw, though they may have happened. */
function unseenAppends(micros: MicroOperations, { place }: ListOrder): Map<number, number[]> {
  const { history, writes, writeState, writeTransaction, writeMicro } = micros;
  const wasSeen = new Uint8Array(micros.transactions);
  for (let write = 0; write < writes; write++) if (place[write] !== 0) wasSeen[writeTransaction[write] as number] = 1;
  const unseen = new Map<number, number[]>();
  for (let write = 0; write < writes; write++) {
    const at = writeTransaction[write] as number;
    if (place[write] !== 0 || (writeState[write] as number) & FAILED) continue;
    // Nothing follows from what may never have happened.
    if (history.type[at] !== OK && wasSeen[at] === 0) continue;
    const key = micros.key[writeMicro[write] as number] as number;
    const left = unseen.get(key);
    if (!left) unseen.set(key, [at]);
    else if (left.at(-1) !== at) left.push(at);
  }
  return unseen;
}

/** Why the one must come before the other, as the end of a sentence. */
export function listReason(
  micros: MicroOperations,
  order: ListOrder,
  step: Step,
  name: (at: number) => string,
): string {
  const { base, write } = order;
  const version = step.reason;
  const key = upperBound(base, version) - 1;
  const where = `key ${valueText(micros.keys.values[key] as Json)}`;
  const number = write[version] as number;
  const element = number < 0 ? 'nothing' : elementOf(micros, number);
  const isMade = number >= 0 && micros.writeTransaction[number] === step.to;
  const doubt = order.doubtful.has(key) ? ' (the order of this key is doubtful: its reads disagree)' : '';
  if (step.kind === WR)
    return `${name(step.to)} observed ${name(step.from)}'s append of ${element} to ${where}${doubt}`;
  if (step.kind === WW)
    return isMade
      ? `${name(step.to)} appended ${element} to ${where} after ${name(step.from)}'s append of ${elementBefore(micros, order, step, key)}${shownBy(micros, version - (base[key] as number), key)}${doubt}`
      : `${name(step.to)}'s append of ${unseenElement(micros, order, step.to, key)} to ${where} came after ${name(step.from)}'s append of ${element}, the last that anybody observed${doubt}`;
  const missed = isMade ? element : unseenElement(micros, order, step.to, key);
  return order.doubtful.has(key)
    ? `${name(step.from)}'s read of ${where} ended before ${name(step.to)}'s append of ${missed}${doubt}`
    : `${name(step.from)} did not observe ${name(step.to)}'s append of ${missed} to ${where}`;
}

const elementOf = (micros: MicroOperations, write: number): string =>
  valueText(micros.codes.valueOf(micros.value[micros.writeMicro[write] as number] as number));

/** The last element before the step's version that its source appended. */
function elementBefore(micros: MicroOperations, { base, write }: ListOrder, step: Step, key: number): string {
  for (let version = step.reason - 1; version > (base[key] as number); version--) {
    const number = write[version] as number;
    if (number >= 0 && micros.writeTransaction[number] === step.from) return elementOf(micros, number);
  }
  return 'something';
}

/** Who read the key up to that place, and so shows the order. */
function shownBy(micros: MicroOperations, place: number, of: number): string {
  const { write, key, value, history, count } = micros;
  for (let micro = 0; micro < count; micro++)
    if (key[micro] === of && write[micro] === READ && (value[micro] as number) >= place)
      return `, as operation ${history.invokeIndex[micros.transactionOf(micro)]} read it: ${valueText(micros.microAt(micro)[2])}`;
  return '';
}

/** The first element that `at` appended to the key and nobody saw. */
function unseenElement(micros: MicroOperations, { place }: ListOrder, at: number, key: number): string {
  for (let micro = micros.start[at] as number; micro < (micros.start[at + 1] as number); micro++) {
    const number = micros.write[micro] as number;
    if (number !== READ && micros.key[micro] === key && place[number] === 0) return elementOf(micros, number);
  }
  return 'something';
}

/** The first place in the ascending column whose entry is larger than `value`. */
function upperBound(column: Int32Array, value: number): number {
  let low = 0;
  let high = column.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((column[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
