/** What a transaction sees and leaves when it runs alone on given values: what every store of ours does with one. */

import type { Json, MicroOperation } from '../rig/contract.ts';
import { Refused } from '../rig/define.ts';

export interface Executed {
  /** The micro-operations with what was read. */
  readonly output: readonly MicroOperation[];
  /** The last value of each key that was written; `null` where its row was deleted. */
  readonly writes: ReadonlyMap<string, Json>;
}

/** `valueOf` gives a key's value before the transaction, `null` where there is none. Throws `Refused` with `row-exists`. */
export function execute(transaction: readonly MicroOperation[], valueOf: (key: string) => Json): Executed {
  const writes = new Map<string, Json>();
  const output = transaction.map((micro): MicroOperation => {
    const [f, key, value] = micro;
    const before = writes.has(key) ? (writes.get(key) as Json) : valueOf(key);
    const isThere = before !== null;
    if (isRead(micro)) return [f, key, before];
    if (f === 'insert' && isThere) throw rowExists(key);
    if (f === 'append') writes.set(key, [...(Array.isArray(before) ? (before as readonly Json[]) : []), value]);
    else if (f !== 'update' || isThere) writes.set(key, f === 'delete' ? null : value);
    return withChanged(micro, isThere ? 1 : 0);
  });
  return { output, writes };
}

export const isRead = ([f]: MicroOperation): boolean => f === 'r' || f === 'select';

/** As it is answered: an update or delete tells how many rows it found. */
export const withChanged = ([f, key, value]: MicroOperation, changed: number): MicroOperation =>
  f === 'update' || f === 'delete' ? [f, key, value, changed] : [f, key, value];

export const rowExists = (key: string): Refused => new Refused('row-exists', `there is a row ${key} already`);

/** The keys that a transaction reads or writes, each once. */
export const keysOf = (transaction: readonly MicroOperation[]): string[] => [
  ...new Set(transaction.map(([, key]) => key)),
];
