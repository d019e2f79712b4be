/**
 * Was every keyed transfer applied exactly once? Acknowledged means applied once; refused means never; unknown means
 * at most once; one key gets one answer; money is conserved. Judged by transfer, in near-linear time.
 */

import type { AppliedTransfer, Checker, TransferReceipt, Verdict } from '../rig/contract.ts';
import { defineChecker, invalid, unknown, valid } from '../rig/define.ts';
import { type History, NEVER } from '../rig/history.ts';
import { Balances, type Bounds, eventBefore } from './ledger/balances.ts';
import { type Coverage, coverageOf } from './ledger/coverage.ts';
import {
  type AccountsRead,
  type Asked,
  type BalanceRead,
  gather,
  type Listing,
  nameOfTransfer,
  type TransfersInput,
  type TransfersOutput,
  wasRefused,
} from './ledger/evidence.ts';
import { Findings } from './ledger/findings.ts';
import { guaranteesOf, notJudged } from './ledger/guarantees.ts';
import { judgePayloads, type PayloadGroup, payloadsOf, wasRefusedForGood } from './ledger/payloads.ts';
import { type Ages, type ServiceInput, type ServiceOutput, toldAsTransfers } from './ledger/service-requests.ts';
import { judgeSettled, judgeStuckKeys } from './ledger/stuck-keys.ts';
import { LEDGER_TERMS } from './ledger/terms.ts';
import { judgeWire } from './ledger/wire.ts';

export type { TransfersInput, TransfersOutput } from './ledger/evidence.ts';
export { AGE_GUARANTEES } from './ledger/guarantees.ts';
export type { ServiceInput, ServiceOutput } from './ledger/service-requests.ts';

const NAME = 'exactly-once';

export const exactlyOnce = defineChecker<TransfersInput | ServiceInput, TransfersOutput | ServiceOutput>({
  name: NAME,
  check(given) {
    const told = toldAsTransfers(given as unknown as History);
    const history = told?.history ?? (given as unknown as History<TransfersInput, TransfersOutput>);
    const evidence = gather(history);
    const findings = new Findings(history, evidence, told?.terms ?? LEDGER_TERMS);
    const acked = [...evidence.transfers.values()].filter(({ ackedAt }) => ackedAt !== NEVER);
    for (const listing of evidence.listings) {
      judgeApplied(findings, listing);
      judgeMissing(findings, listing, acked);
    }
    judgeVanished(findings);
    const reusedKeys = judgePayloads(findings);
    judgeReceipts(findings, acked);
    judgeStuckKeys(findings);
    judgeSettled(findings);
    const coverage = coverageOf(findings, reusedKeys, judgeWire(findings));
    const lastAck = acked.reduce((latest, { ackedAt }) => Math.max(latest, ackedAt), -1);
    const truth = evidence.listings.findLast(({ invoked }) => invoked > lastAck) ?? null;
    judgeBalances(findings, truth);
    judgeAges(findings, told?.ages ?? null);
    return conclude(findings, acked.length, truth, coverage, told?.ages ?? null);
  },
});

/** The same of a run that is about some guarantees: it proves nothing where one of them was never put to the test. */
export const exactlyOnceProving = (
  guarantees: readonly string[],
): Checker<TransfersInput | ServiceInput, TransfersOutput | ServiceOutput> =>
  defineChecker<TransfersInput | ServiceInput, TransfersOutput | ServiceOutput>({
    name: NAME,
    async check(history, budget) {
      const verdict = await exactlyOnce.check(history, budget);
      const missing = notJudged((verdict.guarantees ?? []).filter(({ name }) => guarantees.includes(name)));
      if (verdict.validity !== 'valid' || missing.length === 0) return verdict;
      return { ...verdict, validity: 'unknown', summary: missing.join('; ') };
    },
  });

function judgeAges(findings: Findings, ages: Ages | null): void {
  for (const { name, key, from, what } of ages?.findings ?? []) {
    const transfer = findings.evidence.transfers.get(nameOfTransfer(from, key));
    if (transfer) findings.addTransfer(name, transfer, null, what);
  }
}

