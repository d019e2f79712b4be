/**
 * SQL statements on rows by primary key as reads and writes of registers: an insert found no row and made one, an
 * update or delete that changed one row found some row, one that changed none found none.
 */

import type { Json } from '../../rig/contract.ts';
import { NO_CODE, PRESENT_CODE, TOMBSTONE_CODE, type ValueCodes } from './interner.ts';
import type { MicroOperation } from './micro-operations.ts';
import { END, endOfValue, MALFORMED, MICRO, type TransactionReader } from './transaction-cursor.ts';

/** A read or write that a statement amounts to. */
interface Part {
  readonly isRead: boolean;
  readonly key: Json;
  /** A row; `null` is none; of a read, `PRESENT` is some row. */
  readonly value: Json | typeof PRESENT;
  /** Whether it may have come to nothing, since nobody knows if there was a row. */
  readonly isConditional: boolean;
}

export const PRESENT: unique symbol = Symbol('some row');

/** What the statements amount to, in turn; `null` where one is no statement. `isKnown`: their results are in them. */
export function partsOf(statements: readonly Json[], isKnown: boolean): Part[] | null {
  const parts: Part[] = [];
  /** Whether there is a row, as far as the transaction's own statements tell. */
  const isThere = new Map<string, boolean>();
  for (const statement of statements) {
    if (!Array.isArray(statement) || statement.length < 2) return null;
    const [f, key = null, row = null, changed] = statement as readonly Json[];
    const part = (isRead: boolean, value: Part['value'], isConditional = false) =>
      parts.push({ isRead, key, value, isConditional });
    const name = JSON.stringify(key);
    if (f === 'select') part(true, row);
    else if (f === 'insert' && row !== null) {
      if (isKnown) part(true, null);
      part(false, row);
      isThere.set(name, true);
    } else if (f === 'delete' || (f === 'update' && row !== null)) {
      const made = f === 'delete' ? null : row;
      const found = isThere.get(name);
      if (!isKnown && found !== false) part(false, made, found === undefined);
      else if (isKnown && changed === 0) part(true, null);
      else if (isKnown && changed === 1) {
        part(true, PRESENT);
        part(false, made);
      } else if (isKnown) return null;
      if (f === 'delete') isThere.set(name, false);
    } else return null;
  }
  return parts;
}

/** The statements as micro-operations of a register, for a person: `["r", key, "some row"]`. */
export const asMicros = (statements: readonly Json[], isKnown: boolean): MicroOperation[] =>
  (partsOf(statements, isKnown) ?? []).map(({ isRead, key, value }) => [
    isRead ? 'r' : 'w',
    key,
    value === PRESENT ? 'some row' : value,
  ]);

export class RowCursor implements TransactionReader {
  isRead = false;
  isConditional = false;
  key = 0;
  value = NO_CODE;
  readonly list = new Int32Array(0);
  readonly length = -1;
  readonly #codes: ValueCodes;
  #parts: readonly Part[] | null = [];
  #next = 0;

  constructor(codes: ValueCodes) {
    this.#codes = codes;
  }

  begin(bytes: Buffer, from: number, isKnown: boolean): boolean {
    const statements = JSON.parse(bytes.toString('utf8', from, endOfValue(bytes, from))) as Json;
    this.#next = 0;
    this.#parts = Array.isArray(statements) ? partsOf(statements as readonly Json[], isKnown) : null;
    return Array.isArray(statements);
  }

  next(): number {
    if (this.#parts === null) return MALFORMED;
    const part = this.#parts[this.#next++];
    if (!part) return END;
    this.isRead = part.isRead;
    this.isConditional = part.isConditional;
    this.key = this.#codes.codeOf(part.key);
    if (part.value === PRESENT) this.value = PRESENT_CODE;
    else if (part.value !== null) this.value = this.#codes.codeOf(sorted(part.value));
    else this.value = part.isRead ? NO_CODE : TOMBSTONE_CODE;
    return MICRO;
  }
}

/** The same value with the names of its fields in order: rows are equal however a client lists their columns. */
export function sorted(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(sorted);
  const entries = Object.entries(value as { readonly [field: string]: Json });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([field, of]) => [field, sorted(of)]));
}
