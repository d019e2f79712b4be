/**
 * What a history of transfers holds, by transfer: every attempt to make it, and everything that was read. A transfer
 * is named by the paying account and the idempotency key; its attempts are the requests that share both.
 */

import type {
  Account,
  AgedBalance,
  AppliedTransfer,
  Input,
  Json,
  Transfer,
  TransferReceipt,
  Written,
} from '../../rig/contract.ts';
import { FAIL, type History, NEVER, OK } from '../../rig/history.ts';

export type TransfersInput = Input &
  (
    | ({ readonly f: 'transfer' } & Transfer & Written)
    | { readonly f: 'balance'; readonly account: string; readonly mayBeOld?: true }
    | { readonly f: 'accounts' }
    /** `expected`: the digest of what is to be in it, where that is known beforehand. */
    | { readonly f: 'applied'; readonly expected?: string }
  );

/** Of `transfer`, `balance`, `accounts` and `applied`, in this order. */
export type TransfersOutput = TransferReceipt | number | AgedBalance | readonly Account[] | readonly AppliedTransfer[];

/** One transfer that was asked for, by all its attempts. Indices are of events. */
export interface Asked {
  readonly name: string;
  readonly from: string;
  readonly key: string;
  /** Positions in the history, in order of invocation. */
  readonly attempts: number[];
  /** When the first `ok` was received; `NEVER`: none was. */
  ackedAt: number;
}

/** An answer to `applied`: the transfers by name, each as often as it was listed. */
export interface Listing {
  readonly at: number;
  readonly invoked: number;
  readonly completed: number;
  readonly applied: ReadonlyMap<string, readonly AppliedTransfer[]>;
}

export interface AccountsRead {
  readonly at: number;
  readonly accounts: readonly Account[];
}

/** `staleMs`: the answer said that it may be so old; `null`: it did not say so, and so must be fresh. */
export interface BalanceRead {
  readonly at: number;
  readonly account: string;
  readonly balance: number;
  readonly staleMs: number | null;
}

export interface Evidence {
  readonly transfers: ReadonlyMap<string, Asked>;
  /** In order of invocation. */
  readonly listings: readonly Listing[];
  readonly accountReads: readonly AccountsRead[];
  readonly balanceReads: readonly BalanceRead[];
  /** What each attempt asked for, and the receipt it got if it got one: by its position in the history, decoded once. */
  readonly asked: readonly ((Transfer & Written) | undefined)[];
  readonly receipts: readonly (TransferReceipt | undefined)[];
  /** Answers that were not what the API promises, in words. */
  readonly malformed: readonly string[];
}

/** The name of a transfer; no account or key can make it ambiguous. */
export const nameOfTransfer = (from: string, key: string): string => `${from.length} ${from} ${key}`;

export function gather(history: History<TransfersInput, TransfersOutput>): Evidence {
  const register = new Register();
  const listings: Listing[] = [];
  const accountReads: AccountsRead[] = [];
  const balanceReads: BalanceRead[] = [];
  const asked: ((Transfer & Written) | undefined)[] = [];
  const receipts: (TransferReceipt | undefined)[] = [];
  const malformed: string[] = [];
  for (let at = 0; at < history.length; at++) {
    asked.push(undefined);
    receipts.push(undefined);
    const input = history.input(at);
    const output: Json | undefined = history.output(at);
    const isOk = history.type[at] === OK;
    if (input.f === 'transfer' && !isTransfer(input)) {
      malformed.push(`operation ${history.invokeIndex[at]} asks for a transfer without key, from, to and amount`);
      continue;
    }
    if (input.f === 'transfer') {
      const transfer = register.of(input.from, input.key);
      transfer.attempts.push(at);
      if (isOk) transfer.ackedAt = Math.min(transfer.ackedAt, history.completeIndex[at] as number);
      asked[at] = input;
      if (isReceipt(output)) receipts[at] = output;
    }
    if (!isOk) continue;
    const complain = () =>
      malformed.push(`operation ${history.invokeIndex[at]} answered ${input.f} with something else`);
    if (input.f === 'transfer' && !isReceipt(output)) complain();
    if (input.f === 'balance') {
      if (typeof output === 'number') balanceReads.push({ at, account: input.account, balance: output, staleMs: null });
      else if (isAged(output)) balanceReads.push({ at, account: input.account, ...output });
      else complain();
    }
    if (input.f === 'accounts') {
      if (isListOf(output, isAccount)) accountReads.push({ at, accounts: output });
      else complain();
    }
    if (input.f === 'applied') {
      if (isListOf(output, isApplied)) listings.push(listing(history, at, output));
      else complain();
    }
  }
  return { transfers: register.byName, listings, accountReads, balanceReads, asked, receipts, malformed };
}

/** True if every one of these attempts that was made before event `index` was refused. */
export const wasRefused = (
  history: History<TransfersInput, TransfersOutput>,
  { attempts }: { readonly attempts: readonly number[] },
  index: number,
): boolean => attempts.every((at) => history.type[at] === FAIL || (history.invokeIndex[at] as number) > index);

/** Finds transfers without making their names, of which most attempts make no new one. */
class Register {
  readonly byName = new Map<string, Asked>();
  readonly #byPayer = new Map<string, Map<string, Asked>>();

  of(from: string, key: string): Asked {
    let ofPayer = this.#byPayer.get(from);
    if (!ofPayer) this.#byPayer.set(from, (ofPayer = new Map()));
    let transfer = ofPayer.get(key);
    if (transfer) return transfer;
    transfer = { name: nameOfTransfer(from, key), from, key, attempts: [], ackedAt: NEVER };
    ofPayer.set(key, transfer);
    this.byName.set(transfer.name, transfer);
    return transfer;
  }
}

function listing(
  history: History<TransfersInput, TransfersOutput>,
  at: number,
  entries: readonly AppliedTransfer[],
): Listing {
  const applied = new Map<string, AppliedTransfer[]>();
  for (const entry of entries) {
    const name = nameOfTransfer(entry.from, entry.key);
    const group = applied.get(name);
    if (group) group.push(entry);
    else applied.set(name, [entry]);
  }
  return {
    at,
    invoked: history.invokeIndex[at] as number,
    completed: history.completeIndex[at] as number,
    applied,
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const isListOf = <T>(value: unknown, isOne: (value: unknown) => value is T): value is readonly T[] =>
  Array.isArray(value) && value.every(isOne);

const isReceipt = (value: unknown): value is TransferReceipt =>
  isRecord(value) && typeof value['id'] === 'string' && typeof value['amount'] === 'number';

const isAccount = (value: unknown): value is Account =>
  isRecord(value) &&
  typeof value['account'] === 'string' &&
  typeof value['opening'] === 'number' &&
  typeof value['balance'] === 'number';

const isAged = (value: unknown): value is AgedBalance =>
  isRecord(value) && typeof value['balance'] === 'number' && typeof value['staleMs'] === 'number';

const isTransfer = (value: unknown): boolean =>
  isRecord(value) &&
  ['key', 'from', 'to'].every((field) => typeof value[field] === 'string') &&
  typeof value['amount'] === 'number';

const isApplied = (value: unknown): value is AppliedTransfer =>
  isTransfer(value) && isRecord(value) && typeof value['id'] === 'string';
