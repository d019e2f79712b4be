/**
 * What is wrong with list-append transactions that no cycle is needed to see, in one pass over the micro-operations
 * and one over the versions. Definitions are Elle's; reads of doubtful keys are judged in `doubtful-lists.ts`.
 */

import type { Json } from '../../rig/contract.ts';
import { FAIL, OK } from '../../rig/history.ts';
import type { Findings } from './findings.ts';
import type { ListOrder } from './list-order.ts';
import { LostUpdates } from './lost-updates.ts';
import { FAILED, INTERMEDIATE, type MicroOperations, READ } from './micro-operations.ts';
import { transactionText, valueText } from './wording.ts';

export function findListAnomalies(micros: MicroOperations, order: ListOrder, findings: Findings): void {
  const pass = new ListPass(micros, order, findings);
  for (let at = 0; at < micros.transactions; at++) if (micros.history.type[at] === OK) pass.judge(at);
  pass.lost.report(findings);
  findDirtyUpdates(micros, order, findings);
  for (const { key, version, element } of order.unwritten)
    reportUnwritten(micros, order, findings, key, version, element);
}

class ListPass {
  readonly lost: LostUpdates;
  readonly #micros: MicroOperations;
  readonly #order: ListOrder;
  readonly #findings: Findings;
  /** By key, one more than the transaction that the next columns speak of. */
  readonly #of: Int32Array;
  /** What it read last; −1 if it has read nothing yet. */
  readonly #seen: Int32Array;
  /** Its appends since then: how many, and the last of them. */
  readonly #own: Int32Array;
  readonly #lastOwn: Int32Array;
  /** The most that any of its reads saw. */
  readonly #most: Int32Array;
  /** What it read before anything else it did to the key; −1 if it began with an append, −2 once it has appended. */
  readonly #external: Int32Array;
  /** By write, the transaction's append before it since its last read. */
  readonly #ownBefore: Int32Array;
  /** By key, the place of the first element whose append failed. */
  readonly #failed: Int32Array;

  constructor(micros: MicroOperations, order: ListOrder, findings: Findings) {
    this.#micros = micros;
    this.#order = order;
    this.#findings = findings;
    this.lost = new LostUpdates(micros, order.write.length);
    const keys = micros.keys.values.length;
    this.#of = new Int32Array(keys);
    this.#seen = new Int32Array(keys);
    this.#own = new Int32Array(keys);
    this.#lastOwn = new Int32Array(keys);
    this.#most = new Int32Array(keys);
    this.#external = new Int32Array(keys);
    this.#ownBefore = new Int32Array(micros.writes);
    this.#failed = firstFailed(micros, order);
  }

  judge(at: number): void {
    const { start, key, write } = this.#micros;
    let isInternal = false;
    const end = start[at + 1] as number;
    for (let micro = start[at] as number; micro < end; micro++) {
      const k = key[micro] as number;
      if (this.#of[k] !== at + 1) this.#begin(k, at);
      if (write[micro] !== READ) this.#append(at, k, write[micro] as number);
      else if (!this.#order.doubtful.has(k)) isInternal = this.#read(at, k, micro, isInternal) || isInternal;
    }
  }

  #begin(key: number, at: number): void {
    this.#of[key] = at + 1;
    this.#seen[key] = -1;
    this.#own[key] = 0;
    this.#lastOwn[key] = -1;
    this.#most[key] = 0;
    this.#external[key] = -1;
  }

  #append(at: number, key: number, write: number): void {
    const place = this.#order.place[write] as number;
    if (place > 0 && place <= (this.#most[key] as number)) this.#reportFuture(at, key, write);
    this.#ownBefore[write] = this.#lastOwn[key] as number;
    this.#lastOwn[key] = write;
    this.#own[key]!++;
    const external = this.#external[key] as number;
    if (external >= 0) this.lost.note((this.#order.base[key] as number) + external, at, key);
    this.#external[key] = -2;
  }

  /** Whether the read contradicts the transaction's own reads and appends; told once for each transaction. */
  #read(at: number, key: number, micro: number, wasInternal: boolean): boolean {
    const { base, write } = this.#order;
    const length = this.#micros.value[micro] as number;
    const isInternal = !wasInternal && this.#contradictsItself(key, length);
    if (isInternal) this.#reportInternal(at, key, micro);
    this.#seen[key] = length;
    this.#own[key] = 0;
    this.#lastOwn[key] = -1;
    if (this.#external[key] === -1) this.#external[key] = length;
    if (length > (this.#most[key] as number)) this.#most[key] = length;
    if (length >= (this.#failed[key] as number)) this.#reportAborted(at, key, micro);
    const last = write[(base[key] as number) + length] as number;
    if (last < 0) return isInternal;
    const state = this.#micros.writeState[last] as number;
    if (state & INTERMEDIATE && !(state & FAILED) && this.#micros.writeTransaction[last] !== at)
      this.#reportIntermediate(at, key, micro, last);
    return isInternal;
  }

  #contradictsItself(key: number, length: number): boolean {
    const seen = this.#seen[key] as number;
    const own = this.#own[key] as number;
    if (seen >= 0 ? length !== seen + own : length < own) return true;
    let place = length;
    for (let write = this.#lastOwn[key] as number; write >= 0; write = this.#ownBefore[write] as number)
      if (this.#order.place[write] !== place--) return true;
    return false;
  }

  #reportInternal(at: number, key: number, micro: number): void {
    const { history, keys } = this.#micros;
    this.#findings.add('internal', () => ({
      explanation: `a transaction contradicts itself: it read key ${valueText(keys.values[key] as Json)} as ${valueText(this.#micros.microAt(micro)[2])}, which is not what it had itself read and appended before. It is ${this.#named(at)}`,
      witnesses: [history.invokeIndex[at] as number],
    }));
  }

  #reportFuture(at: number, key: number, write: number): void {
    const { history, keys } = this.#micros;
    this.#findings.add('future-read', () => ({
      explanation: `a transaction read its own append of ${this.#element(write)} to key ${valueText(keys.values[key] as Json)} before it made it. It is ${this.#named(at)}`,
      witnesses: [history.invokeIndex[at] as number],
    }));
  }

  #reportAborted(at: number, key: number, micro: number): void {
    const { history, keys, writeTransaction } = this.#micros;
    this.#findings.add('G1a', () => {
      const version = (this.#order.base[key] as number) + (this.#failed[key] as number);
      const write = this.#order.write[version] as number;
      const writer = writeTransaction[write] as number;
      return {
        explanation: `a transaction read what was aborted: it saw ${valueText(this.#micros.microAt(micro)[2])} in key ${valueText(keys.values[key] as Json)}, and ${this.#element(write)} was appended by a transaction that failed. Reader: ${this.#named(at)}. Writer: ${this.#named(writer)}`,
        witnesses: [history.invokeIndex[writer] as number, history.invokeIndex[at] as number],
      };
    });
  }

