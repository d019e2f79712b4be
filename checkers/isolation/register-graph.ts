/**
 * Who must come before whom, by what was read from registers. The order of two writes is known only where it follows:
 * the initial state is first; what a transaction read it then overwrote; and what a reader must have seen by then is
 * older than what it saw. Each rule holds at every level that the cycles it leads to rule out.
 */

import type { Budget, Json } from '../../rig/contract.ts';
import { assumedPairs, type VersionPair, versionText } from './assumed-order.ts';
import type { Step } from './cycle.ts';
import { EdgeList, type Graph, RW, RW_IN_TIME, VISIBLE, VISIBLE_IN_TIME, WR, WW } from './graph.ts';
import { TOMBSTONE_CODE } from './interner.ts';
import { type MicroOperations, READ } from './micro-operations.ts';
import type { Findings } from './findings.ts';
import { Frontier } from './frontier.ts';
import type { Assumption } from './options.ts';
import { timesOf } from './real-time.ts';
import { ExternalReads, happened, INITIAL, isInstalled } from './register-reads.ts';
import { valueText } from './wording.ts';
import { VersionOrder } from './version-order.ts';

export interface RegisterGraph {
  readonly graph: Graph;
  /** What the edges between writes stand on. */
  readonly evidence: readonly VersionPair[];
}

/**
 * `inTime`: real time may tell the order of writes, too. The reason of an edge is a key; of a `VISIBLE` one, the read
 * that shows it; of a `WW`, the place of its evidence. `more` adds edges of its own.
 */
export function registerGraph(
  micros: MicroOperations,
  inTime: boolean,
  assumed: readonly Assumption[],
  findings: Findings,
  budget: Budget,
  more: (edges: EdgeList, external: ExternalReads) => void = () => {},
): RegisterGraph {
  const rules = new Rules(micros);
  rules.reads();
  rules.initialState();
  rules.updates();
  const evidence = assumedPairs(micros, rules.external, assumed, findings, budget);
  rules.assumed(evidence);
  rules.visible();
  if (inTime) rules.visibleInTime();
  more(rules.edges, rules.external);
  return { graph: rules.edges.toGraph(), evidence };
}

class Rules {
  readonly edges: EdgeList;
  readonly #micros: MicroOperations;
  readonly external: ExternalReads;
  readonly #happened: Uint8Array;
  readonly #order: VersionOrder;
  constructor(micros: MicroOperations) {
    this.#micros = micros;
    this.edges = new EdgeList(micros.transactions);
    this.external = new ExternalReads(micros);
    this.#happened = happened(micros);
    this.#order = new VersionOrder(micros.writes);
  }

