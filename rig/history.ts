/**
 * The record of a run, as columns: typed arrays in shared memory, one entry for each operation in the order of
 * invocation. Checkers walk the columns; inputs and outputs are decoded on demand.
 */

import type { Completion, FaultEvent, HistoryEvent, Input, Json, NodeId, Operation, PhaseEvent } from './contract.ts';
import { FAIL, OK, Recording, type Stamped } from './recording.ts';

export { FAIL, INFO, NEVER, OK, type Stamped } from './recording.ts';

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

  constructor(source: Recording<In, Out> | readonly HistoryEvent<In, Out>[], warnings: readonly string[] = []) {
    const recording = source instanceof Recording ? source : recorded(source);
    const { length } = recording;
    this.length = length;
    this.invokeIndex = trim(recording.invokeIndex, new Int32Array(shared(4 * length)));
    this.completeIndex = trim(recording.completeIndex, new Int32Array(shared(4 * length)));
    this.invokedNs = trim(recording.invokedNs, new Float64Array(shared(8 * length)));
    this.completedNs = trim(recording.completedNs, new Float64Array(shared(8 * length)));
    this.dueNs = trim(recording.dueNs, new Float64Array(shared(8 * length)));
    this.endedNs = trim(recording.endedNs, new Float64Array(shared(8 * length)));
    this.process = trim(recording.process, new Int32Array(shared(4 * length)));
    this.type = trim(recording.type, new Uint8Array(shared(length)));
    this.f = trim(recording.f, new Uint16Array(shared(2 * length)));
    this.node = trim(recording.node, new Uint16Array(shared(2 * length)));
    this.error = trim(recording.error, new Uint16Array(shared(2 * length)));
    this.functions = recording.functions.names;
    this.nodes = recording.nodes.names;
    this.errors = recording.errors.names;
    this.faults = recording.faults;
    this.phases = recording.phases;
    this.eventCount = recording.eventCount;
    this.lastNs = recording.lastNs;
    this.warnings = [...warnings, ...recording.warnings];
    this.#inputs = recording.inputs;
    this.#outputs = recording.outputs;
    this.#details = recording.details;
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

type Column = Int32Array | Float64Array | Uint8Array | Uint16Array;

function trim<A extends Column>(column: Column, into: A): A {
  into.set(column.subarray(0, into.length));
  return into;
}

function recorded<In extends Input, Out extends Json>(events: readonly HistoryEvent<In, Out>[]): Recording<In, Out> {
  const recording = new Recording<In, Out>();
  for (const event of events) recording.add(event);
  return recording;
}
