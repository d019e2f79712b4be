/**
 * What workloads of keyed transfers have in common: how they insist on an answer, how the books are read at the end,
 * and which part of the API each request goes to.
 */

import type { TransfersInput, TransfersOutput } from '../checkers/exactly-once.ts';
import type { Account, Apis, FinalContext, Transfer, WorkerContext, Written } from '../rig/contract.ts';
import type { Random } from '../rig/random.ts';
import { type Asks, insist as insistOn, SETTLE_MS, untilAnswered } from './insist.ts';

export type KeyedTransfer = { readonly f: 'transfer' } & Transfer & Written;
/** Requests that end with a result. */
export type Asking<Result> = Asks<TransfersInput, TransfersOutput, Result>;

const LARGEST_AMOUNT = 100;
/** Transfers in doubt that are asked for again at the end. */
const MOST_SETTLED = 200;

/** That a repeat with the same key changes nothing more is what is on trial, so it is not taken for granted. */
export const SEMANTICS = { transfer: 'unsafe', balance: 'safe', accounts: 'safe', applied: 'safe' } as const;

/** One worker asks again for what is still in doubt, reads the books, then every balance through every node. */
export function* settleTheBooks(context: FinalContext<TransfersInput>): Asking<void> {
  const { worker, nodes, unsettled } = context;
  if (worker !== 0) return;
  const inDoubt = unsettled.filter((input): input is KeyedTransfer => input.f === 'transfer');
  for (const transfer of inDoubt.slice(-MOST_SETTLED)) yield* insist(context, transfer);
  yield* untilAnswered(nodes, { f: 'applied' }, SETTLE_MS);
  const accounts = yield* untilAnswered<TransfersInput, TransfersOutput>(nodes, { f: 'accounts' }, 0);
  const names = ((accounts ?? []) as readonly Account[]).map(({ account }) => account);
  for (const via of nodes) for (const account of names) yield { ask: { f: 'balance', account }, via };
}

export async function invoke(
  ledger: Apis['ledger'],
  input: TransfersInput,
  signal: AbortSignal,
): Promise<TransfersOutput> {
  switch (input.f) {
    case 'transfer': {
      const { f: _, ...transfer } = input;
      return ledger.transfer(transfer, signal);
    }
    case 'balance':
      return ledger.balance(input.account, signal, input.mayBeOld);
    case 'accounts':
      return ledger.accounts(signal);
    case 'applied':
      return ledger.applied(signal);
  }
}

/** Whether the transfer was acknowledged in the end. */
export const insist = (context: WorkerContext, transfer: KeyedTransfer): Asking<boolean> =>
  insistOn<TransfersInput, TransfersOutput>(context, transfer, ['http-409']);

export function* accountNames({ rng, nodes }: WorkerContext): Asking<readonly string[]> {
  for (;;) {
    const answer = yield { ask: { f: 'accounts' }, via: rng.pick(nodes) };
    if (answer.type === 'ok') return (answer.output as readonly Account[]).map(({ account }) => account);
  }
}

/** What an account's name begins with, up to a dot, is its tenant: money stays there. */
const tenantOf = (account: string): string => (account.includes('.') ? account.slice(0, account.indexOf('.')) : '');

/** New transfers of one worker, by where their keys come from. */
export class Draw {
  readonly accounts: readonly string[];
  readonly #context: WorkerContext;
  readonly #pair: number;
  readonly #pairRng: Random;
  #count = 0;
  #pairCount = 0;
  #samekeyCount = 0;

  constructor(context: WorkerContext, accounts: readonly string[]) {
    this.accounts = accounts;
    this.#context = context;
    this.#pair = Math.floor(context.worker / 2);
    this.#pairRng = context.shared.fork(`pair ${this.#pair}`);
  }

  /** Whom this account can pay. */
  payees(from: string): readonly string[] {
    return this.accounts.filter((account) => account !== from && tenantOf(account) === tenantOf(from));
  }

  /** Nobody else asks for it. */
  own(): KeyedTransfer {
    const { rng, worker } = this.#context;
    return this.#transfer(`w${worker}-${++this.#count}`, rng, rng.pick(this.accounts));
  }

  /** The worker beside this one, on another node, asks for the same at about the same time. */
  paired(): KeyedTransfer {
    return this.#transfer(`p${this.#pair}-${++this.#pairCount}`, this.#pairRng, this.#pairRng.pick(this.accounts));
  }

  /** Other workers use the same key for another payer. */
  samekey(): KeyedTransfer {
    const { shared, worker } = this.#context;
    const from = this.accounts[worker % this.accounts.length] as string;
    const key = `s${++this.#samekeyCount}`;
    return this.#transfer(key, shared.fork(`same key ${from} ${key}`), from);
  }

  /** Under this key, which nobody else uses. */
  named(key: string): KeyedTransfer {
    const { rng } = this.#context;
    return this.#transfer(key, rng, rng.pick(this.accounts));
  }

  #transfer(key: string, rng: Random, from: string): KeyedTransfer {
    const to = rng.pick(this.payees(from));
    return { f: 'transfer', key, from, to, amount: rng.integer(1, LARGEST_AMOUNT) };
  }
}
