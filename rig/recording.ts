/**
 * Events become columns as they are read: each invocation opens a row, and its completion fills it in. Rows grow by
 * doubling, so that no list of events is ever held.
 */

import { type Columns, columnsOf, copyColumns, roomFor } from './columns.ts';
import type { FaultEvent, HistoryEvent, Input, Json, NodeId, PhaseEvent } from './contract.ts';
import type { Wire } from './wire-file.ts';
import { ABSENT, ValueCoder, type ValueParts, WHOLE } from './values.ts';

/** Values of the `type` column. */
export const OK = 0;
export const FAIL = 1;
export const INFO = 2;

/** In `completeIndex`: no completion was recorded, or it was an `info`. Larger than every event's index. */
export const NEVER = 0x7fffffff;

export type Stamped<E> = E & { readonly index: number; readonly timeNs: number };

/** All of a history as plain data around shared memory; its fields are those of `History`. */
export interface HistoryParts {
  readonly length: number;
  readonly room: SharedArrayBuffer;
  /** Rows that there is room for. */
  readonly capacity: number;
  readonly values: ValueParts;
  readonly functions: readonly string[];
  readonly nodes: readonly NodeId[];
  readonly errors: readonly string[];
  /** Of a `fail` or `info`, by its row. */
  readonly details: ReadonlyMap<number, string>;
  readonly faults: readonly Stamped<FaultEvent>[];
  readonly phases: readonly Stamped<PhaseEvent>[];
  readonly eventCount: number;
  readonly lastNs: number;
  readonly warnings: readonly string[];
  /** What really went over the wire, where that was recorded. */
  readonly wire?: Wire;
}

/** Warnings of one kind after which only their number is told. */
const MOST_WARNINGS = 20;
/** Processes below this have their open operation in an array. */
const MOST_SMALL_PROCESSES = 1 << 22;

export class Recording<In extends Input = Input, Out extends Json = Json> {
  eventCount = 0;
  lastNs = 0;
  readonly values = new ValueCoder();
  readonly functions = new Names(this.values);
  readonly nodes = new Names(this.values);
  readonly errors = new Names(this.values);
  readonly #details = new Map<number, string>();
  readonly #faults: Stamped<FaultEvent>[] = [];
  readonly #phases: Stamped<PhaseEvent>[] = [];
  #length = 0;
  #capacity: number;
  #room: SharedArrayBuffer;
  #columns: Columns;
  /** One more than the row of the open operation of each process; 0 if there is none. */
  #open = new Int32Array(64);
  readonly #openOfOthers = new Map<number, number>();
  readonly #problems: string[] = [];
  #problemCount = 0;

  /** `expected` is about how many operations there will be. */
  constructor(expected = 64) {
    this.errors.of('');
    this.errors.of('never-completed');
    this.#capacity = Math.max(64, Math.ceil(expected / 8) * 8);
    this.#room = roomFor(this.#capacity);
    this.#columns = columnsOf(this.#room, this.#capacity);
  }

