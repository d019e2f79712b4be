/** Collects anomalies, each told as the story of one transfer: its attempts, how they ended, and what was seen applied. */

import type { Anomaly, AppliedTransfer, Json, Transfer, TransferReceipt } from '../../rig/contract.ts';
import type { History } from '../../rig/history.ts';
import { nameOf, outcomeOf } from '../wording.ts';
import { Circumstances } from './circumstances.ts';
import type { Terms } from './terms.ts';
import type { Asked, Evidence, TransfersInput, TransfersOutput } from './evidence.ts';

/** Anomalies of one name that are told in full; the rest are counted. */
const MOST_TOLD = 20;

export class Findings {
  readonly history: History<TransfersInput, TransfersOutput>;
  readonly evidence: Evidence;
  readonly terms: Terms;
  readonly counts: Record<string, number> = {};
  readonly #anomalies: Anomaly[] = [];
  readonly #told = new Set<string>();
  readonly #circumstances: Circumstances;

  constructor(history: History<TransfersInput, TransfersOutput>, evidence: Evidence, terms: Terms) {
    this.#circumstances = new Circumstances(history, terms);
    this.terms = terms;
    this.history = history;
    this.evidence = evidence;
  }

  get anomalies(): readonly Anomaly[] {
    return this.#anomalies;
  }

  /** Of one transfer, once for each name; `readAt` is the read that showed it. */
  addTransfer(name: string, transfer: Asked, readAt: number | null, what: string): void {
    if (this.has(name, transfer.name)) return;
    const operations = [...transfer.attempts, ...(readAt === null ? [] : [readAt])];
    const owner = this.terms.whose(transfer.from);
    const explanation = `key ${transfer.key}${owner && ` of ${owner}`}: ${what}. ${this.#attempts(transfer)}`;
    const whose = `${owner && `${owner}, `}key ${transfer.key}`;
    const isTold = (this.counts[name] ?? 0) < MOST_TOLD;
    const detail = isTold ? this.#circumstances.of(transfer) : undefined;
    this.#add(name, transfer.name, explanation, operations, whose, what, detail);
  }

  /** Of anything else; `subject` names it, and is told once for each name. */
  addRead(name: string, subject: string, readAt: number, what: string): void {
    if (this.has(name, subject)) return;
    this.#add(name, subject, `${what} (${nameOf(this.history, readAt)})`, [readAt], subject, what);
  }

  /** What a client was refused may be done all the same where the network delivered the request once more. */
  hadCopyThatCounts(transfer: Asked): boolean {
    return this.#circumstances.hadCopyThatCounts(transfer);
  }

  has(name: string, subject: string): boolean {
    return this.#told.has(`${name} ${subject}`);
  }

  /** ` in the list read by operation 900, …`, with the ids listed. */
  seen(readAt: number, entries: readonly AppliedTransfer[]): string {
    const ids = entries.map(({ id }) => id).join(' and ');
    return `${ids ? `as ${ids} ` : ''}in the list read by ${nameOf(this.history, readAt)}`;
  }

  /** `t7 for 5`. */
  receipt({ id, amount }: Pick<TransferReceipt, 'id' | 'amount'>): string {
    return this.terms.hasAccounts ? `${id} for ${amount}` : id;
  }

  #add(
    name: string,
    subject: string,
    explanation: string,
    positions: number[],
    whose: string,
    reason: string,
    detail?: Json,
  ): void {
    this.#told.add(`${name} ${subject}`);
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    if ((this.counts[name] as number) > MOST_TOLD) return;
    const operations = [...new Set(positions)]
      .sort((a, b) => a - b)
      .map((at) => this.history.invokeIndex[at] as number);
    const last = operations.at(-1) as number;
    this.#anomalies.push({
      name,
      explanation,
      witnesses: operations,
      counterexample: { subject: whose, operations, order: [], impossible: [{ index: last, reason }] },
      ...(detail === undefined ? {} : { detail }),
    });
  }

  #attempts({ attempts }: Asked): string {
    if (attempts.length === 0) return 'No attempt was ever made';
    const told = attempts.map((at) => {
      const receipt = this.evidence.receipts[at];
      const answer = receipt ? `, receipt ${this.receipt(receipt)}` : '';
      return `${this.terms.payload(this.evidence.asked[at] as Transfer)} (${nameOf(this.history, at)}): ${outcomeOf(this.history, at)}${answer}`;
    });
    return `${attempts.length === 1 ? 'The only attempt' : `${attempts.length} attempts`}: ${told.join('; ')}`;
  }
}
