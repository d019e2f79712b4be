/**
 * Tells by its first lines what kind of history a file holds, and reads it: our own JSON lines, Jepsen's
 * `history.edn` (also Porcupine's key-value files), Jepsen's log text, Jepsen's events as JSON lines, or a history as
 * one JSON object with a list of events.
 */

import type { Json } from './contract.ts';
import { MalformedEdn, readEdn } from './edn.ts';
import { parseExactly } from './exact-numbers.ts';
import type { History } from './history.ts';
import { expectedOperations, readHistory } from './history-file.ts';
import {
  type Form,
  isAnswer,
  isList,
  type JepsenEvent,
  JepsenReader,
  MalformedOperation,
  ofList,
  OtherForm,
  type Renamed,
  tuplesIn,
  withInvocations,
} from './jepsen.ts';
import { eachLine, opening, UnreadableFile } from './lines.ts';

/**
 * A history from anywhere, and the name of the format it was in. Functions of other tools' histories get their own names
 * by `renamed`. Rejects with a sentence for a person.
 */
export async function readAnyHistory(
  source: string | Uint8Array,
  renamed: Renamed = new Map(),
): Promise<{ readonly history: History; readonly format: string }> {
  const start = await opening(source, 1 << 16);
  const name = typeof source === 'string' ? source : 'the text';
  if (start.trim() === '') throw new UnreadableFile(`${name} is empty: there is no history in it`);
  const format = formats.find(({ recognises }) => recognises.test(start));
  if (!format)
    throw new UnreadableFile(
      `${name} is in no format known here (${formats.map((known) => known.name).join(', ')}); it begins with ${JSON.stringify(start.slice(0, 60))}`,
    );
  try {
    return { history: await format.read(source, renamed), format: format.name };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UnreadableFile(
      `${name} holds a text or a nesting that is more than can be read at once: ${error.message}`,
    );
  }
}

interface Format {
  readonly name: string;
  readonly recognises: RegExp;
  read(source: string | Uint8Array, renamed: Renamed): Promise<History>;
}

/** EDN may have texts as keys too; after theirs comes no colon, but perhaps a keyword. */
const JSON_VALUE = '\\s*:\\s*(?:["\\d{[-]|(?:true|false|null)\\b)';
/** How an event begins that is a JSON list. */
const JSON_EVENT = '\\[\\s*(?:-?\\d+|"[^"]*")\\s*,\\s*":?(?:invoke|ok|fail|info)"';

