/**
 * The transactions of a history as columns: one entry for each micro-operation, and one for each write. What a
 * transaction read is left to a `ReadColumn`: lists and registers differ there.
 */

import type { Budget, Json } from '../../rig/contract.ts';
import { FAIL, type History, OK } from '../../rig/history.ts';
import { ABSENT, isKept } from '../../rig/values.ts';
import { Keys, NO_CODE, TOMBSTONE_CODE, ValueCodes } from './interner.ts';
import { END, MALFORMED, type TransactionReader } from './transaction-cursor.ts';
import { microFunction } from '../vocabulary.ts';
import { twice } from './twice.ts';
import { WriteTable } from './write-table.ts';

/** `changed` is of SQL alone: how many rows. */
export type MicroOperation =
  | readonly [f: string, key: Json, value: Json]
  | readonly [f: string, key: Json, value: Json, changed: number];
export type TransactionInput = { readonly f: 'txn'; readonly value: readonly MicroOperation[] };
export type TransactionOutput = readonly MicroOperation[];

/** With the function's own name, and with `null` where no value was given. */
export const ownForm = ([f = null, key = null, value = null, ...rest]: readonly Json[]): MicroOperation =>
  [microFunction(f), key, value, ...rest] as unknown as MicroOperation;

/** A history that holds something else than transactions of the wanted kind. */
export class NotTransactions extends Error {
  override readonly name = 'NotTransactions';
}

/** Turns what a read saw into a number for the `value` column. */
export interface ReadColumn {
  /** What micro-operations look like, for who gave others. */
  readonly form: string;
  readerOf(codes: ValueCodes): TransactionReader;
  /** What a transaction did, if one thing it asked for is several here. `isKnown`: with results. */
  expanded?(did: readonly MicroOperation[], isKnown: boolean): readonly MicroOperation[];
  /** The elements' codes are the first `length` of `list`, which is used again. */
  ofList(key: number, list: Int32Array, length: number): number;
  /** `NO_CODE` saw nothing. Throws `NotTransactions` for what no such read can see. */
  ofValue(code: number, codes: ValueCodes): number;
}

/** What is in the `write` column where the micro-operation is a read. */
export const READ = -1;

/** In `writeState`: what is known of a write. */
export const FAILED = 1;
/** The same transaction writes the same key again later. */
export const INTERMEDIATE = 2;
/** Another transaction that may have happened writes the same value to the same key. */
export const AMBIGUOUS = 4;
/** It may have come to nothing though its transaction happened, and nobody saw it. */
export const CONDITIONAL = 8;

export class MicroOperations {
  readonly history: History;
  /** How many transactions there are: one for each operation of the history, by position. */
  readonly transactions: number;
  /** Where the micro-operations of each transaction begin; one entry more than there are transactions. */
  readonly start: Int32Array;
  readonly keys = new Keys();
  readonly codes = new ValueCodes();
  readonly table: WriteTable;
  count = 0;
  key: Int32Array;
  /** Of a write, its number; of a read, `READ`. */
  write: Int32Array;
  /** Of a read, what the read column made of it; of a write, the code of its value. */
  value: Int32Array;
  writes = 0;
  writeTransaction: Int32Array;
  writeMicro: Int32Array;
  writeState: Uint8Array;
  /** Reads of transactions that succeeded. */
  reads = 0;
  succeeded = 0;
  /** Writes of a value that somebody else had written to the same key. */
  readonly repeated: number[] = [];
  readonly #column: ReadColumn;
  /** For each key, the last write of the transaction at hand, and whose it was. */
  #lastWrite = new Int32Array(1024);

  constructor(history: History, column: ReadColumn, budget: Budget) {
    this.history = history;
    this.transactions = history.length;
    this.start = new Int32Array(history.length + 1);
    this.table = new WriteTable(history.length);
    // Room for so many as there usually are; memory that nothing touches costs nothing.
    const micros = 3 * history.length + 16;
    this.key = new Int32Array(micros);
    this.write = new Int32Array(micros);
    this.value = new Int32Array(micros);
    const writes = 2 * history.length + 16;
    this.writeTransaction = new Int32Array(writes);
    this.writeMicro = new Int32Array(writes);
    this.writeState = new Uint8Array(writes);
    this.#column = column;
    const cursor = column.readerOf(this.codes);
    for (let at = 0; at < history.length; at++) {
      if ((at & 1023) === 0 && budget.exhausted())
        throw new NotTransactions(`${budget.reason()} ran out while reading`);
      this.start[at] = this.count;
      if (history.type[at] === OK) this.succeeded++;
      this.#add(at, cursor);
    }
    this.start[history.length] = this.count;
  }

