/**
 * Keys whose reads disagree, or hold an element twice: here every list is looked at as it is, since its length does
 * not say what was in it.
 */

import type { Json } from '../../rig/contract.ts';
import { OK } from '../../rig/history.ts';
import type { Finding, Findings } from './findings.ts';
import type { ListOrder } from './list-order.ts';
import { FAILED, type MicroOperation, type MicroOperations, READ } from './micro-operations.ts';
import { transactionText, valueText } from './wording.ts';

type List = readonly Json[];

/** A read of a doubtful key by a transaction that succeeded. */
interface Read {
  readonly at: number;
  readonly micro: number;
  readonly list: List;
}

export function findDoubtfulAnomalies(micros: MicroOperations, { doubtful }: ListOrder, findings: Findings): void {
  if (doubtful.size === 0) return;
  const pass = new DoubtfulPass(micros, findings);
  const reads = new Map<number, Read[]>([...doubtful].map((key) => [key, []]));
  for (let at = 0; at < micros.transactions; at++) {
    if (micros.history.type[at] !== OK) continue;
    for (const read of pass.readsOf(at, doubtful)) reads.get(micros.key[read.micro] as number)?.push(read);
  }
  for (const [key, own] of reads) pass.compare(key, own);
}

class DoubtfulPass {
  readonly #micros: MicroOperations;
  readonly #findings: Findings;

  constructor(micros: MicroOperations, findings: Findings) {
    this.#micros = micros;
    this.#findings = findings;
  }

  /** The reads of one transaction, each judged by itself and against the transaction's own reads and appends. */
  readsOf(at: number, doubtful: ReadonlySet<number>): Read[] {
    const { start, key, write } = this.#micros;
    const reads: Read[] = [];
    const begin = start[at] as number;
    let own: readonly MicroOperation[] | undefined;
    /** What the list must end in, and whether that is all of it. */
    const expected = new Map<number, { readonly list: List; readonly whole: boolean }>();
    let isInternal = false;
    for (let micro = begin; micro < (start[at + 1] as number); micro++) {
      const k = key[micro] as number;
      if (!doubtful.has(k)) continue;
      own ??= this.#micros.microsOf(at);
      const value = own[micro - begin]?.[2] ?? null;
      const before = expected.get(k) ?? { list: [], whole: false };
      if (write[micro] !== READ) {
        expected.set(k, { list: [...before.list, value], whole: before.whole });
        continue;
      }
      const list = (value ?? []) as List;
      if (!isInternal && !agrees(list, before)) {
        isInternal = true;
        this.#report('internal', k, [{ at, micro, list }], 'a transaction contradicts its own reads and appends');
      }
      expected.set(k, { list, whole: true });
      this.#judge(k, { at, micro, list });
      reads.push({ at, micro, list });
    }
    return reads;
  }

  /** What is wrong with a list by itself: elements twice, elements whose append failed. */
  #judge(key: number, read: Read): void {
    const seen = new Set<number>();
    let isTwice = false;
    for (const element of read.list) {
      const code = this.#micros.codes.codeOf(element);
      if (seen.has(code) && !isTwice) {
        isTwice = true;
        this.#report('duplicate-elements', key, [read], `a transaction saw ${valueText(element)} more than once`);
      }
      seen.add(code);
      const write = this.#micros.table.find(key, code);
      if (write >= 0 && (this.#micros.writeState[write] as number) & FAILED) {
        const writer = this.#micros.writeTransaction[write] as number;
        this.#report('G1a', key, [read], `a transaction read what was aborted, ${valueText(element)}`, writer);
      }
    }
  }

  /** Of lists in order of length, each must begin with the one before it. The first two that do not are told. */
  compare(key: number, reads: readonly Read[]): void {
    const sorted = [...reads].sort((a, b) => a.list.length - b.list.length || a.micro - b.micro);
    for (let at = 1; at < sorted.length; at++) {
      const [shorter, longer] = [sorted[at - 1] as Read, sorted[at] as Read];
      if (isPrefix(shorter.list, longer.list)) continue;
      this.#report(
        'incompatible-order',
        key,
        [shorter, longer],
        'two transactions saw orders that cannot both be right',
      );
      return;
    }
  }

  #report(name: Finding['name'], key: number, reads: readonly Read[], what: string, writer?: number): void {
    const { history, keys } = this.#micros;
    this.#findings.add(name, () => {
      const seen = reads.map(({ list }) => valueText(list)).join(' and ');
      const involved = [...new Set([...reads.map(({ at }) => at), ...(writer === undefined ? [] : [writer])])];
      const named = involved.map((at, number) => `T${number + 1} is ${transactionText(this.#micros, at)}.`);
      return {
        explanation: `${what}: key ${valueText(keys.values[key] as Json)} was read as ${seen}. ${named.join(' ')}`,
        witnesses: involved.map((at) => history.invokeIndex[at] as number),
      };
    });
  }
}

function agrees(list: List, { list: expected, whole }: { readonly list: List; readonly whole: boolean }): boolean {
  if (list.length < expected.length || (whole && list.length !== expected.length)) return false;
  return isPrefix(expected, list.slice(list.length - expected.length));
}

const isPrefix = (shorter: List, longer: List): boolean =>
  shorter.every((element, at) => element === longer[at] || JSON.stringify(element) === JSON.stringify(longer[at]));