  /** A reader follows the writer. */
  reads(): void {
    const { writes, writeTransaction, key, writeMicro } = this.#micros;
    const { from, transaction } = this.external;
    for (let write = 0; write < writes; write++) {
      const end = from[write + 1] as number;
      if ((from[write] as number) === end || !isInstalled(this.#micros, write)) continue;
      const writer = writeTransaction[write] as number;
      const k = key[writeMicro[write] as number] as number;
      for (let at = from[write] as number; at < end; at++) this.edges.add(writer, transaction[at] as number, WR, k);
    }
  }

  /** Who read the initial state comes before all who wrote. */
  initialState(): void {
    const { writes, writeTransaction, key, writeMicro, keys } = this.#micros;
    const writers: number[][] = keys.values.map(() => []);
    for (let write = 0; write < writes; write++) {
      const writer = writeTransaction[write] as number;
      if (!isInstalled(this.#micros, write) || this.#happened[writer] === 0) continue;
      const k = key[writeMicro[write] as number] as number;
      if (this.external.count(writes + k) > 0) (writers[k] as number[]).push(writer);
    }
    writers.forEach((all, k) => {
      this.edges.addAll([...this.external.of(writes + k)], all, RW, k);
    });
  }

  /** Who made or read a version comes before who made one that is newer. */
  assumed(evidence: readonly VersionPair[]): void {
    const { writes, writeTransaction, key, writeMicro } = this.#micros;
    for (const [at, { older, newer }] of evidence.entries()) {
      if (older >= writes || newer >= writes) continue;
      const writer = writeTransaction[newer] as number;
      this.edges.add(writeTransaction[older] as number, writer, WW, at);
      for (const reader of this.external.of(older))
        this.edges.add(reader, writer, RW, key[writeMicro[older] as number] as number);
    }
  }

  /** Who read a version comes before who read it and overwrote it. */
  updates(): void {
    const { start, key, write, value, transactions, writes, writeMicro } = this.#micros;
    const { is } = this.external;
    const seen = new Int32Array(this.#micros.keys.values.length);
    /** By version, one more than the first transaction that did; of the rest, all of them. */
    const first = new Int32Array(writes);
    const several = new Map<number, number[]>();
    for (let at = 0; at < transactions; at++) {
      const begin = start[at] as number;
      for (let micro = begin; micro < (start[at + 1] as number); micro++) {
        const k = key[micro] as number;
        if (is[micro] === 1) seen[k] = micro + 1;
        if (write[micro] === READ || !isInstalled(this.#micros, write[micro] as number)) continue;
        const read = (seen[k] as number) - 1;
        if (read < begin || value[read] === INITIAL) continue;
        const version = value[read] as number;
        if (first[version] === 0) first[version] = at + 1;
        else {
          const known = several.get(version);
          if (known) known.push(at);
          else several.set(version, [(first[version] as number) - 1, at]);
        }
      }
    }
    for (let version = 0; version < writes; version++) {
      const one = first[version] as number;
      if (one === 0) continue;
      const all = several.get(version);
      const k = key[writeMicro[version] as number] as number;
      const { from, transaction } = this.external;
      if (all) this.edges.addAll([...this.external.of(version)], all, RW, k);
      else
        for (let at = from[version] as number; at < (from[version + 1] as number); at++)
          this.edges.add(transaction[at] as number, one - 1, RW, k);
    }
  }

  /** Who read from a transaction saw all of it: where it read something else, that is newer. */
  visible(): void {
    const { start, key, write, value, transactions, writeTransaction } = this.#micros;
    const keys = this.#micros.keys.values.length;
    const of = new Int32Array(keys);
    const readOf = new Int32Array(keys);
    for (let at = 0; at < transactions; at++) {
      const end = start[at + 1] as number;
      if (!this.#readsFromSeveral(start[at] as number, end)) continue;
      const sources = new Set<number>();
      for (let micro = start[at] as number; micro < end; micro++) {
        const seen = value[micro] as number;
        if (this.external.is[micro] === 0 || seen < 0 || !isInstalled(this.#micros, seen)) continue;
        of[key[micro] as number] = at + 1;
        readOf[key[micro] as number] = micro;
        sources.add(writeTransaction[seen] as number);
      }
      for (const source of sources) {
        for (let micro = start[source] as number; micro < (start[source + 1] as number); micro++) {
          const k = key[micro] as number;
          const older = write[micro] as number;
          if (older === READ || of[k] !== at + 1 || !isInstalled(this.#micros, older)) continue;
          const read = readOf[k] as number;
          this.#precedes(older, value[read] as number, read);
        }
      }
    }
  }

  #readsFromSeveral(begin: number, end: number): boolean {
    const { value, writeTransaction } = this.#micros;
    let one = -1;
    for (let micro = begin; micro < end; micro++) {
      const seen = value[micro] as number;
      if (this.external.is[micro] === 0 || seen < 0) continue;
      const source = writeTransaction[seen] as number;
      if (one >= 0 && source !== one) return true;
      one = source;
    }
    return false;
  }

  /** Who began after a write had completed, or had been read, must have seen it: where it read something else, that is newer. */
  visibleInTime(): void {
    const { history, keys, write, value, writeTransaction, writes } = this.#micros;
    const { invokeIndex } = history;
    const doneBy = this.#doneBy();
    const begun = new Int32Array(writes);
    const done = new Int32Array(writes);
    for (let number = 0; number < writes; number++) {
      const at = writeTransaction[number] as number;
      begun[number] = invokeIndex[at] as number;
      done[number] = doneBy[at] as number;
    }
    const { from, micro, transaction } = this.#touchingByKey();
    const frontier = new Frontier(begun, done);
    for (let k = 0; k < keys.values.length; k++) {
      frontier.clear();
      for (let at = from[k] as number; at < (from[k + 1] as number); at++) {
        const one = micro[at] as number;
        const made = write[one] as number;
        if (made !== READ) {
          frontier.add(made);
          continue;
        }
        const seen = value[one] as number;
        if (seen < 0 || !isInstalled(this.#micros, seen)) continue;
        frontier.advance(invokeIndex[transaction[at] as number] as number);
        for (let older = 0; older < frontier.count; older++)
          this.#precedesInTime(frontier.latest[older] as number, seen, one);
      }
    }
  }

  /** For each transaction an event by which it had certainly happened: somebody who knew of it had completed. */
  #doneBy(): Int32Array {
    const { history, start, write, transactions } = this.#micros;
    const { from, transaction } = this.external;
    const done = timesOf(history).completed;
    // Readers mostly began after the writer, so that going back in time each is seen before the one it read from.
    for (let at = transactions - 1; at >= 0; at--) {
      let least = done[at] as number;
      for (let micro = start[at] as number; micro < (start[at + 1] as number); micro++) {
        const made = write[micro] as number;
        if (made === READ) continue;
        for (let reader = from[made] as number; reader < (from[made + 1] as number); reader++)
          least = Math.min(least, done[transaction[reader] as number] as number);
      }
      done[at] = least;
    }
    return done;
  }

  /** One write of a key is older than another: its writer and its readers come before the other's writer. */
  #precedes(older: number, newer: number, read: number): void {
    if (older === newer || !this.#order.add(older, newer)) return;
    const { key, writeTransaction } = this.#micros;
    const writer = writeTransaction[newer] as number;
    this.edges.add(writeTransaction[older] as number, writer, VISIBLE, read);
    const { from, transaction } = this.external;
    for (let at = from[older] as number; at < (from[older + 1] as number); at++)
      this.edges.add(transaction[at] as number, writer, RW, key[read] as number);
  }

  /** The same, known by real time; what that tells by itself needs no edge. */
  #precedesInTime(older: number, newer: number, read: number): void {
    if (older === newer) return;
    const { history, key, writeTransaction } = this.#micros;
    const { completeIndex, invokeIndex } = history;
    const { from, transaction } = this.external;
    const writer = writeTransaction[newer] as number;
    const source = writeTransaction[older] as number;
    const begun = invokeIndex[writer] as number;
    const first = from[older] as number;
    const end = from[older + 1] as number;
    let told = (completeIndex[source] as number) < begun ? 1 : 0;
    for (let at = first; at < end; at++) if ((completeIndex[transaction[at] as number] as number) < begun) told++;
    if (told === 1 + end - first || !this.#order.add(older, newer)) return;
    if ((completeIndex[source] as number) >= begun) this.edges.add(source, writer, VISIBLE_IN_TIME, read);
    for (let at = first; at < end; at++) {
      const reader = transaction[at] as number;
      if ((completeIndex[reader] as number) >= begun) this.edges.add(reader, writer, RW_IN_TIME, key[read] as number);
    }
  }

  /** External reads and installed writes of each key, in order of invocation, and whose they are. */
  #touchingByKey(): { readonly from: Int32Array; readonly micro: Int32Array; readonly transaction: Int32Array } {
    const { start, key, write, count, transactions } = this.#micros;
    const { is } = this.external;
    const keys = this.#micros.keys.values.length;
    const counts = new Uint8Array(count);
    const from = new Int32Array(keys + 1);
    for (let one = 0; one < count; one++) {
      const made = write[one] as number;
      if (made === READ ? is[one] === 0 : !isInstalled(this.#micros, made)) continue;
      counts[one] = 1;
      from[(key[one] as number) + 1]!++;
    }
    for (let k = 0; k < keys; k++) from[k + 1]! += from[k] as number;
    const next = from.slice();
    const micro = new Int32Array(from[keys] as number);
    const transaction = new Int32Array(micro.length);
    for (let at = 0; at < transactions; at++) {
      for (let one = start[at] as number; one < (start[at + 1] as number); one++) {
        if (counts[one] === 0) continue;
        const place = next[key[one] as number]!++;
        micro[place] = one;
        transaction[place] = at;
      }
    }
    return { from, micro, transaction };
  }
}

/** Why the one must come before the other, as the end of a sentence. */
export function registerReason(
  micros: MicroOperations,
  evidence: readonly VersionPair[],
  step: Step,
  name: (at: number) => string,
): string {
  const { from, to, kind, reason } = step;
  if (kind === WW) return assumedReason(micros, evidence[reason] as VersionPair, step, name);
  const isKey = kind === WR || kind === RW || kind === RW_IN_TIME;
  const k = isKey ? reason : (micros.key[reason] as number);
  const where = `key ${valueText(micros.keys.values[k] as Json)}`;
  const wrote = (at: number) => valueText(lastWrite(micros, at, k));
  if (kind === WR) return `${name(to)} read ${name(from)}'s write of ${wrote(from)} to ${where}`;
  const shown = (read: number) => `operation ${micros.history.invokeIndex[micros.transactionOf(read)]}`;
  if (kind === VISIBLE)
    return `${shown(reason)} read from both and saw ${name(to)}'s write of ${wrote(to)} to ${where}, not ${name(from)}'s of ${wrote(from)}`;
  if (kind === VISIBLE_IN_TIME)
    return `${shown(reason)} began after ${name(from)}'s write of ${wrote(from)} to ${where} was done and saw ${name(to)}'s write of ${wrote(to)}`;
  const seen = firstRead(micros, from, k);
  return `${name(from)} read ${where} as ${valueText(seen)}, which ${name(to)} overwrote with ${wrote(to)}`;
}

function assumedReason(
  micros: MicroOperations,
  { older, newer, before, after, assumed }: VersionPair,
  { from, to }: Step,
  name: (at: number) => string,
): string {
  const k = micros.key[micros.writeMicro[newer] as number] as number;
  const operation = (at: number) => `operation ${micros.history.invokeIndex[at]}`;
  const met = before === after ? operation(before) : `${operation(before)} and then ${operation(after)}`;
  return `${name(to)} wrote ${versionText(micros, newer)} to key ${valueText(micros.keys.values[k] as Json)} after ${name(from)}'s ${versionText(micros, older)}: ${met} met them in that order (${assumed})`;
}

/** What the transaction read from the key first. */
function firstRead(micros: MicroOperations, at: number, key: number): Json {
  for (let micro = micros.start[at] as number; micro < (micros.start[at + 1] as number); micro++)
    if (micros.key[micro] === key && micros.write[micro] === READ) return micros.microAt(micro)[2];
  return null;
}

function lastWrite(micros: MicroOperations, at: number, key: number): Json {
  let last: Json = null;
  for (let micro = micros.start[at] as number; micro < (micros.start[at + 1] as number); micro++)
    if (micros.key[micro] === key && micros.write[micro] !== READ)
      last = micros.value[micro] === TOMBSTONE_CODE ? 'no row' : micros.codes.valueOf(micros.value[micro] as number);
  return last;
}
