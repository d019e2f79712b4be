/**
 * What the service asks of its durable store, whichever it is. Everything in one `transaction` happens at once or
 * not at all, also when the process is killed at any line; two transactions about one key never overlap.
 */

import type { KeyedTransfer } from './terms.ts';

/** An HTTP answer as it is kept with its key: what every repeat of the request gets. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What the store remembers of a key. `answer: null` with a lease: someone said that they are at work on it. */
export interface KeyRecord {
  /** Of the payload it was first used with. */
  readonly fingerprint: string;
  readonly answer: Answer | null;
  /** Unix time in milliseconds: how long they are at work, or how long the answer is kept; 0: for ever. */
  readonly leaseUntilMs: number;
}

export interface AccountRow {
  readonly account: string;
  readonly opening: number;
  readonly balance: number;
}

/** `sequence` counts applied transfers upwards, not without gaps. */
export interface AppliedRow extends KeyedTransfer {
  readonly id: string;
  readonly sequence: number;
}

/** All of it was so at some time within the last `staleMs` milliseconds. */
export interface Copy {
  readonly rows: readonly AccountRow[];
  readonly staleMs: number;
}

export interface Transaction {
  find(scope: string, key: string): Promise<KeyRecord | null>;
  record(scope: string, key: string, record: KeyRecord): Promise<void>;
  /** Deletes a few answered keys that were to be kept until before then. Waits for nobody. */
  forget(beforeMs: number): Promise<void>;
  /** The payer's balance; both accounts are locked until the transaction ends. */
  funds(transfer: KeyedTransfer): Promise<number>;
  /** Moves the money and appends to the applied transfers. */
  move(id: string, transfer: KeyedTransfer): Promise<void>;
  /** Moves the money back and takes the transfer out of the applied ones; false if it is not among them. */
  takeBack(id: string): Promise<boolean>;
}

export interface Store {
  /** Rejects with `StoreUnavailable` if certainly nothing was committed, with anything else if that is not known. */
  transaction<T>(deadlineMs: number, work: (transaction: Transaction) => Promise<T>): Promise<T>;
  accounts(): Promise<readonly AccountRow[]>;
  /** What a copy of the store holds, which may be older than the store. */
  replica(): Promise<Copy>;
  /** How many applied transfers the copy lacks. */
  lag(): Promise<number>;
  /** In the order they were applied, those after `sequence`. */
  applied(afterSequence: number, limit: number): Promise<readonly AppliedRow[]>;
  close(): Promise<void>;
}

/** The store did not serve in time, and certainly nothing was committed. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** Milliseconds that never go back: for deadlines within one process. */
export const monotonicMs = (): number => performance.now();

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
