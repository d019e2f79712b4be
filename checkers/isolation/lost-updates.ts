/** Transactions that read the same version of a key and each wrote it: all but one of these updates are lost. */

import type { Json } from '../../rig/contract.ts';
import type { Findings } from './findings.ts';
import type { MicroOperations } from './micro-operations.ts';
import { transactionText, valueText } from './wording.ts';

const MOST_NAMED = 4;

export class LostUpdates {
  readonly #micros: MicroOperations;
  /** By version, one more than the first transaction that updated it. */
  readonly #first: Int32Array;
  /** Versions that several updated. */
  readonly #several = new Map<number, { readonly key: number; readonly transactions: number[] }>();

  constructor(micros: MicroOperations, versions: number) {
    this.#micros = micros;
    this.#first = new Int32Array(versions);
  }

  /** Transaction `at` read this version of `key` first of all, and then wrote the key; to be said once. */
  note(version: number, at: number, key: number): void {
    const first = this.#first[version] as number;
    if (first === 0) this.#first[version] = at + 1;
    else {
      const several = this.#several.get(version);
      if (several) several.transactions.push(at);
      else this.#several.set(version, { key, transactions: [first - 1, at] });
    }
  }

  report(findings: Findings): void {
    const { history, keys } = this.#micros;
    for (const { key, transactions } of this.#several.values()) {
      findings.add('lost-update', () => {
        const named = transactions.slice(0, MOST_NAMED).map((at) => transactionText(this.#micros, at));
        return {
          explanation: `${transactions.length} transactions read the same version of key ${valueText(keys.values[key] as Json)} and then wrote it, so that all these updates but one are lost. ${named.map((text, at) => `T${at + 1}: ${text}`).join('. ')}`,
          witnesses: transactions.map((at) => history.invokeIndex[at] as number),
        };
      });
    }
  }
}
