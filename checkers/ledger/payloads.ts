/**
 * What a key stands for: the payload it was first used with, and the answer that this got. Another payload under the
 * same key is refused and changes nothing; a key that nobody used before is not refused as used; an answer that is
 * final stays.
 */

import type { Transfer } from '../../rig/contract.ts';
import { FAIL, type History, OK } from '../../rig/history.ts';
import { nameOf, outcomeOf } from '../wording.ts';
import type { Asked, Evidence, TransfersInput, TransfersOutput } from './evidence.ts';
import type { Findings } from './findings.ts';

/** The attempts of one transfer that asked for the same. */
export interface PayloadGroup {
  readonly to: string;
  readonly amount: number;
  readonly attempts: readonly number[];
}

/** In order of first use; nearly always just one. */
export function payloadsOf({ asked }: Evidence, attempts: readonly number[]): readonly PayloadGroup[] {
  const [first] = attempts;
  const only = first === undefined ? undefined : asked[first];
  const isOnly = (at: number) => asked[at]?.to === only?.to && asked[at]?.amount === only?.amount;
  if (only && attempts.every(isOnly)) return [{ to: only.to, amount: only.amount, attempts }];
  const groups: { to: string; amount: number; attempts: number[] }[] = [];
  for (const at of attempts) {
    const { to, amount } = asked[at] as Transfer;
    const group = groups.find((one) => one.to === to && one.amount === amount);
    if (group) group.attempts.push(at);
    else groups.push({ to, amount, attempts: [at] });
  }
  return groups;
}

/** True if this payload was never acknowledged, and refused for good. */
export const wasRefusedForGood = ({ history, terms }: Findings, { attempts }: PayloadGroup): boolean =>
  attempts.every((at) => history.type[at] !== OK) &&
  attempts.some((at) => history.type[at] === FAIL && terms.finalRefusal.has(errorOf(history, at)));

/** How many keys were used with several payloads. */
export function judgePayloads(findings: Findings): number {
  const { evidence } = findings;
  let reused = 0;
  for (const transfer of evidence.transfers.values()) {
    if (transfer.attempts.length === 0) continue;
    const groups = transfer.attempts.length === 1 ? [] : payloadsOf(evidence, transfer.attempts);
    if (groups.length > 1) {
      reused++;
      judgeReuse(findings, transfer, groups);
    } else judgeCollision(findings, transfer);
    for (const { attempts } of groups) {
      judgeFinality(findings, transfer, attempts);
      judgeForms(findings, transfer, attempts);
    }
  }
  return reused;
}

/** Of several payloads under one key at most one is acknowledged, and it is the one that is applied. */
function judgeReuse(findings: Findings, transfer: Asked, groups: readonly PayloadGroup[]): void {
  const { history, evidence, terms } = findings;
  const acknowledged = groups.filter(({ attempts }) => attempts.some((at) => history.type[at] === OK));
  const [first, other] = acknowledged;
  if (first && other) {
    const what = `acknowledged for ${terms.payload(first)}, and then for ${terms.payload(other)} under the same key, which must be refused`;
    findings.addTransfer('payload-ignored', transfer, null, what);
    return;
  }
  if (!first) return;
  for (const listing of evidence.listings) {
    const entries = listing.applied.get(transfer.name) ?? [];
    const [entry] = entries;
    if (!entry || entries.some(({ to, amount }) => to === first.to && amount === first.amount)) continue;
    const what = `acknowledged for ${terms.payload(first)}, but applied for ${terms.payload(entry)}, ${findings.seen(listing.at, entries)}`;
    findings.addTransfer('payload-ignored', transfer, listing.at, what);
    return;
  }
}

/** A key with one payload cannot be in use for another one: someone took it for a different key. */
function judgeCollision(findings: Findings, transfer: Asked): void {
  const { history, terms } = findings;
  const refused = transfer.attempts.find(
    (at) => history.type[at] === FAIL && terms.mismatch.has(errorOf(history, at)) && !isOtherForm(findings, at),
  );
  if (refused === undefined) return;
  const what = `refused as used with another payload (${nameOf(history, refused)}), although it never was`;
  findings.addTransfer('key-collision', transfer, null, what);
}

/** A receipt and a final refusal exclude each other, for one payload of one key. */
function judgeFinality(findings: Findings, transfer: Asked, attempts: readonly number[]): void {
  const { history, terms } = findings;
  const accepted = attempts.find((at) => history.type[at] === OK);
  const refused = attempts.find((at) => {
    if (history.type[at] !== FAIL || isOtherForm(findings, at)) return false;
    const error = errorOf(history, at);
    return terms.mismatch.has(error) || terms.finalRefusal.has(error);
  });
  if (accepted === undefined || refused === undefined) return;
  const what = `acknowledged (${nameOf(history, accepted)}), and refused for good (${nameOf(history, refused)}: ${outcomeOf(history, refused)})`;
  findings.addTransfer('unstable-response', transfer, null, what);
}

/** What is equal is not refused as another payload because it is written otherwise, where the terms say so. */
function judgeForms(findings: Findings, transfer: Asked, attempts: readonly number[]): void {
  const { history, evidence, terms } = findings;
  if (!terms.comparesMeaning) return;
  const known = attempts.find((at) => history.type[at] === OK);
  const refused = attempts.find(
    (at) => isOtherForm(findings, at) && history.type[at] === FAIL && terms.mismatch.has(errorOf(history, at)),
  );
  if (known === undefined || refused === undefined) return;
  const what = `acknowledged (${nameOf(history, known)}), and refused as another payload when the same was written as ${evidence.asked[refused]?.form} (${nameOf(history, refused)})`;
  findings.addTransfer('equal-payload-refused', transfer, null, what);
}

const isOtherForm = ({ evidence }: Findings, at: number): boolean => evidence.asked[at]?.form !== undefined;

const errorOf = (history: History<TransfersInput, TransfersOutput>, at: number): string =>
  history.errors[history.error[at] as number] as string;