  parts(): HistoryParts {
    const more = this.#problemCount - this.#problems.length;
    return {
      length: this.#length,
      room: this.#room,
      capacity: this.#capacity,
      values: this.values.parts,
      functions: this.functions.names,
      nodes: this.nodes.names,
      errors: this.errors.names,
      details: this.#details,
      faults: this.#faults,
      phases: this.#phases,
      eventCount: this.eventCount,
      lastNs: this.lastNs,
      warnings: more > 0 ? [...this.#problems, `and ${more} more of the kind`] : this.#problems,
    };
  }

  /** Takes the next event of the history. */
  add(event: HistoryEvent<In, Out>): void {
    switch (event.type) {
      case 'nemesis':
        this.#passes(event.timeNs);
        this.#faults.push(event);
        return;
      case 'phase':
        this.#passes(event.timeNs);
        this.#phases.push(event);
        return;
      case 'invoke':
        this.#addInvocation(event);
        return;
      case 'ok':
        this.complete(event.index, event.timeNs, event.process, OK, this.values.code(event.output), 0);
        return;
      case 'fail':
      case 'info': {
        const type = event.type === 'fail' ? FAIL : INFO;
        const error = this.errors.of(event.error);
        this.complete(event.index, event.timeNs, event.process, type, ABSENT, error, event.detail);
      }
    }
  }

  /** The same for an invocation of which `key`, `value` and `to` are codes, as in the columns. */
  invoke(
    index: number,
    timeNs: number,
    dueNs: number,
    process: number,
    node: number,
    f: number,
    key: number,
    value: number,
    to: number,
  ): void {
    this.#passes(timeNs);
    const at = this.#length++;
    if (at === this.#capacity) this.#grow();
    if (this.#openAt(process, at + 1) > 0)
      this.warn(`process ${process} asked again at ${index} with a request open: that one is taken as unknown`);
    const columns = this.#columns;
    columns.invokeIndex[at] = index;
    columns.completeIndex[at] = NEVER;
    columns.invokedNs[at] = timeNs;
    columns.completedNs[at] = Infinity;
    // What is nearly always nothing is left as it is: memory that nobody touches costs nothing.
    if (dueNs !== timeNs) columns.lateNs[at] = timeNs - dueNs;
    columns.process[at] = process;
    columns.type[at] = INFO;
    columns.f[at] = f;
    columns.node[at] = node;
    columns.error[at] = 1;
    columns.keyCode[at] = key;
    columns.valueCode[at] = value;
    columns.toCode[at] = to;
    columns.outputCode[at] = ABSENT;
  }

  /** The number of the function that a process has open; −1 if it has none. */
  openFunction(process: number): number {
    const at = this.#openOf(process) - 1;
    return at < 0 ? -1 : (this.#columns.f[at] as number);
  }

  /** The same for a completion, with its output as a code. */
  complete(
    index: number,
    timeNs: number,
    process: number,
    type: number,
    output: number,
    error: number,
    detail?: string,
  ): void {
    this.#passes(timeNs);
    const at = this.#openAt(process, 0) - 1;
    if (at < 0) {
      this.warn(`process ${process} completed at ${index} with nothing open: left out`);
      return;
    }
    const columns = this.#columns;
    if (type === INFO) columns.gaveUpNs[at] = timeNs;
    else {
      columns.completeIndex[at] = index;
      columns.completedNs[at] = timeNs;
    }
    columns.type[at] = type;
    columns.outputCode[at] = output;
    columns.error[at] = error;
    if (detail !== undefined) this.#details.set(at, detail);
  }

  #passes(timeNs: number): void {
    this.eventCount++;
    this.lastNs = timeNs;
  }

  #addInvocation(event: Extract<HistoryEvent<In, Out>, { type: 'invoke' }>): void {
    const { index, timeNs, dueNs = timeNs, process, input } = event;
    const { values } = this;
    const node = this.nodes.of(event.node);
    const f = this.functions.of(input.f);
    const { key, value, from, to } = input;
    const keyCode = values.code(key);
    const form = f === LAST_NAME ? '' : Object.keys(input).join(' ');
    if (form === 'f' || form === 'f key' || form === 'f value' || form === 'f key value')
      this.invoke(index, timeNs, dueNs, process, node, f, keyCode, values.code(value), ABSENT);
    else if (form === 'f from to' || form === 'f key from to')
      this.invoke(index, timeNs, dueNs, process, node, f, keyCode, values.code(from), values.code(to));
    else this.invoke(index, timeNs, dueNs, process, node, f, keyCode, values.code(input), WHOLE);
  }

  /** Puts down what a process has open now; returns what it had before. */
  #openAt(process: number, now: number): number {
    if (process >= 0 && process < MOST_SMALL_PROCESSES) {
      while (process >= this.#open.length) {
        const grown = new Int32Array(2 * this.#open.length);
        grown.set(this.#open);
        this.#open = grown;
      }
      const before = this.#open[process] as number;
      this.#open[process] = now;
      return before;
    }
    const before = this.#openOfOthers.get(process) ?? 0;
    if (now === 0) this.#openOfOthers.delete(process);
    else this.#openOfOthers.set(process, now);
    return before;
  }

  #openOf(process: number): number {
    const isSmall = process >= 0 && process < this.#open.length;
    return (isSmall ? this.#open[process] : this.#openOfOthers.get(process)) ?? 0;
  }

  /** Tells what was wrong with the history; of many things the first. */
  warn(problem: string): void {
    if (++this.#problemCount <= MOST_WARNINGS) this.#problems.push(problem);
  }

  #grow(): void {
    const capacity = 2 * this.#capacity;
    const room = roomFor(capacity);
    const columns = columnsOf(room, capacity);
    copyColumns(this.#columns, columns);
    this.#room = room;
    this.#capacity = capacity;
    this.#columns = columns;
  }
}

/** Names that a column of 16 bits can tell apart. */
const MOST_NAMES = 65_536;
/** Stands for all names that came too late. */
export const LAST_NAME = MOST_NAMES - 1;

const EARLY_CODES = 128;

/** Gives each distinct string a small number, in order of first sight. */
class Names {
  readonly names: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #values: ValueCoder;
  readonly #byCode = new Map<number, number>();
  /** By code, one more than the number; 0 for one that is not known. */
  readonly #early = new Int32Array(EARLY_CODES);

  constructor(values: ValueCoder) {
    this.#values = values;
  }

  of(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      if (this.names.length === LAST_NAME) this.names.push('(too many different names)');
      if (this.names.length === MOST_NAMES) return LAST_NAME;
      number = this.names.push(name) - 1;
      this.#numbers.set(name, number);
    }
    return number;
  }

  /** The number of the text of a code that had one before; −1 otherwise. */
  known(code: number): number {
    // Texts that came early, as most names do, have the highest codes.
    const place = -code;
    if (place < EARLY_CODES && this.#early[place] !== 0) return (this.#early[place] as number) - 1;
    return this.#byCode.get(code) ?? -1;
  }

  /** The same for the code of a text. */
  ofCode(code: number): number {
    const place = -code;
    if (place < EARLY_CODES && this.#early[place] !== 0) return (this.#early[place] as number) - 1;
    let number = this.#byCode.get(code);
    if (number === undefined) {
      number = this.of(this.#values.of(code) as string);
      if (number === LAST_NAME) return number;
      this.#byCode.set(code, number);
      if (place < EARLY_CODES) this.#early[place] = number + 1;
    }
    return number;
  }
}
