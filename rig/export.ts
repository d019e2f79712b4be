/**
 * Writes a history for other tools: as Jepsen's `history.edn`, so that Elle and Knossos can give a second opinion, or
 * as Jepsen's events in JSON lines. Nodes, faults and phases are left out; an empty answer to a request that carried
 * a value is given as that value, as Jepsen does.
 */

import type { Input, Json } from './contract.ts';
import { writeEdn, writeKeyword } from './edn.ts';
import { FAIL, type History, NEVER, OK } from './history.ts';

export const EXPORT_FORMATS = ['edn', 'jsonl'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** The lines of a history in that format, each with its newline. */
export function* exported(history: History, format: ExportFormat): Generator<string> {
  const write = format === 'edn' ? ednLine : jsonLine;
  let index = 0;
  for (const moment of moments(history)) yield write({ ...eventAt(history, moment), index: index++ });
}

/** An invocation or a completion of the operation at a position. */
interface Moment {
  readonly at: number;
  readonly isInvocation: boolean;
}

/** In the order in which they were recorded. An `info` has no index of its own: it comes as early as its time allows. */
function* moments(history: History): Generator<Moment> {
  const { completeIndex, invokeIndex, invokedNs, completedNs, gaveUpNs } = history;
  const positions = Array.from({ length: history.length }, (_, at) => at);
  const ended = positions
    .filter((at) => completeIndex[at] !== NEVER)
    .sort((a, b) => (completeIndex[a] as number) - (completeIndex[b] as number));
  const unknown = positions
    .filter((at) => completeIndex[at] === NEVER && gaveUpNs[at] !== 0)
    .sort((a, b) => (gaveUpNs[a] as number) - (gaveUpNs[b] as number));
  let [nextEnded, nextUnknown] = [0, 0];
  for (let at = 0; at < history.length || nextEnded < ended.length; ) {
    const end = ended[nextEnded] ?? -1;
    const isInvocation = end < 0 || (invokeIndex[at] ?? NEVER) < (completeIndex[end] as number);
    const timeNs = (isInvocation ? invokedNs[at] : completedNs[end]) as number;
    const index = (isInvocation ? invokeIndex[at] : completeIndex[end]) as number;
    const lost = unknown[nextUnknown] ?? -1;
    if (lost >= 0 && (gaveUpNs[lost] as number) <= timeNs && (invokeIndex[lost] as number) < index) {
      nextUnknown++;
      yield { at: lost, isInvocation: false };
    } else if (isInvocation) yield { at: at++, isInvocation: true };
    else {
      nextEnded++;
      yield { at: end, isInvocation: false };
    }
  }
  for (; nextUnknown < unknown.length; nextUnknown++) yield { at: unknown[nextUnknown] as number, isInvocation: false };
}

interface JepsenOperation {
  readonly index: number;
  readonly time: number;
  readonly process: number;
  readonly type: 'invoke' | 'ok' | 'fail' | 'info';
  readonly f: string;
  readonly key: Json | undefined;
  readonly value: Json;
  readonly error: string | undefined;
}

function eventAt(history: History, { at, isInvocation }: Moment): Omit<JepsenOperation, 'index'> {
  const input = history.input(at);
  const isOk = history.type[at] === OK;
  const asked = argumentOf(input);
  const observed = history.output(at) ?? null;
  return {
    time: isInvocation ? (history.invokedNs[at] as number) : history.endedNs(at),
    process: history.process[at] as number,
    type: isInvocation ? 'invoke' : isOk ? 'ok' : history.type[at] === FAIL ? 'fail' : 'info',
    f: input.f,
    key: input['key'],
    value: isInvocation || !isOk || (observed === null && asked !== null) || input.f === 'cas' ? asked : observed,
    error: isInvocation || isOk ? undefined : history.errors[history.error[at] as number],
  };
}

/** The arguments besides the key, as Jepsen's one value. */
function argumentOf({ f: _f, key: _key, ...rest }: Input): Json {
  const names = Object.keys(rest).sort().join(' ');
  if (names === '') return null;
  if (names === 'value') return rest['value'] as Json;
  return names === 'from to' ? [rest['from'] as Json, rest['to'] as Json] : rest;
}

const jsonLine = ({ index, time, process, type, f, key, value, error }: JepsenOperation): string =>
  `${JSON.stringify({ index, time, process, type, f, key, value, error })}\n`;

/** With a key, its value is the pair that `jepsen.independent` makes of it; the key is there for our own reader. */
function ednLine({ index, time, process, type, f, key, value, error }: JepsenOperation): string {
  const own = f === 'txn' ? transaction(value) : writeEdn(value);
  const said = key === undefined ? own : `[${writeEdn(key)} ${own}]`;
  const more = `${key === undefined ? '' : `, :key ${writeEdn(key)}`}${error === undefined ? '' : `, :error ${writeKeyword(error)}`}`;
  return `{:index ${index}, :time ${time}, :type :${type}, :process ${process}, :f ${writeKeyword(f)}, :value ${said}${more}}\n`;
}

/** Elle wants the functions of micro-operations as keywords. */
function transaction(value: Json): string {
  if (!Array.isArray(value)) return writeEdn(value);
  const micros = (value as readonly Json[]).map((micro) => {
    if (!Array.isArray(micro) || typeof micro[0] !== 'string') return writeEdn(micro);
    const [f, ...rest] = micro as [string, ...Json[]];
    return `[${[writeKeyword(f), ...rest.map((own) => writeEdn(own))].join(' ')}]`;
  });
  return `[${micros.join(' ')}]`;
}
