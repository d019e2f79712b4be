/**
 * The record of a run, as columns: typed arrays in shared memory, one entry for each operation in the order of
 * invocation. Checkers walk the columns; inputs and outputs are made on demand, anew each time.
 */

import { type Columns, columnsOf } from './columns.ts';
import type { Completion, FaultEvent, HistoryEvent, Input, Json, NodeId, Operation, PhaseEvent } from './contract.ts';
import { FAIL, type HistoryParts, INFO, OK, Recording, type Stamped } from './recording.ts';
import { ABSENT, Values, WHOLE } from './values.ts';
import type { Wire } from './wire-file.ts';

export { FAIL, type HistoryParts, INFO, NEVER, OK, type Stamped } from './recording.ts';

export class History<In extends Input = Input, Out extends Json = Json> implements Columns {
  /** How many operations there are: the length of every column. */
  readonly length: number;
  /** Event index of the invocation: the operation's name in verdicts and reports. Ascending. */
  readonly invokeIndex: Int32Array;
  /** Event index of the completion; `NEVER` for an `info` or an operation left open. */
  readonly completeIndex: Int32Array;
  readonly invokedNs: Float64Array;
  /** `Infinity` where `completeIndex` is `NEVER`. */
  readonly completedNs: Float64Array;
  /** How much later it was sent than it was meant to be; 0 for closed-loop load. */
  readonly lateNs: Float64Array;
  /** When the client gave up on an `info`; 0 where nothing was recorded. */
  readonly gaveUpNs: Float64Array;
  readonly process: Int32Array;
  /** `OK`, `FAIL` or `INFO`. */
  readonly type: Uint8Array;
  /** Positions in `functions`, `nodes` and `errors`; an `ok` has error 0, the empty string. */
  readonly f: Uint16Array;
  readonly node: Uint16Array;
  readonly error: Uint16Array;
  /** The input's `key` as a code (`rig/values.ts`); `ABSENT` if it has none. */
  readonly keyCode: Int32Array;
  /** The input's `value`; its `from` where there is a `toCode`; all of the input where that is `WHOLE`. */
  readonly valueCode: Int32Array;
  /** The input's `to`; `WHOLE` if it has other arguments than `key`, and `value` or `from` and `to`. */
  readonly toCode: Int32Array;
  /** `ABSENT` unless the operation is `OK`. */
  readonly outputCode: Int32Array;
  /** Says what a code means. */
  readonly values: Values;

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

  /** What really went over the wire to the nodes; `null` where nobody recorded it. */
  readonly wire: Wire | null;

  /** All of it as plain data around shared memory, for another thread to make a `History` of. */
  readonly parts: HistoryParts;

  constructor(
    source: Recording<In, Out> | HistoryParts | readonly HistoryEvent<In, Out>[],
    warnings: readonly string[] = [],
  ) {
    const given = source instanceof Recording ? source.parts() : 'room' in source ? source : recorded(source).parts();
    const parts = warnings.length === 0 ? given : { ...given, warnings: [...warnings, ...given.warnings] };
    this.parts = parts;
    this.length = parts.length;
    const columns = columnsOf(parts.room, parts.capacity, parts.length);
    this.invokeIndex = columns.invokeIndex;
    this.completeIndex = columns.completeIndex;
    this.invokedNs = columns.invokedNs;
    this.completedNs = columns.completedNs;
    this.lateNs = columns.lateNs;
    this.gaveUpNs = columns.gaveUpNs;
    this.process = columns.process;
    this.type = columns.type;
    this.f = columns.f;
    this.node = columns.node;
    this.error = columns.error;
    this.keyCode = columns.keyCode;
    this.valueCode = columns.valueCode;
    this.toCode = columns.toCode;
    this.outputCode = columns.outputCode;
    this.values = new Values(parts.values);
    this.functions = parts.functions;
    this.nodes = parts.nodes;
    this.errors = parts.errors;
    this.faults = parts.faults;
    this.phases = parts.phases;
    this.eventCount = parts.eventCount;
    this.lastNs = parts.lastNs;
    this.warnings = parts.warnings;
    this.wire = parts.wire ?? null;
  }

  /** The arguments of operation `at`, 0 ≤ at < length. */
  input(at: number): In {
    return this.#input(at) as In;
  }

  #input(at: number): Json {
    const { values } = this;
    const keyCode = this.keyCode[at] as number;
    const valueCode = this.valueCode[at] as number;
    const toCode = this.toCode[at] as number;
    if (toCode === WHOLE) return values.of(valueCode) as Json;
    const f = this.functions[this.f[at] as number] as string;
    if (toCode === ABSENT) {
      if (keyCode === ABSENT) return valueCode === ABSENT ? { f } : { f, value: values.of(valueCode) as Json };
      const key = values.of(keyCode) as Json;
      return valueCode === ABSENT ? { f, key } : { f, key, value: values.of(valueCode) as Json };
    }
    const from = values.of(valueCode) as Json;
    const to = values.of(toCode) as Json;
    return keyCode === ABSENT ? { f, from, to } : { f, key: values.of(keyCode) as Json, from, to };
  }

  /** What operation `at` observed; `undefined` unless it is `OK`. */
  output(at: number): Out | undefined {
    return this.values.of(this.outputCode[at] as number) as Out | undefined;
  }

  /** When operation `at` was meant to be sent; latency counts from there. */
  dueNs(at: number): number {
    return (this.invokedNs[at] as number) - (this.lateNs[at] as number);
  }

  /** When the client had its answer or gave up; `NaN` where nothing was recorded. */
  endedNs(at: number): number {
    if (this.type[at] !== INFO) return this.completedNs[at] as number;
    return (this.gaveUpNs[at] as number) || Number.NaN;
  }

  /** How operation `at` ended, as an object. */
  completion(at: number): Completion<Out> {
    if (this.type[at] === OK) return { type: 'ok', output: this.output(at) as Out };
    const type = this.type[at] === FAIL ? 'fail' : 'info';
    const error = this.errors[this.error[at] as number] as string;
    const detail = this.parts.details.get(at);
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
      dueNs: this.dueNs(at),
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

function recorded<In extends Input, Out extends Json>(events: readonly HistoryEvent<In, Out>[]): Recording<In, Out> {
  const recording = new Recording<In, Out>();
  for (const event of events) recording.add(event);
  return recording;
}
