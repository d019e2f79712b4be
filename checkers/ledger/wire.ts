/**
 * What the wire log adds to what clients know: requests that no client's caller asked for, and answers that nobody
 * waited for any more, which must agree with the others all the same.
 */

import type { WireEntry } from '../../rig/contract.ts';
import type { History } from '../../rig/history.ts';
import { keyOnWire, requestsByKey } from './circumstances.ts';
import type { Asked, TransfersInput, TransfersOutput } from './evidence.ts';
import type { Findings } from './findings.ts';

const MOST_NUMBERS = 5;

/** What was seen on the wire; `null` without a wire log. */
export interface WireSeen {
  readonly requests: number;
  readonly keyed: number;
  /** Copies that a rule made, and those of them that a node answered. */
  readonly copies: number;
  readonly copiesAnswered: number;
  /** Answered, but not to the client. */
  readonly answersLost: number;
  readonly incomplete: string | null;
}

export function judgeWire(findings: Findings): WireSeen | null {
  const { wire } = findings.history;
  if (!wire) return null;
  const seen = { requests: 0, keyed: 0, copies: 0, copiesAnswered: 0, answersLost: 0 };
  for (const entry of wire.entries) {
    const isCopy = entry.origin === 'copy';
    seen.requests++;
    if (isCopy) seen.copies++;
    if (isCopy && entry.answered) seen.copiesAnswered++;
    if (!isCopy && entry.status !== null && !entry.answered) seen.answersLost++;
    if (entry.key !== null && findings.terms.methods.has(entry.method)) seen.keyed++;
  }
  const transfers = transfersByKey(findings.evidence.transfers.values());
  for (const [key, entries] of requestsByKey(findings.history, findings.terms.methods)) {
    const ofKey = transfers.get(key);
    if (!ofKey) continue;
    judgeHiddenRetries(findings, key, entries, ofKey);
    judgeAnswers(findings, key, entries, ofKey);
  }
  return { ...seen, incomplete: wire.incomplete };
}

/** Through each node a key is sent no more often than somebody asked for it there. */
function judgeHiddenRetries(
  findings: Findings,
  key: string,
  entries: readonly WireEntry[],
  transfers: readonly Asked[],
): void {
  const { history } = findings;
  const sent = new Map<string, WireEntry[]>();
  for (const entry of entries) {
    // Of a rig that was killed, the wire log may know more than the history.
    if (entry.origin === 'client' && entry.sentNs <= history.lastNs)
      sent.set(entry.node, [...(sent.get(entry.node) ?? []), entry]);
  }
  for (const [node, requests] of sent) {
    const attempts = transfers.flatMap((transfer) => transfer.attempts.filter((at) => nodeOf(history, at) === node));
    if (requests.length <= attempts.length) continue;
    const [witness] = transfers.filter((transfer) => transfer.attempts.some((at) => attempts.includes(at)));
    const what = `sent to ${node} ${requests.length} times (${numbers(requests)}), although it was asked for there ${attempts.length} times`;
    findings.addTransfer('hidden-retry', witness ?? (transfers[0] as Asked), null, what);
    return;
  }
}

/** The same request gets the same final answer, also where the answer was lost or was to a copy. */
function judgeAnswers(
  findings: Findings,
  key: string,
  entries: readonly WireEntry[],
  transfers: readonly Asked[],
): void {
  const { finalStatuses, repeatsBody } = findings.terms;
  // Whose request it was the wire does not tell, where a tenant is no part of the body.
  const [only, ...others] = transfers;
  if (!only || others.length > 0) return;
  const first = new Map<string, WireEntry>();
  for (const entry of entries) {
    if (entry.payload === null || entry.status === null || !finalStatuses.has(entry.status)) continue;
    const earlier = first.get(entry.payload);
    if (!earlier) first.set(entry.payload, entry);
    else if (!agree(earlier, entry, repeatsBody)) {
      const what = `the same request was answered with ${words(earlier)} and with ${words(entry)} (${numbers([earlier, entry])})`;
      findings.addTransfer('unstable-response', only, null, what);
      return;
    }
  }
}

const agree = (one: WireEntry, other: WireEntry, bodies: boolean): boolean =>
  one.status === other.status &&
  (!bodies || one.answer === other.answer || one.answer === null || other.answer === null);

const words = ({ status, answer }: WireEntry): string => `${status}${answer === null ? '' : `, body ${answer}`}`;

function numbers(entries: readonly WireEntry[]): string {
  const told = entries.slice(0, MOST_NUMBERS).map(({ number }) => `#${number}`);
  return `on the wire ${told.join(', ')}${entries.length > MOST_NUMBERS ? ', …' : ''}`;
}

function transfersByKey(transfers: Iterable<Asked>): ReadonlyMap<string, readonly Asked[]> {
  const byKey = new Map<string, Asked[]>();
  for (const transfer of transfers) {
    const key = keyOnWire(transfer.key);
    const ofKey = byKey.get(key);
    if (ofKey) ofKey.push(transfer);
    else byKey.set(key, [transfer]);
  }
  return byKey;
}

const nodeOf = (history: History<TransfersInput, TransfersOutput>, at: number): string =>
  history.nodes[history.node[at] as number] as string;
