/**
 * The order of versions of each list: the longest that anybody read. A read is stored as how much of it was seen;
 * lists that disagree with the longest, or hold an element twice, make their key doubtful and are looked at one by one.
 */

import type { Json } from '../../rig/contract.ts';
import { type MicroOperations, NotTransactions, READ, type ReadColumn } from './micro-operations.ts';

/** In the `value` column of a read: what it ended in is nowhere in the order. */
export const NOWHERE = -1;

const EMPTY: readonly Json[] = [];

/** Takes each read in turn and remembers the longest of its key. */
export class LongestLists implements ReadColumn {
  readonly writeName = 'append';
  /** By key. */
  readonly longest: (readonly Json[] | undefined)[] = [];
  readonly doubtful = new Set<number>();

  numberOf(key: number, seen: Json): number {
    if (seen === null) return 0;
    if (!Array.isArray(seen))
      throw new NotTransactions(`a read saw ${JSON.stringify(seen).slice(0, 80)}, which is no list`);
    const list = seen as readonly Json[];
    const longest = this.longest[key] ?? EMPTY;
    const both = Math.min(list.length, longest.length);
    for (let at = both - 1; at >= 0; at--) {
      if (list[at] === longest[at]) continue;
      if (!isSame(list[at] as Json, longest[at] as Json)) this.doubtful.add(key);
    }
    if (list.length > longest.length) this.longest[key] = list;
    return list.length;
  }
}

const isSame = (one: Json, other: Json): boolean =>
  typeof one === 'object' && typeof other === 'object' && JSON.stringify(one) === JSON.stringify(other);

/** Versions of all lists, in one numbering: `base[key]` is the empty list, `base[key] + i` the one of i elements. */
export interface ListOrder {
  readonly base: Int32Array;
  /** For each version, the write of its last element; −1 for an empty list and for what nobody wrote. */
  readonly write: Int32Array;
  /** For each write, its place in the order from 1; 0 if nobody saw it. */
  readonly place: Int32Array;
  readonly doubtful: ReadonlySet<number>;
  /** Elements that nobody appended: their version, and what they are. */
  readonly unwritten: readonly { readonly key: number; readonly version: number; readonly element: Json }[];
}

/** Settles the order, and rewrites the `value` of the reads of doubtful keys to the place of what they ended in. */
export function orderOfLists(micros: MicroOperations, lists: LongestLists): ListOrder {
  const keys = micros.keys.values.length;
  const { longest } = lists;
  const doubtful = new Set(lists.doubtful);
  const base = new Int32Array(keys + 1);
  for (let key = 0; key < keys; key++) base[key + 1] = (base[key] as number) + 1 + (longest[key]?.length ?? 0);
  const write = new Int32Array(base[keys] as number).fill(-1);
  const place = new Int32Array(micros.writes);
  const unwritten: { key: number; version: number; element: Json }[] = [];
  for (let key = 0; key < keys; key++) {
    let next = 1;
    const strangers = new Set<number>();
    for (const element of longest[key] ?? EMPTY) {
      const code = micros.codes.codeOf(element);
      const found = micros.table.find(key, code);
      if (found < 0 ? strangers.has(code) : (place[found] as number) > 0) {
        doubtful.add(key);
        continue;
      }
      const version = (base[key] as number) + next;
      write[version] = found;
      if (found >= 0) place[found] = next;
      else {
        strangers.add(code);
        unwritten.push({ key, version, element });
      }
      next++;
    }
  }
  const order = { base, write, place, doubtful, unwritten };
  if (doubtful.size > 0) replace(micros, order);
  return order;
}

function replace(micros: MicroOperations, { doubtful, unwritten, base, place }: ListOrder): void {
  const strangers = new Map(
    unwritten.map(({ key, element, version }) => [`${key} ${micros.codes.codeOf(element)}`, version]),
  );
  for (let micro = 0; micro < micros.count; micro++) {
    const key = micros.key[micro] as number;
    if (micros.write[micro] !== READ || !doubtful.has(key) || micros.value[micro] === 0) continue;
    const last = (micros.microAt(micro)[2] as readonly Json[]).at(-1) as Json;
    const code = micros.codes.codeOf(last);
    const found = micros.table.find(key, code);
    const first = base[key] as number;
    const at = found >= 0 ? (place[found] as number) : (strangers.get(`${key} ${code}`) ?? first) - first;
    micros.value[micro] = at === 0 ? NOWHERE : at;
  }
}
