/**
 * What workloads of keyed transfers have in common: how they insist on an answer, how the books are read at the end,
 * and which part of the API each request goes to.
 */

import type { TransfersInput, TransfersOutput } from '../checkers/exactly-once.ts';
import type {
  Account,
  Apis,
  Completion,
  Directed,
  FinalContext,
  NodeId,
  Transfer,
  WorkerContext,
} from '../rig/contract.ts';
import type { Random } from '../rig/random.ts';

export type KeyedTransfer = { readonly f: 'transfer' } & Transfer;
/** Requests that end with a result. */
export type Asking<Result> = Generator<TransfersInput | Directed<TransfersInput>, Result, Completion<TransfersOutput>>;

const LARGEST_AMOUNT = 100;
/** A transfer that is not answered is repeated with its own key so often at most, over about four seconds. */
const MOST_ATTEMPTS = 8;
const FIRST_BACKOFF_MS = 40;
const LONGEST_BACKOFF_MS = 1_200;
/** Not every client insists after a refusal: a transfer that was only ever refused must never be applied. */
const GIVE_UP_WHEN_REFUSED = 0.5;
/** Transfers in doubt that are asked for again at the end. */
const MOST_SETTLED = 200;
/** Before the final reads: longer than a sound service works on a request that nobody waits for any more. */
const SETTLE_MS = 1_500;
const FINAL_TRIES = 40;
const FINAL_RETRY_MS = 250;

/** That a repeat with the same key changes nothing more is what is on trial, so it is not taken for granted. */
export const SEMANTICS = { transfer: 'unsafe', balance: 'safe', accounts: 'safe', applied: 'safe' } as const;

/** One worker asks again for what is still in doubt, reads the books, then every balance through every node. */
export function* settleTheBooks(context: FinalContext<TransfersInput>): Asking<void> {
  const { worker, nodes, unsettled } = context;
  if (worker !== 0) return;
  const inDoubt = unsettled.filter((input): input is KeyedTransfer => input.f === 'transfer');
  for (const transfer of inDoubt.slice(-MOST_SETTLED)) yield* insist(context, transfer);
  let afterMs = SETTLE_MS;
  let names: readonly string[] = [];
  for (const f of ['applied', 'accounts'] as const) {
    for (let attempt = 0; attempt < FINAL_TRIES; attempt++) {
      const answer = yield { ask: { f }, via: nodes[attempt % nodes.length] as NodeId, afterMs };
      afterMs = answer.type === 'ok' ? 0 : FINAL_RETRY_MS;
      if (answer.type !== 'ok') continue;
      if (f === 'accounts') names = (answer.output as readonly Account[]).map(({ account }) => account);
      break;
    }
  }
  for (const via of nodes) for (const account of names) yield { ask: { f: 'balance', account }, via };
}

export async function invoke(
  ledger: Apis['ledger'],
  input: TransfersInput,
  signal: AbortSignal,
): Promise<TransfersOutput> {
  switch (input.f) {
    case 'transfer': {
      const { key, from, to, amount } = input;
      return ledger.transfer({ key, from, to, amount }, signal);
    }
    case 'balance':
      return ledger.balance(input.account, signal, input.mayBeOld);
    case 'accounts':
      return ledger.accounts(signal);
    case 'applied':
      return ledger.applied(signal);
  }
}

/** Asks, and asks again through other nodes as long as the answer leaves a doubt. Whether it was acknowledged. */
export function* insist({ rng, nodes, node }: WorkerContext, transfer: KeyedTransfer): Asking<boolean> {
  const others = nodes.length > 1 ? nodes.filter((other) => other !== node) : nodes;
  let answer = yield transfer;
  for (let attempt = 1; attempt < MOST_ATTEMPTS && isWorthRepeating(answer, rng); attempt++) {
    const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), LONGEST_BACKOFF_MS);
    answer = yield {
      ask: transfer,
      via: attempt % 3 === 0 ? node : rng.pick(others),
      afterMs: Math.round(backoffMs * (0.5 + rng.float() / 2)),
    };
  }
  return answer.type === 'ok';
}

function isWorthRepeating(answer: Completion<TransfersOutput>, rng: Random): boolean {
  switch (answer.type) {
    case 'ok':
      return false;
    case 'info':
      return true;
    case 'fail':
      if (answer.error === 'http-409') return true;
      return (
        ['http-503', 'connection-refused', 'connect-timeout'].includes(answer.error) &&
        !rng.chance(GIVE_UP_WHEN_REFUSED)
      );
  }
}

export function* accountNames({ rng, nodes }: WorkerContext): Asking<readonly string[]> {
  for (;;) {
    const answer = yield { ask: { f: 'accounts' }, via: rng.pick(nodes) };
    if (answer.type === 'ok') return (answer.output as readonly Account[]).map(({ account }) => account);
  }
}

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
    const to = rng.pick(this.accounts.filter((account) => account !== from));
    return { f: 'transfer', key, from, to, amount: rng.integer(1, LARGEST_AMOUNT) };
  }
}
