/** Collects anomalies, each told as the story of one transfer: its attempts, how they ended, and what was seen applied. */

import type { Anomaly, AppliedTransfer, Json, Transfer } from '../../rig/contract.ts';
import type { History } from '../../rig/history.ts';
import { nameOf, outcomeOf } from '../wording.ts';
import { Circumstances } from './circumstances.ts';
import type { Asked, Evidence, TransfersInput, TransfersOutput } from './evidence.ts';

/** Anomalies of one name that are told in full; the rest are counted. */
const MOST_TOLD = 20;

export class Findings {
  readonly history: History<TransfersInput, TransfersOutput>;
  readonly evidence: Evidence;
  readonly counts: Record<string, number> = {};
  readonly #anomalies: Anomaly[] = [];
  readonly #told = new Set<string>();
  readonly #circumstances: Circumstances;

  constructor(history: History<TransfersInput, TransfersOutput>, evidence: Evidence) {
    this.#circumstances = new Circumstances(history);
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
    const explanation = `key ${transfer.key} of account ${transfer.from}: ${what}. ${this.#attempts(transfer)}`;
    const whose = `account ${transfer.from}, key ${transfer.key}`;
    const isTold = (this.counts[name] ?? 0) < MOST_TOLD;
    const detail = isTold ? this.#circumstances.of(transfer) : undefined;
    this.#add(name, transfer.name, explanation, operations, whose, what, detail);
  }

  /** Of anything else; `subject` names it, and is told once for each name. */
  addRead(name: string, subject: string, readAt: number, what: string): void {
    if (this.has(name, subject)) return;
    this.#add(name, subject, `${what} (${nameOf(this.history, readAt)})`, [readAt], subject, what);
  }

  has(name: string, subject: string): boolean {
    return this.#told.has(`${name} ${subject}`);
  }

  /** ` in the list read by operation 900, …`, with the ids listed. */
  seen(readAt: number, entries: readonly AppliedTransfer[]): string {
    const ids = entries.map(({ id }) => id).join(' and ');
    return `${ids ? `as ${ids} ` : ''}in the list read by ${nameOf(this.history, readAt)}`;
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
      const { to, amount } = this.evidence.asked[at] as Transfer;
      const receipt = this.evidence.receipts[at];
      const answer = receipt ? `, receipt ${receipt.id} for ${receipt.amount}` : '';
      return `${amount} to ${to} (${nameOf(this.history, at)}): ${outcomeOf(this.history, at)}${answer}`;
    });
    return `${attempts.length === 1 ? 'The only attempt' : `${attempts.length} attempts`}: ${told.join('; ')}`;
  }
}
