/**
 * Is money moved, never made or lost, in what every read of all accounts sees? All reads show the same accounts and
 * the same total; in `bank` none shows a negative balance. One pass.
 */

import type { Input, Json } from '../rig/contract.ts';
import { defineChecker } from '../rig/define.ts';
import { type History, OK } from '../rig/history.ts';
import { Anomalies, count } from './anomalies.ts';
import { said } from './values.ts';
import { nameOf } from './wording.ts';

/** Transfers are not looked at: `from`, `to` and `amount` may be given in any form. `accounts` is another name of `read`. */
export type BankInput = Input & { readonly f: 'read' | 'accounts' | 'transfer' };

/** Of a read: balances by account, or a list of `{ account, balance }`, of pairs of both, or of balances alone. */
export type BankOutput = Json;

interface Read {
  readonly at: number;
  readonly balances: ReadonlyMap<string, number | null>;
  readonly total: number;
}

/** Of a total, so many digits count: sums of decimal fractions are a little off. */
const DIGITS = 15;

function readOf(history: History<BankInput, BankOutput>, at: number): Read | null {
  const output = history.output(at) ?? null;
  if (typeof output !== 'object' || output === null) return null;
  const entries = Array.isArray(output) ? (output as readonly Json[]).map(entryOf) : Object.entries(output);
  const balances = new Map<string, number | null>();
  let total = 0;
  for (const [account, balance = null] of entries as [string, Json | undefined][]) {
    const amount = amountIn(balance);
    if (Number.isNaN(amount)) return null;
    balances.set(account, amount);
    total += amount ?? 0;
  }
  return { at, balances, total: Number(total.toPrecision(DIGITS)) };
}

/** An account and its balance: an object or a pair of both, or the balance alone of the account of that place. */
function entryOf(entry: Json, place: number): readonly [string, Json | undefined] {
  if (Array.isArray(entry)) return [String(entry[0]), entry[1] as Json | undefined];
  if (typeof entry !== 'object' || entry === null) return [String(place), entry];
  const { account, balance } = entry as { readonly account?: Json; readonly balance?: Json };
  return [String(account), balance];
}

/** A number, or a decimal text as databases give it; `null` for none, `NaN` for anything else. */
function amountIn(balance: Json): number | null {
  if (balance === null || typeof balance === 'number') return balance;
  return typeof balance === 'string' && /^[+-]?\d+(?:\.\d+)?$/.test(balance) ? Number(balance) : Number.NaN;
}

/** What most of them have; of two that are equally common, the one seen first. */
function usual<T>(all: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const one of all) counts.set(one, (counts.get(one) ?? 0) + 1);
  let best: T | undefined;
  for (const [one, times] of counts) if (best === undefined || times > (counts.get(best) as number)) best = one;
  return best;
}

const accountsIn = ({ balances }: Read): string => [...balances.keys()].sort().join('\n');

function judgeRead(found: Anomalies, history: History, read: Read, agreed: Agreed, mayOverdraw: boolean): void {
  const { at, balances, total } = read;
  const tell = (name: string, subject: string, what: string) =>
    found.add(name, () => ({
      subject,
      explanation: `${what}, in the read of ${nameOf(history, at)}`,
      operations: [at],
      detail: Object.fromEntries(balances),
    }));
  for (const account of agreed.accounts)
    if ((balances.get(account) ?? null) === null)
      tell('missing-account', `account ${account}`, `account ${said(account)} has no balance, as it has elsewhere`);
  for (const [account, balance] of balances) {
    if (!agreed.accounts.has(account))
      tell('unexpected-account', `account ${account}`, `account ${said(account)} is there, which is nowhere else`);
    if (!mayOverdraw && balance !== null && balance < 0)
      tell('negative-balance', `account ${account}`, `account ${said(account)} holds ${balance}, less than nothing`);
  }
  if (total !== agreed.total)
    tell(
      'wrong-total',
      'all accounts',
      `all accounts together hold ${total} instead of ${agreed.total}, which ${agreed.support}`,
    );
}

interface Agreed {
  readonly total: number;
  readonly accounts: ReadonlySet<string>;
  readonly support: string;
}

const define = (checker: string, mayOverdraw: boolean) =>
  defineChecker<BankInput, BankOutput>({
    name: checker,
    check(history) {
      const found = new Anomalies(history);
      const reads: Read[] = [];
      let malformed = 0;
      for (let at = 0; at < history.length; at++) {
        if (history.type[at] !== OK || history.input(at).f === 'transfer') continue;
        const read = readOf(history, at);
        if (read) reads.push(read);
        else malformed++;
      }
      const total = usual(reads.map((read) => read.total)) ?? 0;
      const supporters = reads.filter((read) => read.total === total).length;
      const agreed: Agreed = {
        total,
        accounts: new Set((usual(reads.map(accountsIn)) ?? '').split('\n').filter((name) => name !== '')),
        support: `${supporters} of ${count(reads.length, 'read')} saw`,
      };
      for (const read of reads) judgeRead(found, history, read, agreed, mayOverdraw);
      const transfers = countTransfers(history);
      const missing = malformed > 0 ? [`${count(malformed, 'read')} did not show balances`] : [];
      if (reads.length === 0) missing.push('the accounts were never read');
      if (transfers === 0) missing.push('no transfer succeeded');
      const wrong = reads.find((read) => read.total !== total);
      return found.conclude({
        checker,
        guarantee: `the total of all accounts never changes${mayOverdraw ? '' : ', and none is overdrawn'}`,
        seen: `${total} in ${count(agreed.accounts.size, 'account')}, in all of ${count(reads.length, 'read')} during ${count(transfers, 'transfer')}`,
        missing,
        statistics: {
          reads: reads.length,
          transfers,
          accounts: agreed.accounts.size,
          total,
          firstWrongRead: wrong ? (history.invokeIndex[wrong.at] as number) : null,
        },
      });
    },
  });

function countTransfers(history: History<BankInput, BankOutput>): number {
  let transfers = 0;
  for (let at = 0; at < history.length; at++)
    if (history.type[at] === OK && history.input(at).f === 'transfer') transfers++;
  return transfers;
}

export const bank = define('bank', false);

/** For banks that lend. */
export const bankOverdraft = define('bank-overdraft', true);