const formats: readonly Format[] = [
  { name: 'JSON list of events', recognises: /^\s*\{[^[]*"(?:events|history)"\s*:\s*\[/, read: readEventList },
  {
    name: 'Ordeal history',
    recognises: /^\s*\{[^\n]{0,40}"index"\s*:\s*\d+\s*,\s*"timeNs"/,
    read: (source) => readHistory(source),
  },
  {
    name: 'JSON list',
    recognises: new RegExp(`^\\s*\\[\\s*(?:\\{\\s*"[^"]*"${JSON_VALUE}|${JSON_EVENT})`),
    read: readJsonList,
  },
  {
    name: 'JSON objects',
    recognises: new RegExp(`^\\s*\\{[ \\t]*\\r?\\n\\s*"[^"]*"${JSON_VALUE}`),
    read: readJsonObjects,
  },
  {
    name: 'Jepsen JSON lines',
    recognises: new RegExp(`^\\s*(?:\\{[^\\n]*"type"\\s*:(?!(?:invoke|ok|fail|info)\\b)|${JSON_EVENT})`),
    read: (source, renamed) => readJsonLines(source, true, renamed),
  },
  {
    name: 'Jepsen log',
    recognises: /^(?!\s*[[({#;])[^\n]*\bjepsen\.[\w.]+(?:\s+-|:)\s/m,
    read: (source, renamed) => readLog(source, 'asserts', renamed),
  },
  {
    name: 'Jepsen history.txt',
    recognises: /^(?!\s*[[({#;])[ \t]*\S+[ \t]+:(?:invoke|ok|fail|info)[ \t]+:/m,
    read: (source, renamed) => readLog(source, 'nothing', renamed),
  },
  { name: 'EDN', recognises: /^(?:[\s,]|;[^\n]*\n)*[[({#]/, read: readEdnHistory },
];

const parse = (text: string, line: number): Json => {
  try {
    return parseExactly(text);
  } catch {
    throw new MalformedOperation(`line ${line}: expected JSON, found ${text.slice(0, 80)}`);
  }
};

const isRecord = (value: Json): value is JepsenEvent =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `isTakenFast: false` parses every line, which takes longer and comes to the same. */
export async function readJsonLines(
  source: string | Uint8Array,
  isTakenFast = true,
  renamed: Renamed = new Map(),
): Promise<History> {
  const first = await firstEvents(source, jsonEvent);
  if (first.length > 0 && first.every(isAnswer)) return readAnswers(source, renamed);
  const form: Form = {
    failedSwap: 'asserts',
    tuples: tuplesIn(first, renamed),
    renamed,
    expectedOperations: expectedOperations(source),
  };
  return inForm(form, (reader) => readEvents(source, reader, isTakenFast));
}

async function readEvents(source: string | Uint8Array, reader: JepsenReader, isTakenFast: boolean): Promise<string[]> {
  const torn: MalformedOperation[] = [];
  const visit = (text: string, line: number, isTorn: boolean) => {
    if (text.trim() === '') return;
    try {
      const event = eventOf(parse(text.replace(/,\s*$/, ''), line));
      if (!event) throw new MalformedOperation(`line ${line}: expected an object, found ${text.slice(0, 80)}`);
      reader.add(event, `line ${line}`);
    } catch (error) {
      if (!isTorn || !(error instanceof MalformedOperation)) throw error;
      torn.push(error);
    }
  };
  const trouble = await eachLine(source, visit, isTakenFast ? reader.take : undefined);
  if (reader.isEmpty && torn[0]) throw torn[0];
  return [...trouble, ...torn.map(({ message }) => `the last line is torn and was left out: ${message}`)];
}

/** Lets events be read in the form that their beginning shows, and again where it shows later that it is another. */
async function inForm(form: Form, read: (reader: JepsenReader) => Promise<readonly string[]>): Promise<History> {
  const reader = new JepsenReader(form);
  try {
    return reader.finish(await read(reader));
  } catch (error) {
    if (!(error instanceof OtherForm)) throw error;
    return inForm({ ...form, ...error.form }, read);
  }
}

/** The events of the first lines that may say what form the values have; `eventIn` reads a line, `null` if it is none. */
async function firstEvents(
  source: string | Uint8Array,
  eventIn: (line: string) => JepsenEvent | null,
): Promise<readonly JepsenEvent[]> {
  const lines = (await opening(source, 1 << 16)).split(/\r?\n/).slice(0, -1);
  const events = lines.map((line) => (line.includes('[') ? eventIn(line) : null));
  return events.filter((event) => event !== null);
}

/** An event as an object, whether it is written as one or as a list; `null` if it is neither. */
const eventOf = (value: Json): JepsenEvent | null => (isRecord(value) ? value : isList(value) ? ofList(value) : null);

/** A line that is one whole event. */
function jsonEvent(line: string): JepsenEvent | null {
  try {
    return eventOf(JSON.parse(line) as Json);
  } catch {
    return null;
  }
}

/** Lines that begin with answers to transactions, and hold nothing else as a rule: they are looked at together. */
async function readAnswers(source: string | Uint8Array, renamed: Renamed): Promise<History> {
  const { text, trouble } = await wholeText(source);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const events = lines.map((line, at) => {
    const event = eventOf(parse(line, at + 1));
    if (event) return event;
    throw new MalformedOperation(`line ${at + 1}: expected an object, found ${line.slice(0, 80)}`);
  });
  return historyOf(events, { failedSwap: 'asserts', renamed }, trouble);
}

/** A history of which all events are there; answers alone get their invocations. `place`: what an error calls an event. */
function historyOf(
  events: readonly JepsenEvent[],
  form: Form,
  trouble: readonly string[],
  place = 'operation',
): Promise<History> {
  const all = withInvocations(events);
  return inForm(form, async (reader) => {
    all.forEach((event, at) => reader.add(event, `${place} ${at}`));
    return trouble;
  });
}

/** Jepsen's events as one JSON list, where a fail means no more than in `history.edn`. */
async function readJsonList(source: string | Uint8Array, renamed: Renamed): Promise<History> {
  const { text, trouble } = await wholeText(source);
  const events = (parseWhole(text) as readonly Json[]).map((element, at) => {
    const event = eventOf(element);
    if (event) return event;
    throw new MalformedOperation(`element ${at}: expected an object, found ${JSON.stringify(element).slice(0, 80)}`);
  });
  return historyOf(events, { failedSwap: 'nothing', tuples: tuplesIn(events, renamed), renamed }, trouble, 'element');
}

/** Events as JSON objects one after the other, each over several lines, as `jq` prints them. */
async function readJsonObjects(source: string | Uint8Array, renamed: Renamed): Promise<History> {
  const { text, trouble } = await wholeText(source);
  let depth = 0;
  const separated = text.replaceAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}]/g, (token) => {
    if (token === '{') depth++;
    return token === '}' && --depth === 0 ? '},' : token;
  });
  const events = parseWhole(`[${separated.trimEnd().replace(/,$/, '')}]`) as readonly JepsenEvent[];
  return historyOf(events, { failedSwap: 'asserts', tuples: tuplesIn(events, renamed), renamed }, trouble, 'object');
}

function parseWhole(text: string): Json {
  try {
    return parseExactly(text);
  } catch (error) {
    throw new MalformedOperation(`expected one JSON value: ${(error as Error).message.slice(0, 200)}`);
  }
}

/** `{ failedCas, events: [[process, type, f, value], …] }`, or with events as objects. */
async function readEventList(source: string | Uint8Array, renamed: Renamed): Promise<History> {
  const { text } = await wholeText(source);
  const [first = '', ...others] = text.split('\n').filter((line) => line.trim() !== '');
  if (others.length > 0 && jsonEvent(first) !== null)
    throw new MalformedOperation(`line 2 holds another history; give a file with one of them`);
  return eventList(parseWhole(text), 1, renamed);
}

/** The history in one object with a list of events, as `register-golden` files have it, or with a `history`. */
export async function eventList(value: Json, line = 1, renamed: Renamed = new Map()): Promise<History> {
  const { failedCas, history, events = history } = (isRecord(value) ? value : {}) as JepsenEvent;
  if (!Array.isArray(events)) throw new MalformedOperation(`line ${line}: expected events, a list`);
  const all = (events as Json[]).map((event) =>
    Array.isArray(event) ? ofList(event as Json[]) : (eventOf(event) ?? {}),
  );
  const failedSwap = failedCas === 'asserts' ? 'asserts' : 'nothing';
  return historyOf(all, { failedSwap, tuples: tuplesIn(all, renamed), renamed }, [], `line ${line}, event`);
}

/** As Jepsen logs it, or as it stands in its `history.txt`, where nothing comes before it. */
const LOG_LINE = /(?:\bjepsen\.[\w.]+(?:\s+-|:)\s+|^\s*)(\S+)\s+:(invoke|ok|fail|info)\s+:(\S+)\s*([^\r]*)\r?$/;

function logEvent(text: string): JepsenEvent | null {
  const [, process, type, f, rest] = LOG_LINE.exec(text) ?? [];
  if (process === undefined || type === undefined || f === undefined) return null;
  // What a nemesis says of itself is not always EDN.
  if (!/^-?\d+$/.test(process)) return { process, type, f };
  const [value = null, error, ...more] = readEdn(rest as string);
  // After `:hint` and its like comes a value of theirs.
  return ofList([Number(process), type, f, value, ...(error === undefined || more.length > 0 ? [] : [error])]);
}

/** `INFO jepsen.util - 0 :invoke :read nil`, of which `history.txt` has the end alone. */
async function readLog(
  source: string | Uint8Array,
  failedSwap: Form['failedSwap'],
  renamed: Renamed,
): Promise<History> {
  const tuples = tuplesIn(await firstEvents(source, logEvent), renamed);
  return inForm({ failedSwap, tuples, renamed }, (reader) => readLogLines(source, reader));
}

async function readLogLines(source: string | Uint8Array, reader: JepsenReader): Promise<string[]> {
  let [operations, others] = [0, 0];
  const trouble = await eachLine(source, (text, line) => {
    const event = logEvent(text);
    if (event) {
      operations++;
      reader.add(event, `line ${line}`);
    } else if (text.trim() !== '') others++;
  });
  if (operations === 0)
    throw new MalformedOperation(
      `none of its ${others} lines is an operation, such as: INFO  jepsen.util - 0 :invoke :read nil`,
    );
  return others === 0 ? trouble : [...trouble, `${others} lines are not operations and were left out`];
}

/** The most text of a file that is not read line by line, in characters: it is held at once. */
const MOST_WHOLE = 256 << 20;

async function wholeText(source: string | Uint8Array): Promise<{ readonly text: string; readonly trouble: string[] }> {
  const lines: string[] = [];
  let length = 0;
  const trouble = await eachLine(source, (text) => {
    length += text.length + 1;
    if (length > MOST_WHOLE)
      throw new UnreadableFile(
        `the file is longer than ${MOST_WHOLE >> 20} MiB, the most that is read of one that is not an operation a line`,
      );
    lines.push(text);
  });
  return { text: lines.join('\n'), trouble };
}

async function readEdnHistory(source: string | Uint8Array, renamed: Renamed): Promise<History> {
  const { text, trouble } = await wholeText(source);
  const elements = readEdn(text).flatMap(elementsOf);
  const events = elements.map((element, at) => {
    const event = eventOf(element);
    if (!event) throw new MalformedEdn(`element ${at}: expected a map, found ${JSON.stringify(element).slice(0, 80)}`);
    return plain(event);
  });
  return historyOf(events, { failedSwap: 'nothing', tuples: tuplesIn(events, renamed), renamed }, trouble);
}

/** Of a list of events, or of a map of a whole test with its history, the events. */
function elementsOf(element: Json): readonly Json[] {
  if (Array.isArray(element) && !isList(element)) return element as Json[];
  const { history, type } = isRecord(element) ? plain(element) : {};
  return Array.isArray(history) && type === undefined ? (history as Json[]) : [element];
}

/** Without the namespaces of its fields. */
const plain = (event: JepsenEvent): JepsenEvent =>
  Object.fromEntries(Object.entries(event).map(([field, value]) => [field.replace(/^.*\//, ''), value]));