/** What a list holds: nothing twice, nothing refused, nothing that nobody asked for. */
function judgeApplied(findings: Findings, { at, applied, completed }: Listing): void {
  const { history, evidence, terms } = findings;
  for (const [name, entries] of applied) {
    const [entry] = entries;
    if (!entry) continue;
    const transfer = evidence.transfers.get(name) ?? {
      name,
      from: entry.from,
      key: entry.key,
      attempts: [],
      ackedAt: NEVER,
    };
    const seen = findings.seen(at, entries);
    if (entries.length > 1)
      findings.addTransfer('duplicate-application', transfer, at, `applied ${entries.length} times, ${seen}`);
    const began = transfer.attempts.filter((attempt) => (history.invokeIndex[attempt] as number) < completed);
    if (began.length === 0)
      findings.addTransfer('phantom-application', transfer, at, `applied before anyone had asked for it, ${seen}`);
    const wanted = began.length === 0 ? [] : payloadsOf(evidence, began);
    for (const { to, amount } of began.length === 0 ? [] : entries) {
      const group = wanted.find((one) => one.to === to && one.amount === amount);
      const isRefused = (one: PayloadGroup) =>
        wasRefusedForGood(findings, one) ||
        (wasRefused(history, one, completed) && !findings.hadCopyThatCounts(transfer));
      if (group && isRefused(group))
        findings.addTransfer('rejected-but-applied', transfer, at, `refused, and yet applied, ${seen}`);
      if (!group)
        findings.addTransfer(
          'phantom-application',
          transfer,
          at,
          `applied as ${terms.payload({ to, amount })}, which nobody asked for, ${seen}`,
        );
    }
  }
}

/** What a list lacks: everything that was acknowledged before it was asked for must be there. */
function judgeMissing(findings: Findings, { at, applied, invoked }: Listing, acked: readonly Asked[]): void {
  for (const transfer of acked)
    if (transfer.ackedAt < invoked && !applied.has(transfer.name))
      findings.addTransfer(
        'acknowledged-not-applied',
        transfer,
        at,
        `acknowledged, and yet not ${findings.seen(at, [])}`,
      );
}

/** What one list held, every later one must hold. */
function judgeVanished(findings: Findings): void {
  const { listings, transfers } = findings.evidence;
  const seenBy = new Map<string, Listing>();
  for (const listing of listings) {
    for (const [name, earlier] of seenBy) {
      const transfer = transfers.get(name);
      if (!transfer || listing.applied.has(name) || earlier.completed >= listing.invoked) continue;
      if (findings.has('acknowledged-not-applied', name)) continue;
      const then = findings.seen(earlier.at, earlier.applied.get(name) ?? []);
      findings.addTransfer(
        'lost-application',
        transfer,
        listing.at,
        `applied ${then}, and no longer ${findings.seen(listing.at, [])}`,
      );
    }
    for (const name of listing.applied.keys()) if (!seenBy.has(name)) seenBy.set(name, listing);
  }
}

/** One key gets one answer, and it is about that key's transfer. */
function judgeReceipts(findings: Findings, acked: readonly Asked[]): void {
  const { history, evidence } = findings;
  const owners = new Map<string, AppliedTransfer>();
  for (const { applied } of evidence.listings)
    for (const entries of applied.values()) for (const entry of entries) owners.set(entry.id, entry);
  for (const transfer of acked) {
    const receipts = transfer.attempts.filter((at) => evidence.receipts[at] !== undefined);
    const first = evidence.receipts[receipts[0] ?? -1];
    for (const at of receipts) {
      const { id, amount } = evidence.receipts[at] as TransferReceipt;
      const owner = owners.get(id);
      const index = history.invokeIndex[at];
      if (owner && (owner.key !== transfer.key || owner.from !== transfer.from)) {
        findings.addTransfer(
          'foreign-response',
          transfer,
          null,
          `operation ${index} was answered with ${id}, which is the ${findings.terms.noun} of key ${owner.key} of ${findings.terms.whose(owner.from)}`,
        );
      } else if (amount !== evidence.asked[at]?.amount && !findings.has('payload-ignored', transfer.name))
        findings.addTransfer(
          'foreign-response',
          transfer,
          null,
          `operation ${index} asked for ${evidence.asked[at]?.amount} and was answered with ${id} for ${amount}`,
        );
      const differs = first && (id !== first.id || amount !== first.amount);
      if (differs && !findings.has('payload-ignored', transfer.name))
        findings.addTransfer(
          'unstable-response',
          transfer,
          null,
          `answered with ${findings.receipt(first)}, and with ${findings.receipt({ id, amount })}`,
        );
    }
    judgeId(findings, transfer, receipts);
  }
}

/** An acknowledged id must be the id that was applied. */
function judgeId(findings: Findings, transfer: Asked, receipts: readonly number[]): void {
  const { history, evidence } = findings;
  if (['foreign-response', 'unstable-response'].some((name) => findings.has(name, transfer.name))) return;
  for (const at of receipts) {
    const { id } = evidence.receipts[at] as TransferReceipt;
    const listing = evidence.listings.find(({ invoked }) => invoked > (history.completeIndex[at] as number));
    const entries = listing?.applied.get(transfer.name);
    if (listing && entries && !entries.some((entry) => entry.id === id))
      findings.addTransfer(
        'acknowledged-not-applied',
        transfer,
        listing.at,
        `acknowledged as ${id}, but applied ${findings.seen(listing.at, entries)}`,
      );
  }
}

