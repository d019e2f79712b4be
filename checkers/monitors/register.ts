/**
 * Registers of which every value that somebody observed was written once: reads, writes and swaps, some of unknown
 * outcome. After P. Gibbons and E. Korach, "Testing Shared Memories", 1997, extended by swaps: a write and the swaps that
 * follow from it are a chain, which must hold the register without a break. Linear in time.
 */

import { NEVER } from '../../rig/recording.ts';
import { ABSENT, FALSE, NULL } from '../../rig/values.ts';
import { CodeTable } from './code-table.ts';
import { grown } from './events.ts';
import type { Columns, Decision, Evidence, Monitor } from './monitor.ts';

export const [READ, WRITE, SWAP] = [0, 1, 2] as const;

/** Instead of an operation or a writer. */
const NONE = -1;
/** The writer of the initial value; that of operation `x` is `x − from + 1`. */
const INITIAL = 0;
/** Operations during a refused swap that are looked at. */
const MOST_DURING = 256;

class RegisterMonitor implements Monitor {
  readonly roles: Readonly<Record<string, number>>;
  #o!: Columns;
  #from = 0;
  #to = 0;
  // By writer.
  #next = new Int32Array(0);
  #seenBy = new Int32Array(0);
  #isShared = new Uint8Array(0);
  #isLinked = new Uint8Array(0);
  /** The read of its value that ended first, and the one that began last. */
  #firstEnded = new Int32Array(0);
  #lastBegun = new Int32Array(0);
  // By the writer of a chain's first value: the operations of the chain that ended first and began last.
  #zoneEnd = new Int32Array(0);
  #zoneBegin = new Int32Array(0);
  /** By rank, what zone begins there: its writer if the chain is forced to hold on, its negative if it fits anywhere. */
  #zones: Int32Array = new Int32Array(0);
  #work = new Int32Array(0);
  #worked = 0;
  #refusals = 0;
  readonly #writers = new CodeTable();

  constructor(roles: Readonly<Record<string, number>>) {
    this.roles = roles;
  }

  decide(operations: Columns, from: number, to: number): Decision {
    this.#o = operations;
    this.#from = from;
    this.#to = to;
    this.#reserve(to - from + 1);
    if (!this.#enterWriters()) return 'inapplicable';
    const found = this.#attachReads() ?? this.#linkSwaps() ?? this.#walkChains() ?? this.#sweepZones();
    if (found !== null) return found;
    return this.#refusals === 0 || this.#allowsRefusals() ? 'legal' : 'inapplicable';
  }

  #reserve(writers: number): void {
    this.#worked = 0;
    this.#refusals = 0;
    if (this.#next.length < writers) {
      const size = 2 * writers;
      this.#next = new Int32Array(size);
      this.#seenBy = new Int32Array(size);
      this.#isShared = new Uint8Array(size);
      this.#isLinked = new Uint8Array(size);
      this.#firstEnded = new Int32Array(size);
      this.#lastBegun = new Int32Array(size);
      this.#zoneEnd = new Int32Array(size);
      this.#zoneBegin = new Int32Array(size);
      this.#work = new Int32Array(size);
    }
    this.#writers.begin(writers);
    this.#zones = grown(this.#zones, 2 * writers).fill(0, 0, 2 * writers);
    this.#next.fill(NONE, 0, writers);
    this.#seenBy.fill(NONE, 0, writers);
    this.#isShared.fill(0, 0, writers);
    this.#isLinked.fill(0, 0, writers);
    this.#firstEnded.fill(NONE, 0, writers);
    this.#lastBegun.fill(NONE, 0, writers);
  }

