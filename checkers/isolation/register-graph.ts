/**
 * Who must come before whom, by what was read from registers. The order of two writes is known only where it follows:
 * the initial state is first; what a transaction read it then overwrote; and what a reader must have seen by then is
 * older than what it saw. Each rule holds at every level that the cycles it leads to rule out.
 */

import type { Budget, Json } from '../../rig/contract.ts';
import { NEVER } from '../../rig/history.ts';
import { componentsOf } from './components.ts';
import type { Step } from './cycle.ts';
import { EdgeList, type Graph, RW, RW_IN_TIME, VISIBLE, VISIBLE_IN_TIME, WR } from './graph.ts';
import { type MicroOperations, READ } from './micro-operations.ts';
import { earliestReached, timesOf } from './real-time.ts';
import { ExternalReads, happened, INITIAL, isInstalled } from './register-reads.ts';
import { valueText } from './wording.ts';

/** `inTime`: real time may tell the order of writes, too. The reason of an edge is a key, or, of a `VISIBLE` one, the read that shows it. */
export function registerGraph(micros: MicroOperations, inTime: boolean, budget: Budget): Graph {
  const rules = new Rules(micros);
  rules.reads();
  rules.initialState();
  rules.updates();
  rules.visible();
  if (inTime) rules.visibleInTime(budget);
  return rules.edges.toGraph();
}

class Rules {
  readonly edges: EdgeList;
  readonly #micros: MicroOperations;
  readonly #external: ExternalReads;
  readonly #happened: Uint8Array;
  /** By write, the versions known to come before it: a chain of `#earlier`. */
  readonly #lastEarlier: Int32Array;
  readonly #earlier: { readonly version: number; readonly before: number }[] = [];

  constructor(micros: MicroOperations) {
    this.#micros = micros;
    this.edges = new EdgeList(micros.transactions);
    this.#external = new ExternalReads(micros);
    this.#happened = happened(micros);
    this.#lastEarlier = new Int32Array(micros.writes);
  }