function judgeBalances(findings: Findings, truth: Listing | null): void {
  const { history, evidence } = findings;
  const openings = new Map<string, number>();
  for (const read of evidence.accountReads) judgeTotal(findings, read, openings);
  const balances = new Balances(history, evidence, truth);
  let lastAsked = -1;
  for (const { attempts } of evidence.transfers.values())
    for (const at of attempts) lastAsked = Math.max(lastAsked, at);
  const judgeOne = ({ at, account, balance, staleMs }: BalanceRead, isFinal: boolean) => {
    const opening = openings.get(account);
    if (opening === undefined) return;
    const from = staleMs === null ? (history.invokeIndex[at] as number) : eventBefore(history, at, staleMs);
    const bounds = balances.during(account, opening, from, history.completeIndex[at] as number);
    if (balance >= bounds.low && balance <= bounds.high) return;
    const said = staleMs === null ? 'then' : `at some time in the ${staleMs} ms before, as the answer says,`;
    const what = `account ${account} was read as ${balance}, but opened with ${opening} and must ${said} have held ${words(bounds)}`;
    const subject = `account ${account}, operation ${history.invokeIndex[at]}`;
    if (isFinal) findings.addRead('money-not-conserved', `account ${account}`, at, what);
    else findings.addRead(staleMs === null ? 'stale-balance' : 'stale-beyond-bound', subject, at, what);
  };
  for (const read of evidence.balanceReads) judgeOne(read, false);
  for (const { at, accounts } of evidence.accountReads) {
    for (const { account, balance } of accounts) judgeOne({ at, account, balance, staleMs: null }, at > lastAsked);
  }
}

/** All accounts together always hold what they opened with, and what they opened with does not change. */
function judgeTotal(findings: Findings, { at, accounts }: AccountsRead, openings: Map<string, number>): void {
  let opening = 0;
  let balance = 0;
  for (const account of accounts) {
    opening += account.opening;
    balance += account.balance;
    const before = openings.get(account.account) ?? account.opening;
    if (before !== account.opening)
      findings.addRead(
        'money-not-conserved',
        `opening of ${account.account}`,
        at,
        `account ${account.account} opened with ${before}, and later with ${account.opening}`,
      );
    openings.set(account.account, before);
  }
  if (opening !== balance)
    findings.addRead(
      'money-not-conserved',
      'all accounts',
      at,
      `all accounts together opened with ${opening} and hold ${balance}`,
    );
}

const words = ({ low, high }: Bounds): string => (low === high ? `${low}` : `between ${low} and ${high}`);

function conclude(
  findings: Findings,
  acked: number,
  truth: Listing | null,
  coverage: Coverage,
  ages: Ages | null,
): Verdict {
  return { ...verdictOf(findings, acked, truth, coverage), guarantees: guaranteesOf(findings, coverage, ages) };
}

function verdictOf(findings: Findings, acked: number, truth: Listing | null, coverage: Coverage): Verdict {
  const { history, evidence, terms, counts } = findings;
  const transfers = [...evidence.transfers.values()];
  const attempts = transfers.reduce((sum, transfer) => sum + transfer.attempts.length, 0);
  const statistics = {
    transfers: transfers.length,
    attempts,
    attemptedAgain: transfers.filter((transfer) => transfer.attempts.length > 1).length,
    acknowledged: acked,
    refused: transfers.filter((transfer) => wasRefused(history, transfer, NEVER)).length,
    lists: evidence.listings.length,
    balances: evidence.balanceReads.length,
    ...coverage,
    wire: coverage.wire && { ...coverage.wire },
    anomalies: counts,
  };
  const [first, ...rest] = findings.anomalies;
  if (first) {
    const found = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
    return invalid(NAME, `${found.join(', ')}: ${first.explanation}`, [first, ...rest], statistics);
  }
  const missing = missingEvidence(history, findings, acked, truth);
  if (missing.length > 0) return unknown(NAME, missing.join('; '), statistics);
  return valid(
    NAME,
    `${acked} acknowledged ${terms.noun}s were applied once each, and of ${transfers.length} in ${attempts} attempts none more than once`,
    statistics,
  );
}

function missingEvidence(
  history: History,
  { evidence, terms }: Findings,
  acked: number,
  truth: Listing | null,
): string[] {
  if (history.length === 0) return ['no request was made'];
  const missing = evidence.malformed.slice(0, 3);
  if (acked === 0) missing.push(`no ${terms.noun} was acknowledged`);
  if (evidence.listings.length === 0) missing.push(`no list of the applied ${terms.noun}s was read`);
  else if (!truth)
    missing.push(`no list of the applied ${terms.noun}s was read after the last acknowledged ${terms.noun}`);
  if (terms.hasAccounts && evidence.accountReads.length === 0)
    missing.push('the accounts were never read, so balances could not be judged');
  return missing;
}
