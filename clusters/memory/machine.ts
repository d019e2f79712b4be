/**
 * What every replica computes from the log: registers and a ledger. Commands that are the same request, or carry
 * the same idempotency key, are applied once and answered alike ever after.
 */

import { isDeepStrictEqual } from 'node:util';
import type { AppliedTransfer, FeedChange, Json, MicroOperation, Transfer } from '../../rig/contract.ts';
import { Refused } from '../../rig/define.ts';
import { execute, isRead as reads } from '../transaction.ts';

export type Command =
  | { readonly f: 'get'; readonly key: string }
  | { readonly f: 'put'; readonly key: string; readonly value: Json }
  | { readonly f: 'cas'; readonly key: string; readonly from: Json; readonly to: Json }
  | { readonly f: 'transfer'; readonly transfer: Transfer }
  | { readonly f: 'txn'; readonly micros: readonly MicroOperation[] }
  | { readonly f: 'snapshot'; readonly keys: readonly string[] }
  | { readonly f: 'commit'; readonly expects: readonly Pair[]; readonly writes: readonly Pair[] }
  | { readonly f: 'record'; readonly key: string; readonly value: Json }
  | { readonly f: 'changes'; readonly from: number }
  | { readonly f: 'balance'; readonly account: string }
  | { readonly f: 'accounts' | 'applied' | 'nothing' };

/** A key and its value. */
export type Pair = readonly [key: string, value: Json];

/** What the machine says: a value, or a refusal that changed nothing. */
export type Answer = { readonly value: Json } | { readonly refused: string; readonly detail: string };

const writes: readonly Command['f'][] = ['put', 'cas', 'transfer', 'commit', 'record'];

export const isRead = (command: Command): boolean =>
  command.f === 'txn' ? command.micros.every(reads) : !writes.includes(command.f);

const OPENING = 1000;
const ACCOUNTS = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi'];

export class Machine {
  readonly #registers = new Map<string, Json>();
  readonly #balances = new Map(ACCOUNTS.map((account) => [account, OPENING]));
  readonly #applied: AppliedTransfer[] = [];
  /** The change that made each revision, from 1. */
  readonly #changes: FeedChange[] = [];
  /** By request, or by idempotency key. */
  readonly #remembered = new Map<string, { readonly command: Command; readonly answer: Answer }>();

  /** Applies a command, unless one that is remembered under the same name was; `forgetful` does not look. */
  apply(command: Command, name: string, forgetful: boolean): Answer {
    const remembered = forgetful ? undefined : this.#remembered.get(name);
    if (remembered) return repeat(command, remembered);
    const answer = this.read(command) ?? this.#write(command);
    if (!isRead(command)) this.#remembered.set(name, { command, answer });
    return answer;
  }

  /** The answer to a command that changes nothing; `undefined` for any other. */
  read(command: Command): Answer | undefined {
    switch (command.f) {
      case 'nothing':
        return { value: null };
      case 'get':
        return { value: this.#value(command.key) };
      case 'changes':
        return { value: this.#changes.slice(command.from - 1) };
      case 'balance': {
        const balance = this.#balances.get(command.account);
        return balance === undefined ? noAccount(command.account) : { value: balance };
      }
      case 'accounts':
        return {
          value: [...this.#balances].map(([account, balance]) => ({ account, opening: OPENING, balance })),
        };
      case 'applied':
        return { value: [...this.#applied] };
      case 'snapshot':
        return { value: command.keys.map((key) => [key, this.#value(key)]) };
      case 'txn':
        return isRead(command) ? this.#transact(command.micros) : undefined;
      case 'put':
      case 'cas':
      case 'transfer':
      case 'commit':
      case 'record':
        return undefined;
    }
  }

  /** Everything it holds, for a person. */
  dump(): Json {
    return { registers: Object.fromEntries(this.#registers), balances: Object.fromEntries(this.#balances) };
  }

  #write(command: Command): Answer {
    if (command.f === 'put') {
      this.#registers.set(command.key, command.value);
      return { value: null };
    }
    if (command.f === 'cas') {
      const swaps = isDeepStrictEqual(this.#value(command.key), command.from);
      if (swaps) this.#registers.set(command.key, command.to);
      return { value: swaps };
    }
    if (command.f === 'transfer') return this.#transfer(command.transfer);
    if (command.f === 'record') return this.#record(command.key, command.value);
    if (command.f === 'txn') return this.#transact(command.micros);
    if (command.f === 'commit') {
      const stale = command.expects.find(([key, value]) => !isDeepStrictEqual(this.#value(key), value));
      if (stale) return { refused: 'conflict', detail: `${stale[0]} was written meanwhile` };
      for (const [key, value] of command.writes) this.#registers.set(key, value);
      return { value: null };
    }
    throw new Error(`${command.f} is not a write`);
  }

  #value(key: string): Json {
    return this.#registers.get(key) ?? null;
  }

  #transact(micros: readonly MicroOperation[]): Answer {
    try {
      const { output, writes: written } = execute(micros, (key) => this.#value(key));
      for (const [key, value] of written) this.#registers.set(key, value);
      return { value: output };
    } catch (error) {
      if (error instanceof Refused) return { refused: error.errorClass, detail: error.message };
      throw error;
    }
  }

  #record(key: string, value: Json): Answer {
    const before = this.#value(key);
    if (before === null && value === null) return { value: 0 };
    const revision = this.#changes.length + 1;
    const told = before === null ? {} : { previous: before };
    this.#changes.push({ key, value, revision, created: before === null && value !== null, ...told });
    this.#registers.set(key, value);
    return { value: revision };
  }

  #transfer(transfer: Transfer): Answer {
    const from = this.#balances.get(transfer.from);
    if (from === undefined) return noAccount(transfer.from);
    if (!this.#balances.has(transfer.to)) return noAccount(transfer.to);
    this.#balances.set(transfer.from, from - transfer.amount);
    this.#balances.set(transfer.to, (this.#balances.get(transfer.to) as number) + transfer.amount);
    const id = `t${this.#applied.length + 1}`;
    this.#applied.push({ id, ...transfer });
    return { value: { id, amount: transfer.amount, replayed: false } };
  }
}

function repeat(command: Command, remembered: { readonly command: Command; readonly answer: Answer }): Answer {
  const { answer } = remembered;
  if (command.f !== 'transfer' || !('value' in answer)) return answer;
  if (!isDeepStrictEqual(command, remembered.command))
    return { refused: 'key-reused', detail: `key ${command.transfer.key} was used for another transfer` };
  return { value: { ...(answer.value as { readonly [field: string]: Json }), replayed: true } };
}

const noAccount = (account: string): Answer => ({
  refused: 'no-such-account',
  detail: `there is no account "${account}"; there are ${ACCOUNTS.join(', ')}`,
});
