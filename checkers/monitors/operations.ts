/**
 * The operations of a history as one table of typed columns, partition by partition: what monitors decide on, and what
 * problems for the search are made of. No object is made for an operation.
 *
 * Left out is what cannot matter: operations that failed and observed nothing, and reads that nobody heard back from.
 * Ranks replace times: what counts is the order in which the events of a partition were recorded.
 */

import type { Input, Json, Model } from '../../rig/contract.ts';
import { FAIL, type History, INFO, NEVER, OK } from '../../rig/history.ts';
import { ABSENT, placeOf, WHOLE } from '../../rig/values.ts';
import { Codes } from './codes.ts';
import { type Columns, type Monitor, type Monitored, OTHER } from './monitor.ts';
import { TupleNumbers } from './tuple-numbers.ts';

/** A history with functions that the model does not know. */
export class UnknownFunction extends Error {
  override readonly name = 'UnknownFunction';
}

const LEFT_OUT = -1;

/** Keys whose partition is found without looking for it. */
const MOST_EARLY_KEYS = 1 << 16;

export class Operations implements Columns {
  readonly history: History;
  readonly codes: Codes;
  /** How many partitions there are, in order of first sight; those of `p` are from `starts[p]` to before `starts[p + 1]`. */
  readonly partitionCount: number;
  readonly starts: Int32Array;
  /** Positions in the history's columns, ascending within a partition; every other column runs parallel to it. */
  readonly at: Int32Array;
  readonly call: Int32Array;
  readonly end: Int32Array;
  /** How many events each partition has. */
  readonly rankCounts: Int32Array;
  // Empty where there is no monitor.
  readonly role: Uint8Array;
  readonly value: Int32Array;
  /** Empty where no operation has one, too. */
  readonly to: Int32Array;
  readonly output: Int32Array;

  /** What refused operations observed, by position in the history. */
  readonly refusal = new Map<number, Json>();

  readonly #partition: Model['partition'];
  /** Keys, as canonical codes, that somebody saw as a whole: each is one partition. */
  readonly #spanned: ReadonlySet<number>;
  readonly #model: Model<unknown, Input, Json> & Monitored;
  /** By function of the history. */
  readonly #isRead: readonly boolean[];
  /** The partition of each operation of the history. */
  readonly #owner: Int32Array;
  readonly #pairs = new TupleNumbers(2);
  /** For partitions that their key alone tells apart: by the key's place, one more than the partition's number. */
  readonly #byKey: Int32Array;
  readonly #pair = new Int32Array(2);
  readonly #names: string[] = [];
  readonly #numbers = new Map<string, number>();

