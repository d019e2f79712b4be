/** What each read of a register saw: the write whose value it is, found once all writes are known. */

import { OK } from '../../rig/history.ts';
import { NO_CODE } from './interner.ts';
import {
  AMBIGUOUS,
  CONDITIONAL,
  FAILED,
  INTERMEDIATE,
  type MicroOperations,
  READ,
  type ReadColumn,
} from './micro-operations.ts';
import { TransactionCursor } from './transaction-cursor.ts';

/** In the `value` column of a read: the initial state, a value that nobody wrote, one that several wrote. */
export const INITIAL = -1;
export const UNWRITTEN = -2;
export const UNCERTAIN = -3;
/** Of a row: there was none, be it the initial state or that it had been deleted; there was one, whichever. */
export const ABSENT = -4;
export const PRESENT = -5;

/** Reads as codes of values, until `resolveReads` makes writes of them. */
export const registerReads: ReadColumn = {
  form: '["w", key, value] and ["r", key, value]',
  readerOf: (codes) => new TransactionCursor(codes, 'w', false),
  ofList: () => UNWRITTEN,
  ofValue: (code) => code,
};

/** Replaces, in the `value` column of reads, each value by the number of the write that it is from. */
export function resolveReads(micros: MicroOperations): void {
  const { value, write } = micros;
  for (let micro = 0; micro < micros.count; micro++)
    if (write[micro] === READ) value[micro] = value[micro] === NO_CODE ? INITIAL : resolveRead(micros, micro);
}

/** The write that a read's value is from, while the `value` column still has its code. */
export function resolveRead({ key, value, table, writeState }: MicroOperations, micro: number): number {
  const found = table.find(key[micro] as number, value[micro] as number);
  if (found < 0) return UNWRITTEN;
  return (writeState[found] as number) & AMBIGUOUS ? UNCERTAIN : found;
}

/**
 * Reads that saw the work of others: those of a key that the transaction had not touched before. In one numbering,
 * version `w` is what write `w` made, and `writes + k` the initial state of key `k`.
 */
export class ExternalReads {
  /** Each is the position of a micro-operation; those of version v are `micro[from[v]]` to `micro[from[v + 1]]`. */
  readonly micro: Int32Array;
  /** Whose they are, beside `micro`. */
  readonly transaction: Int32Array;
  readonly from: Int32Array;
  /** For each micro-operation, whether it is one. */
  readonly is: Uint8Array;

  constructor(micros: MicroOperations) {
    const { start, key, write, value } = micros;
    const versions = micros.writes + micros.keys.values.length;
    const touched = new Int32Array(micros.keys.values.length);
    this.is = new Uint8Array(micros.count);
    this.from = new Int32Array(versions + 1);
    for (let at = 0; at < micros.transactions; at++) {
      for (let micro = start[at] as number; micro < (start[at + 1] as number); micro++) {
        const k = key[micro] as number;
        const isFirst = touched[k] !== at + 1;
        touched[k] = at + 1;
        if (!isFirst || write[micro] !== READ || (value[micro] as number) < INITIAL) continue;
        this.is[micro] = 1;
        this.from[versionRead(micros, micro) + 1]!++;
      }
    }
    for (let version = 0; version < versions; version++) this.from[version + 1]! += this.from[version] as number;
    const next = this.from.slice();
    this.micro = new Int32Array(this.from[versions] as number);
    this.transaction = new Int32Array(this.micro.length);
    for (let at = 0; at < micros.transactions; at++) {
      for (let micro = start[at] as number; micro < (start[at + 1] as number); micro++) {
        if (this.is[micro] === 0) continue;
        const place = next[versionRead(micros, micro)]!++;
        this.micro[place] = micro;
        this.transaction[place] = at;
      }
    }
  }

  count(version: number): number {
    return (this.from[version + 1] as number) - (this.from[version] as number);
  }

  /** The transactions that read a version from outside. */
  of(version: number): Int32Array {
    return this.transaction.subarray(this.from[version] as number, this.from[version + 1] as number);
  }
}

/** The version that a read saw: a write's, or the initial state of its key. */
export function versionRead({ key, value, writes }: MicroOperations, micro: number): number {
  const write = value[micro] as number;
  return write === INITIAL ? writes + (key[micro] as number) : write;
}

/** Whether a write made a version that others may build upon: not failed, not overwritten by its own transaction, and certain. */
export const isInstalled = ({ writeState }: MicroOperations, write: number): boolean =>
  ((writeState[write] as number) & (FAILED | INTERMEDIATE | AMBIGUOUS | CONDITIONAL)) === 0;

/** For each transaction whether it happened: it succeeded, or somebody read what it wrote. */
export function happened(micros: MicroOperations): Uint8Array {
  const { history, write, value, writeTransaction } = micros;
  const did = new Uint8Array(micros.transactions);
  for (let at = 0; at < micros.transactions; at++) did[at] = history.type[at] === OK ? 1 : 0;
  for (let micro = 0; micro < micros.count; micro++) {
    const seen = value[micro] as number;
    if (write[micro] === READ && seen >= 0) did[writeTransaction[seen] as number] = 1;
  }
  return did;
}
