/**
 * The transactions of a history as columns: one entry for each micro-operation, and one for each write. What a
 * transaction read is left to a `ReadColumn`: lists and registers differ there.
 */

import type { Budget, Json } from '../../rig/contract.ts';
import { FAIL, type History, OK } from '../../rig/history.ts';
import { Keys, ValueCodes } from './interner.ts';
import { WriteTable } from './write-table.ts';

export type MicroOperation = readonly [f: string, key: Json, value: Json];
export type TransactionInput = { readonly f: 'txn'; readonly value: readonly MicroOperation[] };
export type TransactionOutput = readonly MicroOperation[];

/** A history that holds something else than transactions of the wanted kind. */
export class NotTransactions extends Error {
  override readonly name = 'NotTransactions';
}

/** Turns what a read saw into a number for the `value` column. */
export interface ReadColumn {
  /** What writes are called: `append` or `w`. */
  readonly writeName: 'append' | 'w';
  /** `null` saw nothing. Throws `NotTransactions` for what no such read can see. */
  numberOf(key: number, seen: Json, codes: ValueCodes): number;
}

/** What is in the `write` column where the micro-operation is a read. */
export const READ = -1;

/** In `writeState`: what is known of a write. */
export const FAILED = 1;
/** The same transaction writes the same key again later. */
export const INTERMEDIATE = 2;
/** Another transaction that may have happened writes the same value to the same key. */
export const AMBIGUOUS = 4;

const growInt = (column: Int32Array): Int32Array<ArrayBuffer> => {
  const grown = new Int32Array(2 * column.length);
  grown.set(column);
  return grown;
};

export class MicroOperations {
  readonly history: History;
  /** How many transactions there are: one for each operation of the history, by position. */
  readonly transactions: number;
  /** Where the micro-operations of each transaction begin; one entry more than there are transactions. */
  readonly start: Int32Array;
  readonly keys = new Keys();
  readonly codes = new ValueCodes();
  readonly table = new WriteTable();
  count = 0;
  key = new Int32Array(1024);
  /** Of a write, its number; of a read, `READ`. */
  write = new Int32Array(1024);
  /** Of a read, what the read column made of it; of a write, the code of its value. */
  value = new Int32Array(1024);
  writes = 0;
  writeTransaction = new Int32Array(512);
  writeMicro = new Int32Array(512);
  writeState = new Uint8Array(512);
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
    this.#column = column;
    for (let at = 0; at < history.length; at++) {
      if ((at & 1023) === 0 && budget.exhausted())
        throw new NotTransactions(`${budget.reason()} ran out while reading`);
      this.start[at] = this.count;
      const type = history.type[at];
      const did = type === OK ? history.output(at) : (history.input(at) as { readonly value?: Json }).value;
      if (!Array.isArray(did)) this.#reject(at, did ?? null);
      if (type === OK) this.succeeded++;
      this.#add(at, did as readonly Json[], type === OK, type === FAIL);
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
    const known = this.microsOf(at).filter(([f]) => f !== 'r' || this.history.type[at] === OK);
    return known[micro - (this.start[at] as number)] as MicroOperation;
  }

  microsOf(at: number): readonly MicroOperation[] {
    const { history } = this;
    const did = history.type[at] === OK ? history.output(at) : (history.input(at) as unknown as TransactionInput).value;
    return did as unknown as readonly MicroOperation[];
  }

  #add(at: number, did: readonly Json[], isOk: boolean, isFailed: boolean): void {
    const { writeName } = this.#column;
    for (const micro of did) {
      if (!Array.isArray(micro) || micro.length < 3) this.#reject(at, micro);
      const [f, key, value] = micro as [Json, Json, Json];
      const number = this.keys.numberOf(key);
      if (f === 'r') {
        if (isOk) this.#push(number, READ, this.#column.numberOf(number, value, this.codes));
      } else if (f === writeName) this.#addWrite(at, number, value, isFailed);
      else this.#reject(at, micro);
      if (f === 'r' && isOk) this.reads++;
    }
  }

  #addWrite(at: number, key: number, value: Json, isFailed: boolean): void {
    const write = this.writes++;
    if (write === this.writeTransaction.length) this.#growWrites();
    const code = this.codes.codeOf(value);
    const earlier = this.table.find(key, code);
    this.writeTransaction[write] = at;
    this.writeMicro[write] = this.count;
    this.writeState[write] = isFailed ? FAILED : 0;
    if (earlier >= 0 && !isFailed && !((this.writeState[earlier] as number) & FAILED)) {
      this.repeated.push(write);
      this.writeState[earlier] = (this.writeState[earlier] as number) | AMBIGUOUS;
      this.writeState[write] = AMBIGUOUS;
    } else if (earlier < 0 || !isFailed) this.table.set(key, code, write);
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
    this.key = growInt(this.key);
    this.write = growInt(this.write);
    this.value = growInt(this.value);
  }

  #growWrites(): void {
    this.writeTransaction = growInt(this.writeTransaction);
    this.writeMicro = growInt(this.writeMicro);
    const grown = new Uint8Array(2 * this.writeState.length);
    grown.set(this.writeState);
    this.writeState = grown;
  }

  #growKeys(key: number): void {
    while (key >= this.#lastWrite.length) this.#lastWrite = growInt(this.#lastWrite);
  }

  #reject(at: number, found: Json): never {
    const { writeName } = this.#column;
    throw new NotTransactions(
      `operation ${this.history.invokeIndex[at]} is no transaction of ["${writeName}", key, value] and ["r", key, value]: found ${JSON.stringify(found)?.slice(0, 80)}`,
    );
  }
}