  constructor(history: History, model: Model<unknown, Input, Json> & Monitored) {
    this.history = history;
    this.#model = model;
    this.codes = new Codes(history);
    this.#isRead = history.functions.map((name) => model.functions?.[name] === 'read');
    this.#partition = model.partition;
    this.#spanned = spannedKeys(history, model, this.codes);
    const isByKey = typeof this.#partition === 'object' && this.#partition.includes('key');
    this.#byKey = new Int32Array(isByKey ? Math.min(history.length, MOST_EARLY_KEYS) : 0);
    this.#owner = new Int32Array(history.length).fill(LEFT_OUT);
    const lastEvent = this.#assign();
    this.partitionCount = Math.max(this.#names.length, this.#pairs.count);
    this.starts = this.#count();
    const size = this.starts[this.partitionCount] as number;
    this.at = new Int32Array(size);
    this.call = new Int32Array(size);
    this.end = new Int32Array(size).fill(NEVER);
    this.rankCounts = new Int32Array(this.partitionCount);
    const place = this.#place();
    const seen = model.monitor ? size : 0;
    const isSparse = lastEvent > MOST_EVENTS_EACH * history.length + 1024;
    // Two columns stand where the events stood before: memory that is touched for the first time costs most.
    const room = new Int32Array(Math.max(2 * seen, isSparse ? 0 : lastEvent + 1));
    if (isSparse) this.#rankSparse(place);
    else this.#rank(place, room.subarray(0, lastEvent + 1));
    this.role = new Uint8Array(seen);
    this.value = room.subarray(0, seen);
    this.output = room.subarray(seen, 2 * seen);
    this.to = new Int32Array(hasOther(history.toCode, ABSENT) ? seen : 0);
    if (model.monitor) this.#describe(model.monitor, place);
  }

  /** What the model calls a partition: its key. Empty if there is but one. */
  name(partition: number): string {
    const by = this.#partition;
    if (!by) return '';
    if (typeof by === 'function') return this.#names[partition] as string;
    const parts = [this.#pairs.part(partition, 0), this.#pairs.part(partition, 1)].filter((code) => code !== ABSENT);
    return parts.map((code) => nameOf(this.history.values.of(code) as Json)).join(' ');
  }

  /** True if an operation changes nothing, whatever comes of it. */
  isObservation(operation: number): boolean {
    const at = this.at[operation] as number;
    return this.refusal.has(at) || this.#isRead[this.history.f[at] as number] === true;
  }

  valueOf(code: number): Json | undefined {
    return this.codes.valueOf(code);
  }

  /** Finds the partition of each operation; returns the index of the last event. */
  #assign(): number {
    const { history } = this;
    const { type, f, completeIndex, invokeIndex, length } = history;
    const isRead = this.#isRead;
    const owner = this.#owner;
    const isKnown = history.functions.map(
      (name) => !this.#model.functions || Object.hasOwn(this.#model.functions, name),
    );
    const lacks = isKnown.includes(false);
    let last = length > 0 ? (invokeIndex[length - 1] as number) : -1;
    for (let at = 0; at < length; at++) {
      const its = f[at] as number;
      if (lacks && !isKnown[its]) this.#refuse(at);
      const completed = completeIndex[at] as number;
      if (completed !== NEVER && completed > last) last = completed;
      if (type[at] === FAIL && !this.#isRefusal(at)) continue;
      if (type[at] === INFO && isRead[its]) continue;
      owner[at] = this.#partitionOf(at);
    }
    return last;
  }

  #refuse(at: number): never {
    const { name, functions = {} } = this.#model;
    const asked = this.history.functions[this.history.f[at] as number];
    throw new UnknownFunction(
      `the model ${name} knows ${Object.keys(functions).join(', ')}; operation ${this.history.invokeIndex[at]} asks for ${asked}`,
    );
  }

  #isRefusal(at: number): boolean {
    const { history } = this;
    const refusal = this.#model.refused?.(history.input(at), history.errors[history.error[at] as number] as string);
    if (refusal !== undefined) this.refusal.set(at, refusal);
    return refusal !== undefined;
  }

  #partitionOf(at: number): number {
    const by = this.#partition;
    if (typeof by === 'function') {
      const name = by(this.history.input(at));
      const number = this.#numbers.get(name) ?? this.#names.push(name) - 1;
      this.#numbers.set(name, number);
      return number;
    }
    const { keyCode, valueCode } = this.history;
    const place = placeOf(keyCode[at] as number);
    const isByKey = by?.length === 1 || valueCode[at] === ABSENT;
    if (!isByKey || place < 0 || place >= this.#byKey.length) return this.#pairOf(at, by);
    const known = this.#byKey[place] as number;
    if (known > 0) return known - 1;
    const number = this.#pairOf(at, by);
    this.#byKey[place] = number + 1;
    return number;
  }

  #pairOf(at: number, by: readonly ('key' | 'value')[] | undefined): number {
    const { keyCode, valueCode, toCode } = this.history;
    this.#pair[0] = by?.includes('key') ? this.codes.canonical(keyCode[at] as number) : ABSENT;
    if (!by?.includes('value') || this.#spanned.has(this.#pair[0] as number)) this.#pair[1] = ABSENT;
    else if (toCode[at] === WHOLE) this.#pair[1] = this.codes.of(this.history.input(at)['value']);
    else this.#pair[1] = this.codes.canonical(valueCode[at] as number);
    return this.#pairs.numberOf(this.#pair);
  }

