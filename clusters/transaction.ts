/** What a transaction sees and leaves when it runs alone on given values: what every store of ours does with one. */

import type { Json, MicroOperation } from '../rig/contract.ts';

export interface Executed {
  /** The micro-operations with what was read. */
  readonly output: readonly MicroOperation[];
  /** The last value of each key that was written. */
  readonly writes: ReadonlyMap<string, Json>;
}

/** `valueOf` gives a key's value before the transaction, `null` where there is none. */
export function execute(transaction: readonly MicroOperation[], valueOf: (key: string) => Json): Executed {
  const writes = new Map<string, Json>();
  const output = transaction.map(([f, key, value]): MicroOperation => {
    const before = writes.has(key) ? (writes.get(key) as Json) : valueOf(key);
    if (f === 'r') return [f, key, before];
    writes.set(key, f === 'append' ? [...(Array.isArray(before) ? (before as readonly Json[]) : []), value] : value);
    return [f, key, value];
  });
  return { output, writes };
}

/** The keys that a transaction reads or writes, each once. */
export const keysOf = (transaction: readonly MicroOperation[]): string[] => [
  ...new Set(transaction.map(([, key]) => key)),
];