  /** The transaction that a micro-operation belongs to. */
  transactionOf(micro: number): number {
    let low = 0;
    let high = this.transactions - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.start[middle] as number) <= micro) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The micro-operation as the client knows it, with what it read. */
  microAt(micro: number): MicroOperation {
    const at = this.transactionOf(micro);
    const isKnown = this.history.type[at] === OK;
    const did = this.#column.expanded?.(this.microsOf(at), isKnown) ?? this.microsOf(at);
    const known = did.filter(([f]) => f !== 'r' || isKnown);
    return known[micro - (this.start[at] as number)] as MicroOperation;
  }

  microsOf(at: number): readonly MicroOperation[] {
    const { history } = this;
    const did = history.type[at] === OK ? history.output(at) : (history.input(at) as unknown as TransactionInput).value;
    return (did as readonly (readonly Json[])[]).map(ownForm);
  }

  #add(at: number, cursor: TransactionReader): void {
    const { history } = this;
    const type = history.type[at] as number;
    const { values } = history;
    const code = textOf(history, at);
    if (code === ABSENT || !cursor.begin(values.chunkOf(code), values.offsetOf(code), type === OK)) this.#reject(at);
    for (let found = cursor.next(); found !== END; found = cursor.next()) {
      if (found === MALFORMED) this.#reject(at);
      if (cursor.isRead && type !== OK) continue;
      const key = this.keys.numberOf(cursor.key, this.codes);
      if (!cursor.isRead) {
        const state = (type === FAIL ? FAILED : 0) | (cursor.isConditional ? CONDITIONAL : 0);
        this.#addWrite(at, key, cursor.value === NO_CODE ? this.codes.codeOf(null) : cursor.value, state);
        continue;
      }
      this.reads++;
      const { list, length, value } = cursor;
      const column = this.#column;
      this.#push(key, READ, length >= 0 ? column.ofList(key, list, length) : column.ofValue(value, this.codes));
    }
  }

  #addWrite(at: number, key: number, code: number, state: number): void {
    const write = this.writes++;
    if (write === this.writeTransaction.length) this.#growWrites();
    // Nobody reads a tombstone by its value: each is its own.
    const earlier = code === TOMBSTONE_CODE ? -1 : this.table.add(key, code, write);
    this.writeTransaction[write] = at;
    this.writeMicro[write] = this.count;
    this.writeState[write] = state;
    if (earlier >= 0 && (state & FAILED) === 0) {
      if ((this.writeState[earlier] as number) & FAILED) this.table.replace(key, code, write);
      else {
        this.repeated.push(write);
        this.writeState[earlier] = (this.writeState[earlier] as number) | AMBIGUOUS;
        this.writeState[write] = state | AMBIGUOUS;
      }
    }
    if (key >= this.#lastWrite.length) this.#growKeys(key);
    const last = (this.#lastWrite[key] as number) - 1;
    if (last >= 0 && this.writeTransaction[last] === at)
      this.writeState[last] = (this.writeState[last] as number) | INTERMEDIATE;
    this.#lastWrite[key] = write + 1;
    this.#push(key, write, code);
  }

  #push(key: number, write: number, value: number): void {
    const micro = this.count++;
    if (micro === this.key.length) this.#growMicros();
    this.key[micro] = key;
    this.write[micro] = write;
    this.value[micro] = value;
  }

  #growMicros(): void {
    this.key = twice(this.key);
    this.write = twice(this.write);
    this.value = twice(this.value);
  }

  #growWrites(): void {
    this.writeTransaction = twice(this.writeTransaction);
    this.writeMicro = twice(this.writeMicro);
    this.writeState = twice(this.writeState);
  }

  #growKeys(key: number): void {
    while (key >= this.#lastWrite.length) this.#lastWrite = twice(this.#lastWrite);
  }

  #reject(at: number): never {
    const { history } = this;
    const found = history.type[at] === OK ? history.output(at) : history.input(at);
    throw new NotTransactions(
      `operation ${history.invokeIndex[at]} is no transaction of ${this.#column.form}: found ${JSON.stringify(found).slice(0, 120)}`,
    );
  }
}

/** The code of the text in which the transaction stands: what it did, or, if that is not known, what was asked for. */
function textOf({ type, outputCode, keyCode, valueCode, toCode }: History, at: number): number {
  const isAsked = type[at] !== OK;
  if (isAsked && (keyCode[at] !== ABSENT || toCode[at] !== ABSENT)) return ABSENT;
  const code = (isAsked ? valueCode[at] : outputCode[at]) as number;
  return isKept(code) ? code : ABSENT;
}
