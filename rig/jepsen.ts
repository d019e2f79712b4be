/**
 * Jepsen's operations as our events. Theirs carry one `value`, which means arguments on the way out and results on
 * the way back; ours carry an input and an output.
 */

import { UsageError } from './exit.ts';
import type { HistoryEvent, Input, Json } from './contract.ts';
import { numberIn } from './exact-numbers.ts';
import { History } from './history.ts';
import { maskOf } from './line-fields.ts';
import { LineScanner } from './line-scanner.ts';
import { FAIL, INFO, LAST_NAME, OK, Recording } from './recording.ts';
import { RANGE } from './value-scanner.ts';
import { askedOf, Unnamed } from './unnamed.ts';
import { ABSENT, isInterned, NULL, TRUE } from './values.ts';

/** One event in Jepsen's form. Everything but the type may be missing; `index` and `time` are in theirs. */
export type JepsenEvent = { readonly [field: string]: Json };

/** What has to be known of a file before its events are read. */
export interface Form {
  /** What a `fail` of a compare-and-set means: that the value differed, or nothing but that it did not happen. */
  readonly failedSwap: 'asserts' | 'nothing';
  readonly tuples?: Tuples;
  /** Functions that go by another name there, with their own. */
  readonly renamed?: Renamed;
  /** Processes have names: whoever is not called nemesis is a client. */
  readonly isNamed?: boolean;
  /** About how many there are. */
  readonly expectedOperations?: number;
}

/** It shows only now that the events are in another form: they are to be read again in this one. */
export class OtherForm extends Error {
  readonly form: Partial<Form>;

  constructor(form: Partial<Form>) {
    super('the events are in another form than the first of them showed');
    this.form = form;
  }
}

/**
 * Whether every value is a pair of a key and the value itself, as `jepsen.independent` writes it; `versioned`: the value is
 * a pair of its version and itself, as Jepsen's registers of etcd are.
 */
export type Tuples = 'none' | 'keyed' | 'versioned';

export type Renamed = ReadonlyMap<string, string>;

/** An operation that no history could hold. */
export class MalformedOperation extends UsageError {
  override readonly name = 'MalformedOperation';
}

/** Jepsen's operations do not say by which node they went. */
const NODE = 'unknown';
/** The process that is no client. */
const NEMESIS = 'nemesis';

const TYPES = ['invoke', 'ok', 'fail', 'info'];

/** Functions whose meaning the form of the value depends on. */
const [WRITE, PUT, APPEND, CAS, READ, GET] = [1, 2, 3, 4, 5, 6] as const;
const KNOWN: Readonly<Record<string, number>> = {
  write: WRITE,
  put: PUT,
  append: APPEND,
  cas: CAS,
  read: READ,
  get: GET,
};
const OTHER = 7;
/** Another name of one of them; such lines are left to `add`. */
const RENAMED = 8;
/** Asked for without a value. */
const ASK = 9;

/** Fields of the lines that are read from their bytes. */
const EVENT = maskOf('process', 'type', 'f');
const [TIME, VALUE, ERROR] = [maskOf('time'), maskOf('value'), maskOf('error')];
const FOREIGN = maskOf('timeNs', 'input');

/** Collects events in Jepsen's form; `at` says where one stands, for errors: `line 5`. */
export class JepsenReader {
  readonly #recording: Recording;
  readonly #scanner: LineScanner;
  /** Which function the code of a name, negated, stands for: they are interned first, so they have the highest codes. */
  readonly #known = new Uint8Array(256).fill(OTHER);
  readonly #failedSwap: Form['failedSwap'];
  readonly #tuples: Tuples;
  readonly #renamed: Renamed;
  readonly #unnamed = new Unnamed();
  #nodeNumber = -1;
  /** Numbers of processes by their names; `null` where they have none. */
  readonly #named: Map<string, number> | null;
  #index = 0;
  #left = 0;
  /** Who is no client, and no nemesis either. */
  #stranger: Json = null;

  constructor({ failedSwap, tuples = 'none', renamed = new Map(), isNamed = false, expectedOperations = 0 }: Form) {
    this.#recording = new Recording(expectedOperations);
    const { values } = this.#recording;
    this.#scanner = new LineScanner(values);
    for (const name of ASK_NOTHING) this.#known[-values.codeOfText(name)] = ASK;
    for (const [name, known] of Object.entries(KNOWN)) this.#known[-values.codeOfText(name)] = known;
    for (const name of renamed.keys()) this.#known[-values.codeOfText(name)] = RENAMED;
    this.#failedSwap = failedSwap;
    this.#tuples = tuples;
    this.#renamed = renamed;
    this.#named = isNamed ? new Map() : null;
  }

