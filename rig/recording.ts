/**
 * Events become columns as they are read: each invocation opens a row, and its completion fills it in. Rows grow by
 * doubling, so that no list of events is ever held.
 */

import type { FaultEvent, HistoryEvent, Input, Json, PhaseEvent } from './contract.ts';

/** Values of the `type` column. */
export const OK = 0;
export const FAIL = 1;
export const INFO = 2;

/** In `completeIndex`: no completion was recorded, or it was an `info`. Larger than every event's index. */
export const NEVER = 0x7fffffff;

export type Stamped<E> = E & { readonly index: number; readonly timeNs: number };

/** Warnings of one kind after which only their number is told. */
const MOST_WARNINGS = 20;

export class Recording<In extends Input = Input, Out extends Json = Json> {
  length = 0;
  eventCount = 0;
  lastNs = 0;
  invokeIndex = new Int32Array(64);
  completeIndex = new Int32Array(64);
  invokedNs = new Float64Array(64);
  completedNs = new Float64Array(64);
  dueNs = new Float64Array(64);
  endedNs = new Float64Array(64);
  process = new Int32Array(64);
  type = new Uint8Array(64);
  f = new Uint16Array(64);
  node = new Uint16Array(64);
  error = new Uint16Array(64);
  readonly functions = new Interner();
  readonly nodes = new Interner();
  readonly errors = new Interner();
  readonly inputs: In[] = [];
  readonly outputs: (Out | undefined)[] = [];
  readonly details = new Map<number, string>();
  readonly faults: Stamped<FaultEvent>[] = [];
  readonly phases: Stamped<PhaseEvent>[] = [];
  readonly #open = new Map<number, number>();
  readonly #problems: string[] = [];
  #problemCount = 0;

  constructor() {
    this.errors.of('');
    this.errors.of('never-completed');
  }

  /** What processes did against the rules. */
  get warnings(): readonly string[] {
    const more = this.#problemCount - this.#problems.length;
    return more > 0 ? [...this.#problems, `and ${more} more of the kind`] : this.#problems;
  }

  /** Takes the next event of the history. */
  add(event: HistoryEvent<In, Out>): void {
    this.eventCount++;
    this.lastNs = event.timeNs;
    switch (event.type) {
      case 'nemesis':
        this.faults.push(event);
        return;
      case 'phase':
        this.phases.push(event);
        return;
      case 'invoke':
        this.#invoke(event);
        return;
      case 'ok':
      case 'fail':
      case 'info':
        this.#complete(event);
    }
  }

  #invoke(event: Extract<HistoryEvent<In, Out>, { type: 'invoke' }>): void {
    if (this.#open.has(event.process))
      this.#warn(
        `process ${event.process} asked again at ${event.index} with a request open: that one is taken as unknown`,
      );
    const at = this.length++;
    if (at === this.type.length) this.#grow();
    this.#open.set(event.process, at);
    this.inputs.push(event.input);
    this.outputs.push(undefined);
    this.invokeIndex[at] = event.index;
    this.completeIndex[at] = NEVER;
    this.invokedNs[at] = event.timeNs;
    this.completedNs[at] = Infinity;
    this.dueNs[at] = event.dueNs ?? event.timeNs;
    this.endedNs[at] = Number.NaN;
    this.process[at] = event.process;
    this.type[at] = INFO;
    this.f[at] = this.functions.of(event.input.f);
    this.node[at] = this.nodes.of(event.node);
    this.error[at] = 1;
  }

  #complete(event: Extract<HistoryEvent<In, Out>, { type: 'ok' | 'fail' | 'info' }>): void {
    const at = this.#open.get(event.process);
    if (at === undefined) {
      this.#warn(`process ${event.process} completed at ${event.index} with nothing open: left out`);
      return;
    }
    this.#open.delete(event.process);
    this.endedNs[at] = event.timeNs;
    if (event.type !== 'info') {
      this.completeIndex[at] = event.index;
      this.completedNs[at] = event.timeNs;
    }
    this.type[at] = event.type === 'ok' ? OK : event.type === 'fail' ? FAIL : INFO;
    if (event.type === 'ok') {
      this.outputs[at] = event.output;
      this.error[at] = 0;
      return;
    }
    this.error[at] = this.errors.of(event.error);
    if (event.detail !== undefined) this.details.set(at, event.detail);
  }

  #warn(problem: string): void {
    if (++this.#problemCount <= MOST_WARNINGS) this.#problems.push(problem);
  }

  #grow(): void {
    const twice = <A extends Int32Array | Float64Array | Uint8Array | Uint16Array>(column: A): A => {
      const grown = new (column.constructor as new (length: number) => A)(2 * column.length);
      grown.set(column);
      return grown;
    };
    this.invokeIndex = twice(this.invokeIndex);
    this.completeIndex = twice(this.completeIndex);
    this.invokedNs = twice(this.invokedNs);
    this.completedNs = twice(this.completedNs);
    this.dueNs = twice(this.dueNs);
    this.endedNs = twice(this.endedNs);
    this.process = twice(this.process);
    this.type = twice(this.type);
    this.f = twice(this.f);
    this.node = twice(this.node);
    this.error = twice(this.error);
  }
}

/** Names that a column of 16 bits can tell apart. */
const MOST_NAMES = 65_536;

/** Gives each distinct string a small number, in order of first sight. */
class Interner {
  readonly names: string[] = [];
  readonly #numbers = new Map<string, number>();

  of(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      // The last number stands for all that came too late.
      if (this.names.length === MOST_NAMES - 1) this.names.push('(too many different names)');
      if (this.names.length === MOST_NAMES) return MOST_NAMES - 1;
      number = this.names.push(name) - 1;
      this.#numbers.set(name, number);
    }
    return number;
  }
}
