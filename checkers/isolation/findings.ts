/** Collects anomalies: all are counted, the first of each name are explained. */

import type { Anomaly } from '../../rig/contract.ts';
import type { AnomalyName } from './consistency-models.ts';

/** Anomalies of one name that are explained. */
const MOST_EXPLAINED = 10;

export type Finding = Anomaly & { readonly name: AnomalyName };

export class Findings {
  readonly counts = new Map<AnomalyName, number>();
  readonly all: Finding[] = [];

  /** `explain` is called only for the first of each name. */
  add(name: AnomalyName, explain: () => Omit<Finding, 'name'>): void {
    const count = (this.counts.get(name) ?? 0) + 1;
    this.counts.set(name, count);
    if (count <= MOST_EXPLAINED) this.all.push({ name, ...explain() });
  }
}