  add(event: JepsenEvent, at: string): void {
    const type = bare(event['type']);
    const value = event['value'] ?? null;
    const f = this.#functionOf(event);
    const process = this.#numbered(bare(event['process']) ?? this.#whoSaid(type, f, value));
    if (!isType(type))
      throw new MalformedOperation(
        `${at}: expected type, one of ${TYPES.join(', ')}, found ${JSON.stringify(type) ?? 'nothing'}`,
      );
    if (typeof process !== 'number' || !Number.isInteger(process) || Math.abs(process) >= 2 ** 31) {
      this.#left++;
      if (process !== NEMESIS) this.#stranger = process;
      return;
    }
    if (typeof f !== 'string') throw new MalformedOperation(`${at}: expected f, a name, found ${JSON.stringify(f)}`);
    if (this.#tuples === 'none') assertNoKey(event, this.#renamed);
    const index = this.#index++;
    const who = { index, timeNs: numberIn(event['time']) ?? index, process, node: NODE };
    if (type !== 'invoke' && !this.#answers(process, f, at)) return;
    const isTuple = this.#tuples !== 'none' && Array.isArray(value) && value.length === 2;
    const [key, paired] = isTuple ? (value as Json[]) : [event['key'], value];
    const own = isTuple && this.#tuples === 'versioned' && Array.isArray(paired) ? paired[1] : paired;
    const body =
      type === 'invoke'
        ? { type, input: inputOf(f, key, own ?? null, event, at) }
        : this.#outcome(type, f, own ?? null, event['error']);
    this.#recording.add({ ...who, ...body } as HistoryEvent);
  }

  /** Whether it is what the process asked for that is answered, or nothing. */
  #answers(process: number, f: string, at: string): boolean {
    const name = this.#recording.functions.names[this.#recording.openFunction(process)];
    if (name === undefined || name === f) return true;
    this.#recording.warn(`${at}: process ${process} completed ${f}, but it is ${name} that it had open: left out`);
    return false;
  }

  /** A process that is written as a text, `"3"`, is the number; one that has a name gets a number. */
  #numbered(process: Json): Json {
    if (typeof process !== 'string') return process;
    if (/^\d{1,9}$/.test(process)) return Number(process);
    if (!this.#named || process === NEMESIS) return process;
    const number = this.#named.get(process) ?? this.#named.size;
    this.#named.set(process, number);
    return number;
  }

  /** By its own name, whatever it is called there; `null` if it has none. An answer may leave out what was asked for. */
  #functionOf({ f, value = null, type, process }: JepsenEvent): Json {
    const asked =
      f === undefined && bare(type) !== 'invoke' && typeof process === 'number'
        ? this.#recording.openFunction(process)
        : -1;
    const said =
      bare(f) ?? (asked >= 0 ? this.#recording.functions.names[asked] : Array.isArray(value) ? 'txn' : null) ?? null;
    return typeof said === 'string' ? (this.#renamed.get(said) ?? said) : said;
  }

  /** The process of an event that names none. */
  #whoSaid(type: Json | undefined, f: Json, value: Json): number {
    const name = typeof f === 'string' ? f : '';
    return type === 'invoke' ? this.#unnamed.asks(name, value) : this.#unnamed.isAnswered(name, value);
  }

  /** Takes a JSON line that is plain, and leaves every other to `add`; as `eachLine` wants it. */
  readonly take = (bytes: Buffer, from: number): number => {
    const scanner = this.#scanner;
    const next = scanner.scan(bytes, from);
    const { has, process, type, types } = scanner;
    if (next < 0 || (has & FOREIGN) !== 0 || (has & EVENT) !== EVENT || this.#tuples !== 'none') return -1;
    if (!Number.isInteger(process) || Math.abs(process) >= 2 ** 31) return -1;
    const known = this.#known[-scanner.f] ?? OTHER;
    if (known === RENAMED) return -1;
    const isTaken =
      type === types.invoke
        ? this.#takeInvocation(bytes, known)
        : !this.#isAsked(process)
          ? false
          : type === types.ok
            ? this.#takeOk(bytes, known)
            : (type === types.fail || type === types.info) && this.#takeOther(known);
    return isTaken ? next : -1;
  };

  /** Whether the line answers what the process has open. */
  #isAsked(process: number): boolean {
    const asked = this.#recording.openFunction(process);
    return asked >= 0 && asked === this.#recording.functions.known(this.#scanner.f);
  }

  #takeInvocation(bytes: Buffer, known: number): boolean {
    const scanner = this.#scanner;
    const { has, process, key } = scanner;
    let value = (has & VALUE) === 0 ? NULL : scanner.value;
    let to = ABSENT;
    // It may name the key.
    if (value === RANGE && (known === READ || known === GET || known === ASK)) return false;
    if (known === CAS) {
      if (value !== RANGE || !scanner.pair(bytes, scanner.valueFrom)) return false;
      value = scanner.pairFirst;
      to = scanner.pairSecond;
    } else if (known === READ || known === GET || value === NULL) value = ABSENT;
    else if (value === RANGE) value = this.#recording.values.keep(bytes, scanner.valueFrom, scanner.valueTo);
    const f = this.#recording.functions.ofCode(scanner.f);
    if (f === LAST_NAME) return false;
    const timeNs = this.#timeNs();
    this.#recording.invoke(this.#index++, timeNs, timeNs, process, this.#node(), f, key, value, to);
    return true;
  }