  #count(): Int32Array {
    const starts = new Int32Array(this.partitionCount + 1);
    const owner = this.#owner;
    for (let at = 0; at < owner.length; at++) {
      const its = owner[at] as number;
      if (its !== LEFT_OUT) starts[its + 1] = (starts[its + 1] as number) + 1;
    }
    for (let p = 0; p < this.partitionCount; p++) starts[p + 1] = (starts[p + 1] as number) + (starts[p] as number);
    return starts;
  }

  /** Puts each operation into its partition; returns where it stands now. */
  #place(): Int32Array {
    const next = this.starts.slice();
    const owner = this.#owner;
    const place = new Int32Array(owner.length);
    const positions = this.at;
    for (let at = 0; at < place.length; at++) {
      const its = owner[at] as number;
      if (its === LEFT_OUT) continue;
      const op = next[its] as number;
      next[its] = op + 1;
      place[at] = op;
      positions[op] = at;
    }
    return place;
  }

  #describe({ roles, argument }: Monitor, place: Int32Array): void {
    const { history, codes, role, value, to, output } = this;
    const { type, f, valueCode, toCode, outputCode } = history;
    const owner = this.#owner;
    const roleOf = history.functions.map((name) => roles[name] ?? OTHER);
    for (let at = 0; at < place.length; at++) {
      if (owner[at] === LEFT_OUT) continue;
      const op = place[at] as number;
      const toIts = toCode[at] as number;
      role[op] = toIts === WHOLE && argument === undefined ? OTHER : (roleOf[f[at] as number] as number);
      value[op] =
        toIts === WHOLE || argument !== undefined
          ? codes.of(argument === undefined ? undefined : history.input(at)[argument])
          : codes.canonical(valueCode[at] as number);
      if (to.length > 0) to[op] = toIts === WHOLE ? ABSENT : codes.canonical(toIts);
      const refusal = type[at] === FAIL ? this.refusal.get(at) : undefined;
      output[op] = refusal === undefined ? codes.canonical(outputCode[at] as number) : codes.of(refusal);
    }
  }

  /**
   * Hands every event to its partition in the order in which they were recorded. In `events`, all 0, it puts one more
   * than the operation that begins there, less than zero for one that ends.
   */
  #rank(place: Int32Array, events: Int32Array): void {
    const { type, completeIndex, invokeIndex, length } = this.history;
    const { rankCounts, call, end } = this;
    const owner = this.#owner;
    for (let at = 0; at < length; at++) {
      if (owner[at] === LEFT_OUT) continue;
      events[invokeIndex[at] as number] = at + 1;
      if (completeIndex[at] !== NEVER && type[at] !== INFO) events[completeIndex[at] as number] = -at - 1;
    }
    for (let event = 0; event < events.length; event++) {
      const what = events[event] as number;
      if (what === 0) continue;
      const at = what > 0 ? what - 1 : -what - 1;
      const its = owner[at] as number;
      const rank = rankCounts[its] as number;
      rankCounts[its] = rank + 1;
      if (what > 0) call[place[at] as number] = rank;
      else end[place[at] as number] = rank;
    }
  }

  /** The same where events have numbers far apart. */
  #rankSparse(place: Int32Array): void {
    const { type, completeIndex, invokeIndex, length } = this.history;
    const events: { readonly index: number; readonly at: number; readonly column: Int32Array }[] = [];
    for (let at = 0; at < length; at++) {
      if (this.#owner[at] === LEFT_OUT) continue;
      events.push({ index: invokeIndex[at] as number, at, column: this.call });
      if (completeIndex[at] !== NEVER && type[at] !== INFO)
        events.push({ index: completeIndex[at] as number, at, column: this.end });
    }
    for (const { at, column } of events.sort((a, b) => a.index - b.index)) {
      const owner = this.#owner[at] as number;
      const rank = this.rankCounts[owner] as number;
      this.rankCounts[owner] = rank + 1;
      column[place[at] as number] = rank;
    }
  }
}

function hasOther(column: Int32Array, code: number): boolean {
  for (let at = 0; at < column.length; at++) if (column[at] !== code) return true;
  return false;
}

/** More events than this for each operation are not those of a history that was read. */
const MOST_EVENTS_EACH = 8;

/** A key as a name: a text as it is, anything else as JSON. */
const nameOf = (key: Json): string => (typeof key === 'string' ? key : JSON.stringify(key));

/** The keys of which an operation that spans partitions was answered; what nobody heard of does not hold them together. */
function spannedKeys(
  { functions, f, type, keyCode, length }: History,
  { spanning = [] }: Pick<Model, 'spanning'>,
  codes: Codes,
) {
  const keys = new Set<number>();
  const spans = functions.map((name) => spanning.includes(name));
  if (spans.includes(true))
    for (let at = 0; at < length; at++)
      if (spans[f[at] as number] && type[at] === OK) keys.add(codes.canonical(keyCode[at] as number));
  return keys;
}

/** The name of the partition that an input belongs to. */
export function partitionName<In extends Input>({ partition }: Pick<Model<never, In>, 'partition'>, input: In): string {
  if (typeof partition === 'function') return partition(input);
  const parts = (partition ?? []).map((argument) => (input as Input)[argument]);
  return parts
    .filter((part) => part !== undefined)
    .map((part) => nameOf(part))
    .join(' ');
}