  /** Finds who wrote each value; false if some operation is none of a register. */
  #enterWriters(): boolean {
    const { role, value, to, output } = this.#o;
    this.#enter(NULL, INITIAL);
    for (let x = this.#from; x < this.#to; x++) {
      const its = role[x] as number;
      if (its === READ) continue;
      if (its === SWAP && output[x] === FALSE) {
        this.#refusals++;
        continue;
      }
      const written = (its === SWAP ? (to[x] ?? ABSENT) : value[x]) as number;
      if (its > SWAP || value[x] === ABSENT || written === ABSENT) return false;
      this.#enter(written, x - this.#from + 1);
    }
    return true;
  }

  #enter(value: number, writer: number): void {
    const other = this.#writers.enter(value, writer);
    if (other !== NONE) this.#isShared[other] = 1;
  }

  /** The operation of a writer that is not the initial one. */
  #operation(writer: number): number {
    return this.#from + writer - 1;
  }

  #attachReads(): Decision | null {
    const { role, output, call, end } = this.#o;
    for (let x = this.#from; x < this.#to; x++) {
      if (role[x] !== READ) {
        if (role[x] === SWAP && end[x] !== NEVER && output[x] !== FALSE)
          this.#work[this.#worked++] = x - this.#from + 1;
        continue;
      }
      if (end[x] === NEVER || output[x] === ABSENT) continue;
      const writer = this.#writers.find(output[x] as number);
      if (writer === NONE) return [x];
      if (this.#isShared[writer] === 1) return 'inapplicable';
      if (writer !== INITIAL && (call[this.#operation(writer)] as number) > (end[x] as number)) return [x];
      const first = this.#firstEnded[writer] as number;
      if (first === NONE || (end[x] as number) < (end[first] as number)) this.#firstEnded[writer] = x;
      // They stand in the order in which they began.
      this.#lastBegun[writer] = x;
      this.#see(writer, x);
    }
    return null;
  }

  /** Notes that somebody saw what a writer wrote: if its outcome is unknown, it did take effect. */
  #see(writer: number, by: number): void {
    if (this.#seenBy[writer] !== NONE) return;
    this.#seenBy[writer] = by;
    if (writer === INITIAL) return;
    const x = this.#operation(writer);
    if (this.#o.role[x] === SWAP && this.#o.end[x] === NEVER) this.#work[this.#worked++] = writer;
  }

  /** Ties every swap that took effect to the writer of what it took. */
  #linkSwaps(): Decision | null {
    for (let at = 0; at < this.#worked; at++) {
      const swap = this.#work[at] as number;
      const x = this.#operation(swap);
      const writer = this.#writers.find(this.#o.value[x] as number);
      if (writer === NONE) return this.#with(x);
      if (this.#isShared[writer] === 1) return 'inapplicable';
      const other = this.#next[writer] as number;
      if (other !== NONE) return this.#with(x, this.#operation(other));
      this.#next[writer] = swap;
      this.#see(writer, x);
    }
    return null;
  }

  /** Sees that each chain keeps real time within itself, and finds its zone. */
  #walkChains(): Evidence | null {
    const { role, end } = this.#o;
    const count = this.#to - this.#from;
    let linked = 0;
    for (let root = INITIAL; root <= count; root++) {
      if (root !== INITIAL) {
        const x = this.#operation(root);
        if (role[x] !== WRITE || (end[x] === NEVER && this.#seenBy[root] === NONE)) continue;
      }
      this.#zoneBegin[root] = NONE;
      this.#zoneEnd[root] = NONE;
      for (let writer = root; writer !== NONE; writer = this.#next[writer] as number) {
        if (writer !== root) {
          linked++;
          this.#isLinked[writer] = 1;
        }
        const found = this.#extend(root, writer);
        if (found) return found;
      }
      if (root !== INITIAL) this.#enterZone(root);
    }
    return linked === this.#worked ? null : this.#cycle();
  }

  /** Adds a writer and the reads of its value to the chain; what must precede them must not have begun too late. */
  #extend(root: number, writer: number): Evidence | null {
    if (writer !== INITIAL) {
      const x = this.#operation(writer);
      const late = this.#latest(root, x);
      if (late) return late;
      this.#begin(root, x);
    }
    const first = this.#firstEnded[writer] as number;
    if (first === NONE) return null;
    const late = this.#latest(root, first);
    if (late) return late;
    this.#begin(root, this.#lastBegun[writer] as number);
    return null;
  }

  /** Evidence if `x` ended before what must precede it in its chain began; otherwise notes its end. */
  #latest(root: number, x: number): Evidence | null {
    const { call, end } = this.#o;
    const before = this.#zoneBegin[root] as number;
    if (before !== NONE && (end[x] as number) < (call[before] as number)) return this.#with(before, x);
    const first = this.#zoneEnd[root] as number;
    if (first === NONE || (end[x] as number) < (end[first] as number)) this.#zoneEnd[root] = x;
    return null;
  }

  #begin(root: number, x: number): void {
    const { call } = this.#o;
    const last = this.#zoneBegin[root] as number;
    if (last === NONE || (call[x] as number) > (call[last] as number)) this.#zoneBegin[root] = x;
  }

  #enterZone(root: number): void {
    const ended = this.#o.end[this.#zoneEnd[root] as number] as number;
    const begun = this.#o.call[this.#zoneBegin[root] as number] as number;
    if (ended < begun) this.#zones[ended] = root;
    else this.#zones[begun] = -root;
  }

  /** No two chains may each have begun before the other was over. */
  #sweepZones(): Evidence | null {
    const { call, end } = this.#o;
    let holder = INITIAL;
    const initial = this.#zoneBegin[INITIAL] as number;
    let until = initial === NONE ? -1 : (call[initial] as number);
    const ranks = 2 * (this.#to - this.#from);
    for (let rank = 0; rank < ranks; rank++) {
      const zone = this.#zones[rank] as number;
      if (zone === 0) continue;
      const root = zone < 0 ? -zone : zone;
      const ended = this.#zoneEnd[root] as number;
      if ((end[ended] as number) < until) {
        const core = [ended, this.#zoneBegin[root] as number, this.#zoneBegin[holder] as number];
        return holder === INITIAL ? this.#with(...core) : this.#with(...core, this.#zoneEnd[holder] as number);
      }
      if (zone < 0) continue;
      holder = root;
      until = call[this.#zoneBegin[root] as number] as number;
    }
    return null;
  }

  /** Swaps that each took what the next one made. */
  #cycle(): Evidence {
    const lost = this.#work.subarray(0, this.#worked).find((swap) => this.#isLinked[swap] === 0) as number;
    return this.#with(this.#operation(lost));
  }

  /** With everything that these need: the writers of what they saw, and who saw those of unknown outcome. */
  #with(...core: readonly number[]): Evidence {
    const { role, value, output, end } = this.#o;
    const all = new Set(core);
    for (const x of all) {
      const needed = role[x] === READ ? (output[x] as number) : role[x] === SWAP ? (value[x] as number) : null;
      const writer = needed === null ? NONE : this.#writers.find(needed);
      if (writer > INITIAL) all.add(this.#operation(writer));
      const seenBy = role[x] === READ || end[x] !== NEVER ? NONE : (this.#seenBy[x - this.#from + 1] as number);
      if (seenBy !== NONE) all.add(seenBy);
    }
    return [...all].sort((a, b) => a - b);
  }

  /** True if every refused swap certainly finds a moment at which the value is another than the one it wanted. */
  #allowsRefusals(): boolean {
    const { role, value, output, call } = this.#o;
    for (let x = this.#from; x < this.#to; x++) {
      if (role[x] !== SWAP || output[x] !== FALSE) continue;
      const writer = this.#writers.find(value[x] as number);
      if (writer === NONE) continue;
      if (this.#isShared[writer] === 1) return false;
      if (writer !== INITIAL && (call[this.#operation(writer)] as number) > (call[x] as number)) continue;
      if (!this.#changesDuring(x)) return false;
    }
    return true;
  }

  /** True if another operation took place while `x` was open, before or after which the value is not the one `x` wanted. */
  #changesDuring(x: number): boolean {
    const { role, value, output, call, end } = this.#o;
    const ended = end[x] as number;
    const until = Math.min(this.#to, x + MOST_DURING);
    for (let y = x + 1; y < until && (call[y] as number) < ended; y++) {
      if ((end[y] as number) > ended || output[y] === FALSE) continue;
      if (role[y] !== READ || output[y] !== value[x]) return true;
    }
    return false;
  }
}

export const registerMonitor = (roles: Readonly<Record<string, number>>): Monitor => new RegisterMonitor(roles);
