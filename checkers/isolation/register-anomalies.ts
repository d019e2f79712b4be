/** What is wrong with transactions over registers that no cycle is needed to see, in one pass. Definitions are Elle's. */

import type { Json } from '../../rig/contract.ts';
import { OK } from '../../rig/history.ts';
import type { Finding, Findings } from './findings.ts';
import { TOMBSTONE_CODE } from './interner.ts';
import { LostUpdates } from './lost-updates.ts';
import { FAILED, INTERMEDIATE, type MicroOperations, READ } from './micro-operations.ts';
import { ABSENT, INITIAL, PRESENT, UNCERTAIN, UNWRITTEN, versionRead } from './register-reads.ts';
import { transactionText, valueText } from './wording.ts';

export function findRegisterAnomalies(micros: MicroOperations, findings: Findings): void {
  const pass = new RegisterPass(micros, findings);
  for (let at = 0; at < micros.transactions; at++) if (micros.history.type[at] === OK) pass.judge(at);
  pass.lost.report(findings);
}

class RegisterPass {
  readonly lost: LostUpdates;
  readonly #micros: MicroOperations;
  readonly #findings: Findings;
  /** By key, one more than the transaction that the next columns speak of. */
  readonly #of: Int32Array;
  /** What the key must hold by the transaction's own doing: a write, or as a read has it. */
  readonly #known: Int32Array;
  /** The version it read before anything else it did to the key; −1 if none. */
  readonly #external: Int32Array;

  constructor(micros: MicroOperations, findings: Findings) {
    this.#micros = micros;
    this.#findings = findings;
    const keys = micros.keys.values.length;
    this.lost = new LostUpdates(micros, micros.writes + keys);
    this.#of = new Int32Array(keys);
    this.#known = new Int32Array(keys);
    this.#external = new Int32Array(keys);
  }

  judge(at: number): void {
    const { start, key, write, value } = this.#micros;
    let isInternal = false;
    for (let micro = start[at] as number; micro < (start[at + 1] as number); micro++) {
      const k = key[micro] as number;
      const isFirst = this.#of[k] !== at + 1;
      this.#of[k] = at + 1;
      if (write[micro] !== READ) {
        if (!isFirst && (this.#external[k] as number) >= 0) this.lost.note(this.#external[k] as number, at, k);
        this.#external[k] = -1;
        this.#known[k] = write[micro] as number;
        continue;
      }
      const seen = value[micro] as number;
      if (!isFirst && !isInternal && !this.#agrees(seen, this.#known[k] as number)) {
        isInternal = true;
        this.#report('internal', at, micro, 'which is not what it had itself read or written before');
      }
      if (isFirst) this.#external[k] = seen >= INITIAL ? versionRead(this.#micros, micro) : -1;
      this.#known[k] = seen;
      this.#judgeRead(at, micro, seen);
    }
  }

  /** Whether a read may see this where the transaction itself knows that: of rows, that there is one or none. */
  #agrees(seen: number, known: number): boolean {
    if (seen === known || seen === UNCERTAIN) return true;
    if (seen !== ABSENT && seen !== PRESENT) return false;
    const { value, writeMicro } = this.#micros;
    return known >= 0 && (value[writeMicro[known] as number] === TOMBSTONE_CODE) === (seen === ABSENT);
  }

  #judgeRead(at: number, micro: number, seen: number): void {
    const { writeState, writeTransaction, writeMicro } = this.#micros;
    if (seen === UNWRITTEN) this.#report('thin-air-read', at, micro, 'which nobody had written');
    if (seen < 0) return;
    const state = writeState[seen] as number;
    const writer = writeTransaction[seen] as number;
    if (writer === at) {
      if ((writeMicro[seen] as number) > micro)
        this.#report('future-read', at, micro, 'which it wrote itself, but only later');
      return;
    }
    if (state & FAILED) this.#report('G1a', at, micro, 'which a transaction that failed had written', writer);
    else if (state & INTERMEDIATE)
      this.#report('G1b', at, micro, 'which the transaction that wrote it went on to overwrite', writer);
  }

  #report(name: Finding['name'], at: number, micro: number, what: string, writer?: number): void {
    const { history, keys, key, value } = this.#micros;
    this.#findings.add(name, () => {
      const where = valueText(keys.values[key[micro] as number] as Json);
      const seen =
        value[micro] === ABSENT || value[micro] === PRESENT
          ? `found ${value[micro] === ABSENT ? 'no' : 'a'} row of key ${where}`
          : `read key ${where} as ${valueText(this.#micros.microAt(micro)[2])}`;
      const by = writer === undefined ? '' : ` T2 is ${transactionText(this.#micros, writer)}.`;
      return {
        explanation: `T1 ${seen}, ${what}. T1 is ${transactionText(this.#micros, at)}.${by}`,
        witnesses: [at, ...(writer === undefined ? [] : [writer])].map((one) => history.invokeIndex[one] as number),
      };
    });
  }
}
