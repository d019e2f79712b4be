/**
 * Tells by its first lines what kind of history a file holds, and reads it: our own JSON lines, Jepsen's
 * `history.edn` (also Porcupine's key-value files), Jepsen's log text, Jepsen's events as JSON lines, or a history as
 * one JSON object with a list of events.
 */

import type { Json } from './contract.ts';
import { MalformedEdn, readEdn } from './edn.ts';
import type { History } from './history.ts';
import { expectedOperations, readHistory } from './history-file.ts';
import { hasTuples, type JepsenEvent, JepsenReader, MalformedOperation, withInvocations } from './jepsen.ts';
import { eachLine, opening, UnreadableFile } from './lines.ts';

/** A history from anywhere, and the name of the format it was in. Rejects with a sentence for a person. */
export async function readAnyHistory(
  source: string | Uint8Array,
): Promise<{ readonly history: History; readonly format: string }> {
  const start = await opening(source, 1 << 16);
  const name = typeof source === 'string' ? source : 'the text';
  if (start.trim() === '') throw new UnreadableFile(`${name} is empty: there is no history in it`);
  const format = formats.find(({ recognises }) => recognises.test(start));
  if (!format)
    throw new UnreadableFile(
      `${name} is in no format known here (${formats.map((known) => known.name).join(', ')}); it begins with ${JSON.stringify(start.slice(0, 60))}`,
    );
  return { history: await format.read(source), format: format.name };
}

interface Format {
  readonly name: string;
  readonly recognises: RegExp;
  read(source: string | Uint8Array): Promise<History>;
}

/** EDN may have texts as keys too; after theirs comes no colon, but perhaps a keyword. */
const JSON_VALUE = '\\s*:\\s*(?:["\\d{[-]|(?:true|false|null)\\b)';