  #takeOk(bytes: Buffer, known: number): boolean {
    const scanner = this.#scanner;
    let output = (scanner.has & VALUE) === 0 ? NULL : scanner.value;
    if (known === WRITE || known === PUT || known === APPEND) output = NULL;
    else if (known === CAS) output = TRUE;
    else if (output === RANGE) output = this.#recording.values.keep(bytes, scanner.valueFrom, scanner.valueTo);
    const timeNs = this.#timeNs();
    this.#recording.complete(this.#index++, timeNs, scanner.process, OK, output, 0);
    return true;
  }

  #takeOther(known: number): boolean {
    const { has, process, type, types, value } = this.#scanner;
    const { errors, values } = this.#recording;
    const isFail = type === types.fail;
    let error: number;
    if ((has & ERROR) !== 0) error = errors.ofCode(this.#scanner.error);
    else if (isInterned(value) && values.of(value) === 'timed-out') error = errors.of('timed-out');
    else if (isFail && known === CAS && this.#failedSwap === 'asserts') error = errors.of('cas-mismatch');
    else error = errors.of('unspecified');
    const timeNs = this.#timeNs();
    this.#recording.complete(this.#index++, timeNs, process, isFail ? FAIL : INFO, ABSENT, error);
    return true;
  }

  /** As the file says, or else the position. To be asked before the index goes on. */
  #timeNs(): number {
    return (this.#scanner.has & TIME) === 0 ? this.#index : this.#scanner.time;
  }

  #node(): number {
    if (this.#nodeNumber < 0) this.#nodeNumber = this.#recording.nodes.of(NODE);
    return this.#nodeNumber;
  }

  /** Whether no client has asked or been answered. */
  get isEmpty(): boolean {
    return this.#index === 0;
  }

  finish(warnings: readonly string[] = []): History {
    if (this.isEmpty && typeof this.#stranger === 'string' && !this.#named) throw new OtherForm({ isNamed: true });
    if (this.isEmpty && this.#stranger !== null)
      throw new MalformedOperation(
        `none of its ${this.#left} operations belongs to a client: of a client, process is a whole number, not ${JSON.stringify(this.#stranger).slice(0, 80)}`,
      );
    const left = this.#left === 0 ? [] : [`${this.#left} lines that belong to no client were left out`];
    return new History(this.#recording, [...warnings, ...left]);
  }

  #outcome(type: string, f: string, value: Json, error: Json | undefined): object {
    if (type === 'ok')
      return { type, output: f === 'write' || f === 'put' || f === 'append' ? null : f === 'cas' ? true : value };
    const named = error ?? (value === 'timed-out' ? value : undefined);
    const reason = typeof named === 'string' ? named : named === undefined ? 'unspecified' : JSON.stringify(named);
    const isMismatch = type === 'fail' && f === 'cas' && named === undefined && this.#failedSwap === 'asserts';
    return { type, error: isMismatch ? 'cas-mismatch' : reason };
  }
}

/** A keyword that was written as a text, `":ok"`, is its name. `null` is nothing. */
const bare = (name: Json | undefined): Json | undefined =>
  name === null ? undefined : typeof name === 'string' ? name.replace(/^:/, '') : name;

/** An event as a list: its process, type, function and value, and perhaps its error. */
export function ofList([process = null, type = null, f = null, value = null, error]: readonly Json[]): JepsenEvent {
  return { process, type, f, value, ...(error === undefined ? {} : { error }) };
}

/** Whether an event is written as a list. */
export const isList = (event: Json): event is readonly Json[] =>
  Array.isArray(event) && isType(bare((event as readonly Json[])[1]));

const isType = (type: Json | undefined): type is string => typeof type === 'string' && TYPES.includes(type);

function inputOf(f: string, key: Json | undefined, value: Json, event: JepsenEvent, at: string): Input {
  const own = key === undefined ? { f } : { f, key };
  if (f === 'cas') return { ...own, ...swapIn(value, event, at) };
  return f === 'read' || f === 'get' || value === null ? own : { ...own, value };
}

/** Of a compare-and-set: a pair, or an object or fields of the event with one of these names each. */
const FROM = ['from', 'old', 'expected', 'expect'];
const TO = ['to', 'new', 'value', 'update'];

function swapIn(value: Json, event: JepsenEvent, at: string): { readonly from: Json; readonly to: Json } {
  if (Array.isArray(value) && value.length === 2) return { from: value[0] as Json, to: value[1] as Json };
  const fields = isObject(value) ? value : event;
  const [from, to] = [FROM, TO].map((names) => names.find((name) => fields[name] !== undefined));
  if (from !== undefined && to !== undefined) return { from: fields[from] as Json, to: fields[to] as Json };
  throw new MalformedOperation(
    `${at}: expected the value of a cas, [from, to], found ${JSON.stringify(value).slice(0, 80)}`,
  );
}

const isObject = (value: Json): value is JepsenEvent =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether an event tells what became of a transaction. */
export const isAnswer = ({ type, value }: JepsenEvent): boolean =>
  bare(type) !== 'invoke' &&
  Array.isArray(value) &&
  value.length > 0 &&
  (value as readonly Json[]).every(Array.isArray);

/**
 * Transactions of which the file holds the answers alone, as Elle takes them, with an invocation for each: all at the same
 * time, since nothing is known of when they began. Any other events as they are.
 */
export function withInvocations(events: readonly JepsenEvent[]): readonly JepsenEvent[] {
  if (events.length === 0 || !events.every(isAnswer)) return events;
  const answers = events.map((event, process): JepsenEvent => ({ ...event, f: 'txn', process, time: null }));
  const invocations = answers.map((event) => ({
    ...event,
    type: 'invoke',
    value: (event['value'] as readonly Json[]).map(askedOf),
  }));
  return [...invocations, ...answers];
}

/** Functions that are asked for without a value. */
const ASK_NOTHING = ['read', 'get', 'acquire', 'release', 'dequeue', 'deq', 'drain', 'pop', 'generate'];

/**
 * There are tuples if a request asks for `[key nil]` or to swap `[key [from to]]`, which only `jepsen.independent` writes,
 * or if each value is a pair that repeats the operation's key, as our own export writes it. Of versions a request says
 * `[key [nil nil]]`.
 */
export function tuplesIn(events: readonly JepsenEvent[], renamed: Renamed): Tuples {
  const keyed = events.filter((event) => event['key'] !== undefined);
  if (keyed.length > 0 && keyed.every((event) => repeatsKey(event))) return 'keyed';
  for (const event of events) {
    const tuple = tupleIn(event, renamed);
    if (tuple !== 'none') return tuple;
  }
  return 'none';
}

/** What a request shows of the form of the values. A swap's pair in a pair can only be that of a key. */
function tupleIn({ type, f, value }: JepsenEvent, renamed: Renamed): Tuples {
  if (!isPair(value) || Array.isArray(value[0]) || bare(type) !== 'invoke') return 'none';
  const said = bare(f);
  const name = typeof said === 'string' ? (renamed.get(said) ?? said) : '';
  const [, own] = value;
  if (name === 'cas') return isPair(own) ? (isPair(own[1]) ? 'versioned' : 'keyed') : 'none';
  if (!ASK_NOTHING.includes(name)) return 'none';
  if (own === null) return 'keyed';
  return isPair(own) && own.every((part) => part === null) ? 'versioned' : 'none';
}

const isPair = (value: Json | undefined): value is readonly [Json, Json] => Array.isArray(value) && value.length === 2;

/** Throws `OtherForm` if a request names a key, which none of the first did. */
function assertNoKey(event: JepsenEvent, renamed: Renamed): void {
  const tuples = tupleIn(event, renamed);
  if (tuples !== 'none') throw new OtherForm({ tuples });
}

function repeatsKey({ key, value }: JepsenEvent): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  return JSON.stringify((value as readonly Json[])[0]) === JSON.stringify(key);
}