  #reportIntermediate(at: number, key: number, micro: number, write: number): void {
    const { history, keys, writeTransaction } = this.#micros;
    this.#findings.add('G1b', () => {
      const writer = writeTransaction[write] as number;
      return {
        explanation: `a transaction read an intermediate state of another: it saw ${valueText(this.#micros.microAt(micro)[2])} in key ${valueText(keys.values[key] as Json)}, ending in ${this.#element(write)}, after which the writer appended more. Reader: ${this.#named(at)}. Writer: ${this.#named(writer)}`,
        witnesses: [history.invokeIndex[writer] as number, history.invokeIndex[at] as number],
      };
    });
  }

  #element(write: number): string {
    return valueText(
      this.#micros.codes.valueOf(this.#micros.value[this.#micros.writeMicro[write] as number] as number),
    );
  }

  #named(at: number): string {
    return transactionText(this.#micros, at);
  }
}

/** By key, the place of the first element whose append failed; later than every list where there is none. */
function firstFailed(micros: MicroOperations, { place }: ListOrder): Int32Array {
  const failed = new Int32Array(micros.keys.values.length).fill(0x7fffffff);
  for (let write = 0; write < micros.writes; write++) {
    if (!((micros.writeState[write] as number) & FAILED) || place[write] === 0) continue;
    const key = micros.key[micros.writeMicro[write] as number] as number;
    if ((place[write] as number) < (failed[key] as number)) failed[key] = place[write] as number;
  }
  return failed;
}

/** In the order of a key, an aborted append and after it one that committed: the abort was built upon. */
function findDirtyUpdates(micros: MicroOperations, { base, write }: ListOrder, findings: Findings): void {
  const { history, writeTransaction } = micros;
  for (let key = 0; key + 1 < base.length; key++) {
    let aborted = -1;
    for (let version = (base[key] as number) + 1; version < (base[key + 1] as number); version++) {
      const writer = (write[version] as number) < 0 ? -1 : (writeTransaction[write[version] as number] as number);
      if (writer < 0) continue;
      if (history.type[writer] === FAIL) aborted = writer;
      else if (history.type[writer] === OK && aborted >= 0) {
        const [failed, updated] = [aborted, writer];
        findings.add('dirty-update', () => ({
          explanation: `a committed append to key ${valueText(micros.keys.values[key] as Json)} was built upon an aborted one. Aborted: ${transactionText(micros, failed)}. Committed: ${transactionText(micros, updated)}`,
          witnesses: [history.invokeIndex[failed] as number, history.invokeIndex[updated] as number],
        }));
        aborted = -1;
      }
    }
  }
}

/** An element that nobody appended, by the first transaction that saw it. */
function reportUnwritten(
  micros: MicroOperations,
  { base }: ListOrder,
  findings: Findings,
  key: number,
  version: number,
  element: Json,
): void {
  findings.add('thin-air-read', () => {
    const least = version - (base[key] as number);
    const micro = micros.value.findIndex(
      (length, at) => at < micros.count && micros.write[at] === READ && micros.key[at] === key && length >= least,
    );
    const at = micros.transactionOf(micro);
    return {
      explanation: `a transaction read ${valueText(element)} in key ${valueText(micros.keys.values[key] as Json)}, which nobody had appended. ${transactionText(micros, at)}`,
      witnesses: [micros.history.invokeIndex[at] as number],
    };
  });
}
