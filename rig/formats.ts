/**
 * Tells by its first lines what kind of history a file holds, and reads it: our own JSON lines, Jepsen's
 * `history.edn` (also Porcupine's key-value files), Jepsen's log text, Jepsen's events as JSON lines, or a history as
 * one JSON object with a list of events.
 */

import type { Json } from './contract.ts';
import { MalformedEdn, readEdn } from './edn.ts';
import type { History } from './history.ts';
import { expectedOperations, readHistory } from './history-file.ts';
import { hasTuples, type JepsenEvent, JepsenReader, MalformedOperation } from './jepsen.ts';
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

const formats: readonly Format[] = [
  { name: 'JSON list of events', recognises: /^\s*\{[^\n]*"events"\s*:\s*\[/, read: readEventList },
  {
    name: 'Ordeal history',
    recognises: /^\s*\{[^\n]{0,40}"index"\s*:\s*\d+\s*,\s*"timeNs"/,
    read: (source) => readHistory(source),
  },
  { name: 'Jepsen JSON lines', recognises: /^\s*\{[^\n]*"type"\s*:/, read: (source) => readJsonLines(source) },
  { name: 'Jepsen log', recognises: /^[^\n]*\bjepsen\.util\s+-\s/m, read: readLog },
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
  const reader = new JepsenReader('asserts', false, expectedOperations(source));
  const torn: string[] = [];
  const visit = (text: string, line: number, isTorn: boolean) => {
    if (text.trim() === '') return;
    try {
      const event = parse(text, line);
      if (!isRecord(event))
        throw new MalformedOperation(`line ${line}: expected an object, found ${text.slice(0, 80)}`);
      reader.add(event, `line ${line}`);
    } catch (error) {
      if (!isTorn || !(error instanceof MalformedOperation)) throw error;
      torn.push(`the last line, ${line}, is torn: it was left out`);
    }
  };
  const trouble = await eachLine(source, visit, isTakenFast ? reader.take : undefined);
  return reader.finish([...trouble, ...torn]);
}

/** `{ failedCas, events: [[process, type, f, value], …] }` */
async function readEventList(source: string | Uint8Array): Promise<History> {
  let history: History | undefined;
  await eachLine(source, (text, line) => {
    if (text.trim() === '') return;
    if (history) throw new MalformedOperation(`line ${line} holds another history; give a file with one of them`);
    history = eventList(parse(text, line), line);
  });
  if (!history) throw new UnreadableFile('there is no history in the file');
  return history;
}

/** The history in one object with a list of events, as `register-golden` files have it. */
export function eventList(value: Json, line = 1): History {
  const { failedCas, events } = (isRecord(value) ? value : {}) as JepsenEvent;
  if (!Array.isArray(events)) throw new MalformedOperation(`line ${line}: expected events, a list`);
  const reader = new JepsenReader(failedCas === 'asserts' ? 'asserts' : 'nothing');
  (events as Json[]).forEach((event, at) => {
    const [process, type, f, own] = Array.isArray(event) ? (event as Json[]) : [];
    reader.add({ process, type, f, value: own } as JepsenEvent, `line ${line}, event ${at}`);
  });
  return reader.finish();
}

const LOG_LINE = /\bjepsen\.util\s+-\s+(\S+)\s+:(\w+)\s+:([\w-]+)\s*(.*)$/;

/** `INFO jepsen.util - 0 :invoke :read nil`; a failed swap without a reason saw that the value differed. */
async function readLog(source: string | Uint8Array): Promise<History> {
  const reader = new JepsenReader('asserts');
  let others = 0;
  const trouble = await eachLine(source, (text, line) => {
    const [, process, type, f, value] = LOG_LINE.exec(text) ?? [];
    if (type === undefined) {
      if (text.trim() !== '') others++;
      return;
    }
    const [own = null] = readEdn(value as string);
    reader.add(
      {
        process: /^-?\d+$/.test(process as string) ? Number(process) : (process as string),
        type,
        f: f as string,
        value: own,
      },
      `line ${line}`,
    );
  });
  const left = others === 0 ? [] : [`${others} lines are not operations and were left out`];
  return reader.finish([...trouble, ...left]);
}

/** The most text of an EDN file that is read, in characters: it is held at once. */
const MOST_EDN = 256 << 20;

async function readEdnHistory(source: string | Uint8Array): Promise<History> {
  const lines: string[] = [];
  let length = 0;
  const trouble = await eachLine(source, (text) => {
    length += text.length + 1;
    if (length > MOST_EDN)
      throw new UnreadableFile(`the EDN file is longer than ${MOST_EDN >> 20} MiB, the most that is read`);
    lines.push(text);
  });
  const elements = readEdn(lines.join('\n')).flatMap((element) =>
    Array.isArray(element) ? (element as Json[]) : [element],
  );
  const events = elements.map((element, at) => {
    if (!isRecord(element))
      throw new MalformedEdn(`element ${at}: expected a map, found ${JSON.stringify(element).slice(0, 80)}`);
    return plain(element);
  });
  const reader = new JepsenReader('nothing', hasTuples(events));
  events.forEach((event, at) => reader.add(event, `operation ${at}`));
  return reader.finish(trouble);
}

/** Without the namespaces of its fields. */
const plain = (event: JepsenEvent): JepsenEvent =>
  Object.fromEntries(Object.entries(event).map(([field, value]) => [field.replace(/^.*\//, ''), value]));