  /** A reader follows the writer. */
  reads(): void {
    const { writes, writeTransaction, key, writeMicro } = this.#micros;
    for (let write = 0; write < writes; write++) {
      if (!isInstalled(this.#micros, write)) continue;
      const writer = writeTransaction[write] as number;
      const k = key[writeMicro[write] as number] as number;
      for (const reader of this.#external.of(write)) this.edges.add(writer, reader, WR, k);
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
      if (this.#external.of(writes + k).length > 0) (writers[k] as number[]).push(writer);
    }
    writers.forEach((all, k) => {
      this.edges.addAll([...this.#external.of(writes + k)], all, RW, k);
    });
  }

  /** Who read a version comes before who read it and overwrote it. */
  updates(): void {
    const { start, key, write, value, transactions, writes } = this.#micros;
    const seen = new Int32Array(this.#micros.keys.values.length);
    const updaters = new Map<number, number[]>();
    for (let at = 0; at < transactions; at++) {
      for (let micro = start[at] as number; micro < (start[at + 1] as number); micro++) {
        const k = key[micro] as number;
        if (this.#external.is[micro] === 1) seen[k] = micro + 1;
        if (write[micro] === READ || !isInstalled(this.#micros, write[micro] as number)) continue;
        const read = (seen[k] as number) - 1;
        if (read < (start[at] as number) || value[read] === INITIAL) continue;
        const version = value[read] as number;
        const known = updaters.get(version);
        if (known) known.push(at);
        else if (version < writes) updaters.set(version, [at]);
      }
    }
    for (const [version, all] of updaters) {
      const k = key[this.#micros.writeMicro[version] as number] as number;
      this.edges.addAll([...this.#external.of(version)], all, RW, k);
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
      if (end - (start[at] as number) < 2) continue;
      const sources = new Set<number>();
      for (let micro = start[at] as number; micro < end; micro++) {
        const seen = value[micro] as number;
        if (this.#external.is[micro] === 0 || seen < 0 || !isInstalled(this.#micros, seen)) continue;
        of[key[micro] as number] = at + 1;
        readOf[key[micro] as number] = micro;
        sources.add(writeTransaction[seen] as number);
      }
      if (sources.size < 2) continue;
      for (const source of sources) {
        for (let micro = start[source] as number; micro < (start[source + 1] as number); micro++) {
          const k = key[micro] as number;
          const older = write[micro] as number;
          if (older === READ || of[k] !== at + 1 || !isInstalled(this.#micros, older)) continue;
          const read = readOf[k] as number;
          this.#precedes(older, value[read] as number, read, VISIBLE, RW);
        }
      }
    }
  }

  /** Who began after a write had completed, or had been read, must have seen it: where it read something else, that is newer. */
  visibleInTime(budget: Budget): void {
    const { history, keys } = this.#micros;
    const graph = this.edges.toGraph();
    const known = WR | VISIBLE;
    const components = componentsOf(graph, known, budget);
    const done = earliestReached(graph, components, known, timesOf(history), graph.size);
    const touching = this.#touchingByKey();
    for (let k = 0; k < keys.values.length; k++) {
      const frontier = new Frontier();
      for (const micro of touching.of(k)) {
        const at = touching.transaction[micro] as number;
        const begun = history.invokeIndex[at] as number;
        const write = this.#micros.write[micro] as number;
        if (write !== READ) frontier.add({ write, begun, done: done[at] as number });
        else for (const older of frontier.at(begun)) this.#precedesInTime(older.write, micro);
      }
    }
  }

  #writer(write: number): number {
    return this.#micros.writeTransaction[write] as number;
  }

  #precedesInTime(older: number, read: number): void {
    const seen = this.#micros.value[read] as number;
    if (seen >= 0 && isInstalled(this.#micros, seen)) this.#precedes(older, seen, read, VISIBLE_IN_TIME, RW_IN_TIME);
  }

  /** One write of a key is older than another: its writer and its readers come before the other's writer. */
  #precedes(older: number, newer: number, read: number, kind: number, anti: number): void {
    if (older === newer || this.#isKnown(older, newer)) return;
    const writer = this.#writer(newer);
    this.edges.add(this.#writer(older), writer, kind, read);
    const key = this.#micros.key[read] as number;
    for (const reader of this.#external.of(older)) this.edges.add(reader, writer, anti, key);
  }

  #isKnown(older: number, newer: number): boolean {
    const first = this.#lastEarlier[newer] as number;
    for (let at = first; at > 0; ) {
      const { version, before } = this.#earlier[at - 1] as { version: number; before: number };
      if (version === older) return true;
      at = before;
    }
    this.#lastEarlier[newer] = this.#earlier.push({ version: older, before: first });
    return false;
  }

  /** External reads and installed writes of each key, in order of invocation. */
  #touchingByKey(): { of(key: number): Int32Array; transaction: Int32Array } {
    const { start, key, write, count, transactions } = this.#micros;
    const keys = this.#micros.keys.values.length;
    const from = new Int32Array(keys + 1);
    const counts = (micro: number) =>
      write[micro] === READ ? this.#external.is[micro] === 1 : isInstalled(this.#micros, write[micro] as number);
    for (let micro = 0; micro < count; micro++) if (counts(micro)) from[(key[micro] as number) + 1]!++;
    for (let k = 0; k < keys; k++) from[k + 1]! += from[k] as number;
    const next = from.slice();
    const all = new Int32Array(from[keys] as number);
    for (let micro = 0; micro < count; micro++) if (counts(micro)) all[next[key[micro] as number]!++] = micro;
    const transaction = new Int32Array(count);
    for (let at = 0; at < transactions; at++) transaction.fill(at, start[at] as number, start[at + 1] as number);
    return { of: (k) => all.subarray(from[k] as number, from[k + 1] as number), transaction };
  }
}

/** A write, the events at which its transaction began and at which it was certain to have happened. */
interface Timed {
  readonly write: number;
  readonly begun: number;
  readonly done: number;
}

/** Writes of one key, in order of their beginning, and which of them were the last to be done at some event. */
class Frontier {
  #open: Timed[] = [];
  #latest: readonly Timed[] = [];
  #begun = -1;

  add(timed: Timed): void {
    if (timed.done < NEVER) this.#open.push(timed);
  }

  /** Those done before `event` that no other such write began after. Events are asked for in order. */
  at(event: number): readonly Timed[] {
    const done = this.#open.filter((timed) => timed.done < event);
    if (done.length === 0) return this.#latest;
    this.#open = this.#open.filter((timed) => timed.done >= event);
    this.#begun = done.reduce((latest, { begun }) => Math.max(latest, begun), this.#begun);
    this.#latest = [...this.#latest, ...done].filter((timed) => timed.done > this.#begun);
    return this.#latest;
  }
}

/** Why the one must come before the other, as the end of a sentence. */
export function registerReason(micros: MicroOperations, step: Step, name: (at: number) => string): string {
  const { from, to, kind, reason } = step;
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
      last = micros.codes.valueOf(micros.value[micro] as number);
  return last;
}