const formats: readonly Format[] = [
  { name: 'JSON list of events', recognises: /^\s*\{[^[]*"events"\s*:\s*\[/, read: readEventList },
  {
    name: 'Ordeal history',
    recognises: /^\s*\{[^\n]{0,40}"index"\s*:\s*\d+\s*,\s*"timeNs"/,
    read: (source) => readHistory(source),
  },
  { name: 'JSON list', recognises: new RegExp(`^\\s*\\[\\s*\\{\\s*"[^"]*"${JSON_VALUE}`), read: readJsonList },
  {
    name: 'Jepsen JSON lines',
    recognises: /^\s*\{[^\n]*"type"\s*:(?!(?:invoke|ok|fail|info)\b)/,
    read: (source) => readJsonLines(source),
  },
  { name: 'Jepsen log', recognises: /^(?!\s*[[({#;])[^\n]*\bjepsen\.[\w.]+(?:\s+-|:)\s/m, read: readLog },
  { name: 'EDN', recognises: /^(?:[\s,]|;[^\n]*\n)*[[({#]/, read: readEdnHistory },
];

const parse = (text: string, line: number): Json => {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new MalformedOperation(`line ${line}: expected JSON, found ${text.slice(0, 80)}`);
  }
};

const isRecord = (value: Json): value is JepsenEvent =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `isTakenFast: false` parses every line, which takes longer and comes to the same. */
export async function readJsonLines(source: string | Uint8Array, isTakenFast = true): Promise<History> {
  const reader = new JepsenReader('asserts', await beginsWithTuples(source, jsonEvent), expectedOperations(source));
  const torn: MalformedOperation[] = [];
  const visit = (text: string, line: number, isTorn: boolean) => {
    if (text.trim() === '') return;
    try {
      const event = parse(text, line);
      if (!isRecord(event))
        throw new MalformedOperation(`line ${line}: expected an object, found ${text.slice(0, 80)}`);
      reader.add(event, `line ${line}`);
    } catch (error) {
      if (!isTorn || !(error instanceof MalformedOperation)) throw error;
      torn.push(error);
    }
  };
  const trouble = await eachLine(source, visit, isTakenFast ? reader.take : undefined);
  if (reader.isEmpty && torn[0]) throw torn[0];
  return reader.finish([
    ...trouble,
    ...torn.map(({ message }) => `the last line is torn and was left out: ${message}`),
  ]);
}

/** Whether the values of the first operations are pairs of a key and a value; `eventIn` reads a line, `null` if it is none. */
async function beginsWithTuples(
  source: string | Uint8Array,
  eventIn: (line: string) => JepsenEvent | null,
): Promise<boolean> {
  const lines = (await opening(source, 1 << 16)).split(/\r?\n/).slice(0, -1);
  const events = lines.map((line) => (line.includes('[') ? eventIn(line) : null));
  return hasTuples(events.filter((event) => event !== null));
}

/** A line that is one whole object. */
function jsonEvent(line: string): JepsenEvent | null {
  try {
    const event = JSON.parse(line) as Json;
    return isRecord(event) ? event : null;
  } catch {
    return null;
  }
}

/** Jepsen's events as one JSON list. */
async function readJsonList(source: string | Uint8Array): Promise<History> {
  const { text, trouble } = await wholeText(source);
  const events = parseWhole(text) as readonly Json[];
  const strange = events.findIndex((event) => !isRecord(event));
  if (strange >= 0)
    throw new MalformedOperation(
      `element ${strange}: expected an object, found ${JSON.stringify(events[strange]).slice(0, 80)}`,
    );
  const reader = new JepsenReader('asserts', hasTuples(events as readonly JepsenEvent[]));
  events.forEach((event, at) => reader.add(event as JepsenEvent, `element ${at}`));
  return reader.finish(trouble);
}

function parseWhole(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new MalformedOperation(`expected one JSON value: ${(error as Error).message.slice(0, 200)}`);
  }
}

/** `{ failedCas, events: [[process, type, f, value], …] }`, or with events as objects. */
async function readEventList(source: string | Uint8Array): Promise<History> {
  const { text } = await wholeText(source);
  const [first = '', ...others] = text.split('\n').filter((line) => line.trim() !== '');
  if (others.length > 0 && jsonEvent(first) !== null)
    throw new MalformedOperation(`line 2 holds another history; give a file with one of them`);
  return eventList(parseWhole(text));
}

/** The history in one object with a list of events, as `register-golden` files have it. */
export function eventList(value: Json, line = 1): History {
  const { failedCas, events } = (isRecord(value) ? value : {}) as JepsenEvent;
  if (!Array.isArray(events)) throw new MalformedOperation(`line ${line}: expected events, a list`);
  const reader = new JepsenReader(failedCas === 'asserts' ? 'asserts' : 'nothing');
  (events as Json[]).forEach((event, at) => {
    const [process, type, f, own] = Array.isArray(event) ? (event as Json[]) : [];
    reader.add(
      isRecord(event) ? event : ({ process, type, f, value: own } as JepsenEvent),
      `line ${line}, event ${at}`,
    );
  });
  return reader.finish();
}

const LOG_LINE = /\bjepsen\.[\w.]+(?:\s+-|:)\s+(\S+)\s+:(invoke|ok|fail|info)\s+:([\w-]+)\s*([^\r]*)\r?$/;

function logEvent(text: string): JepsenEvent | null {
  const [, process, type, f, value] = LOG_LINE.exec(text) ?? [];
  if (process === undefined || type === undefined || f === undefined) return null;
  const [own = null] = readEdn(value as string);
  return { process: /^-?\d+$/.test(process) ? Number(process) : process, type, f, value: own };
}

/** `INFO jepsen.util - 0 :invoke :read nil`; a failed swap without a reason saw that the value differed. */
async function readLog(source: string | Uint8Array): Promise<History> {
  const reader = new JepsenReader('asserts', await beginsWithTuples(source, logEvent));
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
  const left = others === 0 ? [] : [`${others} lines are not operations and were left out`];
  return reader.finish([...trouble, ...left]);
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

async function readEdnHistory(source: string | Uint8Array): Promise<History> {
  const { text, trouble } = await wholeText(source);
  const elements = readEdn(text).flatMap((element) => (Array.isArray(element) ? (element as Json[]) : [element]));
  const events = elements.map((element, at) => {
    if (!isRecord(element))
      throw new MalformedEdn(`element ${at}: expected a map, found ${JSON.stringify(element).slice(0, 80)}`);
    return plain(element);
  });
  const reader = new JepsenReader('nothing', hasTuples(events));
  withInvocations(events).forEach((event, at) => reader.add(event, `operation ${at}`));
  return reader.finish(trouble);
}

/** Without the namespaces of its fields. */
const plain = (event: JepsenEvent): JepsenEvent =>
  Object.fromEntries(Object.entries(event).map(([field, value]) => [field.replace(/^.*\//, ''), value]));
