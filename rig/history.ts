/**
 * The record of a run, as columns: typed arrays in shared memory, one entry for each operation in the order of
 * invocation. Checkers walk the columns; inputs and outputs are decoded on demand.
 */

import type { Completion, FaultEvent, HistoryEvent, Input, Json, NodeId, Operation, PhaseEvent } from './contract.ts';

/** Values of the `type` column. */
export const OK = 0;
export const FAIL = 1;
export const INFO = 2;

/** In `completeIndex`: no completion was recorded, or it was an `info`. Larger than every event's index. */
export const NEVER = 0x7fffffff;

export type Stamped<E> = E & { readonly index: number; readonly timeNs: number };

export class History<In extends Input = Input, Out extends Json = Json> {
  /** How many operations there are: the length of every column. */
  readonly length: number;
  /** Event index of the invocation: the operation's name in verdicts and reports. Ascending. */
  readonly invokeIndex: Int32Array;
  /** Event index of the completion; `NEVER` for an `info` or an operation left open. */
  readonly completeIndex: Int32Array;
  readonly invokedNs: Float64Array;
  /** `Infinity` where `completeIndex` is `NEVER`. */
  readonly completedNs: Float64Array;
  /** When it was meant to be sent; equals `invokedNs` for closed-loop load. */
  readonly dueNs: Float64Array;
  /** When the client gave up on an `info`; `NaN` where nothing was recorded. Otherwise `completedNs`. */
  readonly endedNs: Float64Array;
  readonly process: Int32Array;
  /** `OK`, `FAIL` or `INFO`. */
  readonly type: Uint8Array;
  /** Positions in `functions`, `nodes` and `errors`; an `ok` has error 0, the empty string. */
  readonly f: Uint16Array;
  readonly node: Uint16Array;
  readonly error: Uint16Array;

  readonly functions: readonly string[];
  readonly nodes: readonly NodeId[];
  readonly errors: readonly string[];
  /** Everything that is not an operation. */
  readonly faults: readonly Stamped<FaultEvent>[];
  readonly phases: readonly Stamped<PhaseEvent>[];
  /** Events in the file, of all kinds; the time of the last. */
  readonly eventCount: number;
  readonly lastNs: number;
  /** What was wrong with the file: a torn last line, a process that broke the rules. */
  readonly warnings: readonly string[];

  readonly #inputs: readonly In[];
  readonly #outputs: readonly (Out | undefined)[];
  readonly #details: ReadonlyMap<number, string>;

  constructor(events: readonly HistoryEvent<In, Out>[], warnings: readonly string[] = []) {
    const problems = [...warnings];
    const faults: Stamped<FaultEvent>[] = [];
    const phases: Stamped<PhaseEvent>[] = [];
    let length = 0;
    for (const event of events) if (event.type === 'invoke') length++;

    this.length = length;
    this.invokeIndex = new Int32Array(shared(4 * length));
    this.completeIndex = new Int32Array(shared(4 * length)).fill(NEVER);
    this.invokedNs = new Float64Array(shared(8 * length));
    this.completedNs = new Float64Array(shared(8 * length)).fill(Infinity);
    this.dueNs = new Float64Array(shared(8 * length));
    this.endedNs = new Float64Array(shared(8 * length)).fill(Number.NaN);
    this.process = new Int32Array(shared(4 * length));
    this.type = new Uint8Array(shared(length)).fill(INFO);
    this.f = new Uint16Array(shared(2 * length));
    this.node = new Uint16Array(shared(2 * length));
    this.error = new Uint16Array(shared(2 * length));
    const functions = new Interner();
    const nodes = new Interner();
    const errors = new Interner();
    errors.of('');
    const neverCompleted = errors.of('never-completed');
    this.error.fill(neverCompleted);

    const inputs: In[] = [];
    const outputs: (Out | undefined)[] = [];
    const details = new Map<number, string>();
    const open = new Map<number, number>();
    for (const event of events) {
      switch (event.type) {
        case 'nemesis':
          faults.push(event);
          break;
        case 'phase':
          phases.push(event);
          break;
        case 'invoke': {
          if (open.has(event.process))
            problems.push(
              `process ${event.process} asked again at ${event.index} with a request open: that one is taken as unknown`,
            );
          const at = inputs.push(event.input) - 1;
          open.set(event.process, at);
          this.invokeIndex[at] = event.index;
          this.invokedNs[at] = event.timeNs;
          this.dueNs[at] = event.dueNs ?? event.timeNs;
          this.process[at] = event.process;
          this.f[at] = functions.of(event.input.f);
          this.node[at] = nodes.of(event.node);
          break;
        }
        case 'ok':
        case 'fail':
        case 'info': {
          const at = open.get(event.process);
          if (at === undefined) {
            problems.push(`process ${event.process} completed at ${event.index} with nothing open: left out`);
            break;
          }
          open.delete(event.process);
          this.endedNs[at] = event.timeNs;
          if (event.type !== 'info') {
            this.completeIndex[at] = event.index;
            this.completedNs[at] = event.timeNs;
          }
          this.type[at] = event.type === 'ok' ? OK : event.type === 'fail' ? FAIL : INFO;
          if (event.type === 'ok') {
            outputs[at] = event.output;
            this.error[at] = 0;
          } else {
            this.error[at] = errors.of(event.error);
            if (event.detail !== undefined) details.set(at, event.detail);
          }
        }
      }
    }
    this.functions = functions.names;
    this.nodes = nodes.names;
    this.errors = errors.names;
    this.faults = faults;
    this.phases = phases;
    this.eventCount = events.length;
    this.lastNs = events.at(-1)?.timeNs ?? 0;
    this.warnings = problems;
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#details = details;
  }

  /** The arguments of operation `at`, 0 ≤ at < length. */
  input(at: number): In {
    return this.#inputs[at] as In;
  }

  /** What operation `at` observed; `undefined` unless it is `OK`. */
  output(at: number): Out | undefined {
    return this.#outputs[at];
  }

  /** How operation `at` ended, as an object. */
  completion(at: number): Completion<Out> {
    if (this.type[at] === OK) return { type: 'ok', output: this.#outputs[at] as Out };
    const type = this.type[at] === FAIL ? 'fail' : 'info';
    const error = this.errors[this.error[at] as number] as string;
    const detail = this.#details.get(at);
    return detail === undefined ? { type, error } : { type, error, detail };
  }

  /** Operation `at` as an object. */
  operation(at: number): Operation<In, Out> {
    return {
      index: this.invokeIndex[at] as number,
      process: this.process[at] as number,
      node: this.nodes[this.node[at] as number] as NodeId,
      input: this.input(at),
      completion: this.completion(at),
      invokedNs: this.invokedNs[at] as number,
      completedNs: this.completedNs[at] as number,
      dueNs: this.dueNs[at] as number,
    };
  }

  *operations(): Generator<Operation<In, Out>> {
    for (let at = 0; at < this.length; at++) yield this.operation(at);
  }

  /** The operation whose invocation is event `index`, as a position in the columns; −1 if there is none. */
  at(index: number): number {
    let low = 0;
    let high = this.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.invokeIndex[middle] as number;
      if (found === index) return middle;
      if (found < index) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}

const shared = (bytes: number): SharedArrayBuffer => new SharedArrayBuffer(bytes);

/** Gives each distinct string a small number, in order of first sight. */
class Interner {
  readonly names: string[] = [];
  readonly #numbers = new Map<string, number>();

  of(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.names.push(name) - 1;
      this.#numbers.set(name, number);
    }
    return number;
  }
}
