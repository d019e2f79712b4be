/**
 * The order of versions of each list: the longest that anybody read. A read is stored as how much of it was seen;
 * lists that disagree with the longest, or hold an element twice, make their key doubtful and are looked at one by one.
 */

import type { Json } from '../../rig/contract.ts';
import { NO_CODE, type ValueCodes } from './interner.ts';
import { type MicroOperations, NotTransactions, READ, type ReadColumn } from './micro-operations.ts';
import { TransactionCursor } from './transaction-cursor.ts';
import { twice } from './twice.ts';

/** In the `value` column of a read: what it ended in is nowhere in the order. */
export const NOWHERE = -1;

/** Takes each read in turn and remembers the longest of its key, as codes in one pool. */
export class LongestLists implements ReadColumn {
  readonly form = '["append", key, value] and ["r", key, value]';
  readonly doubtful = new Set<number>();
  pool = new Int32Array(1 << 12);
  /** By key: where its list begins in the pool, how long it is, and how long it may grow there. */
  begin = new Int32Array(256);
  length = new Int32Array(256);
  #room = new Int32Array(256);
  #used = 0;

  readerOf(codes: ValueCodes): TransactionCursor {
    return new TransactionCursor(codes, 'append', true);
  }

  ofList(key: number, list: Int32Array, length: number): number {
    if (length === 0) return 0;
    if (key >= this.begin.length) this.#growKeys(key);
    const { pool } = this;
    const known = this.length[key] as number;
    const begin = this.begin[key] as number;
    const both = length < known ? length : known;
    let same = 0;
    while (same < both && list[same] === pool[begin + same]) same++;
    if (same < both) this.doubtful.add(key);
    if (length > known) this.#extend(key, list, length, same < both ? 0 : known);
    return length;
  }

  ofValue(code: number, codes: ValueCodes): number {
    if (code === NO_CODE) return 0;
    throw new NotTransactions(`a read saw ${JSON.stringify(codes.valueOf(code)).slice(0, 80)}, which is no list`);
  }

  /** The elements of the longest list of a key. */
  of(key: number): Int32Array {
    const begin = this.begin[key] ?? 0;
    return this.pool.subarray(begin, begin + (this.length[key] ?? 0));
  }

  #extend(key: number, list: Int32Array, length: number, from: number): void {
    if (length > (this.#room[key] as number)) {
      const begin = this.#used;
      const room = Math.max(8, 2 * length);
      this.#used += room;
      while (this.#used > this.pool.length) this.pool = twice(this.pool);
      this.begin[key] = begin;
      this.#room[key] = room;
      from = 0;
    }
    const begin = this.begin[key] as number;
    for (let at = from; at < length; at++) this.pool[begin + at] = list[at] as number;
    this.length[key] = length;
  }

  #growKeys(key: number): void {
    while (key >= this.begin.length) {
      this.begin = twice(this.begin);
      this.length = twice(this.length);
      this.#room = twice(this.#room);
    }
  }
}

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
  const doubtful = new Set(lists.doubtful);
  const base = new Int32Array(keys + 1);
  for (let key = 0; key < keys; key++) base[key + 1] = (base[key] as number) + 1 + (lists.length[key] ?? 0);
  const write = new Int32Array(base[keys] as number).fill(-1);
  const place = new Int32Array(micros.writes);
  const unwritten: { key: number; version: number; element: Json }[] = [];
  for (let key = 0; key < keys; key++) {
    let next = 1;
    let strangers: Set<number> | undefined;
    for (const code of lists.of(key)) {
      const found = micros.table.find(key, code);
      if (found < 0 ? strangers?.has(code) : (place[found] as number) > 0) {
        doubtful.add(key);
        continue;
      }
      const version = (base[key] as number) + next;
      write[version] = found;
      if (found >= 0) place[found] = next;
      else {
        strangers = (strangers ?? new Set()).add(code);
        unwritten.push({ key, version, element: micros.codes.valueOf(code) });
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
