/**
 * How old is what reads return? A read is stale if a newer value had been acknowledged before it began, for as long as
 * it had been. Newer is what was wholly written later. For registers of unique values, in near-linear time.
 */

import { defineChecker } from '../rig/define.ts';
import { Anomalies, count } from './anomalies.ts';
import type { RegisterInput, RegisterOutput } from './models/register.ts';
import { type Register, type RegisterHistory, registersIn, type Write } from './register/writes.ts';
import { said } from './values.ts';
import { nameOf } from './wording.ts';

/** Of the writes that began after an event the one that was acknowledged first. */
class Successors {
  readonly #writes: readonly Write[];
  /** From each write on, which one was acknowledged first. */
  readonly #first: Write[];

  constructor(writes: readonly Write[]) {
    this.#writes = writes;
    this.#first = writes.slice();
    for (let at = writes.length - 2; at >= 0; at--) {
      const later = this.#first[at + 1] as Write;
      if (later.until < (this.#first[at] as Write).until) this.#first[at] = later;
    }
  }

  after(index: number): Write | undefined {
    let low = 0;
    let high = this.#writes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#writes[middle] as Write).from <= index) low = middle + 1;
      else high = middle;
    }
    return this.#first[low];
  }
}

interface Totals {
  reads: number;
  /** Reads of what nobody wrote: how old that is cannot be told. */
  unwritten: number;
  stale: number;
  worstMs: number;
}

function judge(found: Anomalies, history: RegisterHistory, register: Register, boundMs: number, totals: Totals): void {
  const successors = new Successors(register.writes);
  for (const at of register.reads) {
    totals.reads++;
    const value = history.output(at) ?? null;
    const write = register.writeOf(value);
    if (value !== null && !write) {
      totals.unwritten++;
      continue;
    }
    const newer = successors.after(write ? write.until : -1);
    if (!newer || newer.until > (history.invokeIndex[at] as number)) continue;
    const staleMs = ((history.invokedNs[at] as number) - (history.completedNs[newer.at] as number)) / 1e6;
    totals.stale++;
    totals.worstMs = Math.max(totals.worstMs, staleMs);
    if (staleMs < boundMs) continue;
    found.add('stale-read', () => {
      const old = write ? `, written by ${nameOf(history, write.at)}` : ', the absence of any value';
      return {
        subject: `key ${said(register.key)}`,
        explanation: `key ${said(register.key)} was read as ${said(value)}${old}, by ${nameOf(history, at)}, although ${said(newer.value)} had been acknowledged ${staleMs.toFixed(3)} ms before (${nameOf(history, newer.at)})`,
        operations: [...(write ? [write.at] : []), newer.at, at],
        detail: { staleMs },
      };
    });
  }
}

/** Reads may lag behind what was acknowledged by less than `boundMs`; with 0 by nothing. */
export const staleness = (checker: string, boundMs: number) =>
  defineChecker<RegisterInput, RegisterOutput>({
    name: checker,
    check(history) {
      const found = new Anomalies(history);
      const registers = registersIn(history);
      const totals: Totals = { reads: 0, unwritten: 0, stale: 0, worstMs: 0 };
      for (const register of registers) if (register.isUnique) judge(found, history, register, boundMs, totals);
      const ambiguous = registers.filter(({ isUnique }) => !isUnique).length;
      const missing = totals.reads === 0 ? ['nothing was read'] : [];
      if (ambiguous > 0)
        missing.push(`${count(ambiguous, 'key')} could not be judged, of which a value or \`null\` was written twice`);
      if (totals.unwritten > 0)
        missing.push(`${count(totals.unwritten, 'read')} saw what nobody wrote, of which the age cannot be told`);
      if (registers.every(({ writes }) => writes.length === 0)) missing.push('nothing was written');
      return found.conclude({
        checker,
        guarantee:
          boundMs === 0
            ? 'no read returns what was older than the latest acknowledged value'
            : `no read lags ${boundMs} ms or more behind what was acknowledged`,
        seen: `${count(totals.reads, 'read')} of ${count(registers.length, 'key')}, the oldest ${totals.worstMs.toFixed(3)} ms behind`,
        missing,
        statistics: { keys: registers.length, ambiguousKeys: ambiguous, boundMs, ...totals },
      });
    },
  });

export const freshReads = staleness('staleness', 0);

export const staleness1s = staleness('staleness:within-1s', 1_000);

export const staleness10s = staleness('staleness:within-10s', 10_000);
