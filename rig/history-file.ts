/**
 * Reads `history.jsonl` back, line by line, gzipped or not. A torn last line is a warning, since the rig may have been
 * killed; anything else that is wrong is an error that names the line, what was expected, and what was found.
 */

import { statSync } from 'node:fs';
import type { FaultAction, HistoryEvent, Phase } from './contract.ts';
import { History } from './history.ts';
import { parseExactly } from './exact-numbers.ts';
import { UsageError } from './exit.ts';
import { eachLine } from './lines.ts';
import { maskOf } from './line-fields.ts';
import { LineScanner } from './line-scanner.ts';
import { FAIL, INFO, LAST_NAME, OK, Recording } from './recording.ts';
import { RANGE } from './value-scanner.ts';
import { ABSENT } from './values.ts';

/** A line that no journal wrote. */
export class MalformedHistory extends UsageError {
  override readonly name = 'MalformedHistory';

  constructor(line: number, expected: string, found: unknown) {
    super(`line ${line}: expected ${expected}, found ${shown(found)}`);
  }
}

/** Of a plain file; a gzipped one makes the columns grow. */
const BYTES_AN_OPERATION = 120;
const MOST_EXPECTED = 1 << 24;

/** The most events that are read: the columns number them in 31 bits, and memory is bounded. */
export const MOST_EVENTS = 100_000_000;

/**
 * The history in a file or in bytes. Rejects with `MalformedHistory` or `UnreadableFile`. `isTakenFast: false` parses
 * every line, which takes longer and comes to the same.
 */
export async function readHistory(source: string | Uint8Array, isTakenFast = true): Promise<History> {
  const recording = new Recording(expectedOperations(source));
  const scanner = new LineScanner(recording.values);
  const warnings: string[] = [];
  const visit = (text: string, line: number, isTorn: boolean) => {
    if (text === '' || text === '\r') return;
    try {
      const event = parse(text, line);
      checkEvent(event, line, recording.eventCount, recording.lastNs);
      recording.add(event);
    } catch (error) {
      if (!isTorn || !(error instanceof MalformedHistory)) throw error;
      warnings.push(`the last line, ${line}, is torn: ${text.length} characters were left out`);
    }
  };
  const take = (bytes: Buffer, from: number) => takeJournalLine(scanner, recording, bytes, from);
  const trouble = await eachLine(source, visit, isTakenFast ? take : undefined);
  return new History(recording, [...trouble, ...warnings]);
}

/** About how many operations a source holds, so that the columns need not grow. */
export function expectedOperations(source: string | Uint8Array): number {
  const bytes = typeof source === 'string' ? statSync(source).size : source.byteLength;
  return Math.min(bytes / BYTES_AN_OPERATION, MOST_EXPECTED);
}

/** Fields of the lines that are read from their bytes. */
const EVENT = maskOf('index', 'timeNs', 'type', 'process', 'node');
const INVOCATION = EVENT | maskOf('input');
const OK_COMPLETION = EVENT | maskOf('output');
const OTHER_COMPLETION = EVENT | maskOf('error');
const DUE = maskOf('dueNs');
const DETAIL = maskOf('detail');
const FOREIGN = maskOf('time', 'f', 'key', 'value');

/** Takes an invocation or a completion whose line is plain; leaves the rest, above all what is wrong, to the checks. */
function takeJournalLine(scanner: LineScanner, recording: Recording, bytes: Buffer, from: number): number {
  const next = scanner.scan(bytes, from);
  const { has, index, timeNs, process, type } = scanner;
  if (next < 0 || (has & FOREIGN) !== 0 || (has & EVENT) !== EVENT) return -1;
  if (index !== recording.eventCount || index >= MOST_EVENTS || !(timeNs >= recording.lastNs)) return -1;
  if (!Number.isInteger(process) || Math.abs(process) >= 2 ** 31) return -1;
  const types = scanner.types;
  if (type === types.invoke) {
    if ((has & INVOCATION) !== INVOCATION) return -1;
    const f = recording.functions.ofCode(scanner.f);
    if (f === LAST_NAME) return -1;
    const { value } = scanner;
    const dueNs = (has & DUE) === 0 ? timeNs : scanner.dueNs;
    const node = recording.nodes.ofCode(scanner.node);
    const valueCode = value === RANGE ? recording.values.keep(bytes, scanner.valueFrom, scanner.valueTo) : value;
    recording.invoke(index, timeNs, dueNs, process, node, f, scanner.key, valueCode, scanner.to);
  } else if (type === types.ok) {
    if ((has & OK_COMPLETION) !== OK_COMPLETION) return -1;
    const { output } = scanner;
    const outputCode = output === RANGE ? recording.values.keep(bytes, scanner.outputFrom, scanner.outputTo) : output;
    recording.complete(index, timeNs, process, OK, outputCode, 0);
  } else if (type === types.fail || type === types.info) {
    if ((has & OTHER_COMPLETION) !== OTHER_COMPLETION) return -1;
    const error = recording.errors.ofCode(scanner.error);
    const detail = (has & DETAIL) === 0 ? undefined : (recording.values.of(scanner.detail) as string);
    recording.complete(index, timeNs, process, type === types.fail ? FAIL : INFO, ABSENT, error, detail);
  } else return -1;
  return next;
}

function parse(text: string, line: number): HistoryEvent {
  try {
    return parseExactly(text) as unknown as HistoryEvent;
  } catch {
    throw new MalformedHistory(line, 'an event as JSON', text);
  }
}

const ACTIONS: readonly FaultAction[] = ['inject', 'injected', 'release', 'released', 'stuck', 'skipped'];
const PHASES: readonly Phase[] = ['bring-up', 'warm-up', 'load', 'heal', 'recovery', 'final', 'down'];
const TYPES = ['invoke', 'ok', 'fail', 'info', 'nemesis', 'phase'];

function checkEvent(event: unknown, line: number, index: number, lastNs: number): void {
  const need = (holds: boolean, expected: string, found: unknown): void => {
    if (!holds) throw new MalformedHistory(line, expected, found);
  };
  need(isRecord(event), 'an object', event);
  const fields = event as Record<string, unknown>;
  need(index < MOST_EVENTS, `at most ${MOST_EVENTS} events`, 'another one');
  need(fields['index'] === index, `index ${index}`, fields['index']);
  const { timeNs } = fields;
  need(typeof timeNs === 'number' && timeNs >= lastNs, `timeNs, a number not below ${lastNs}`, timeNs);
  const type = fields['type'];
  need(TYPES.includes(type as string), `type, one of ${TYPES.join(', ')}`, type);
  if (type === 'nemesis') {
    for (const name of ['nemesis', 'hold', 'sentence']) need(isText(fields[name]), `${name}, a text`, fields[name]);
    need(ACTIONS.includes(fields['action'] as FaultAction), `action, one of ${ACTIONS.join(', ')}`, fields['action']);
    const { evidence } = fields;
    need(evidence === undefined || isEvidence(evidence), 'evidence, { effective, observed }', evidence);
    return;
  }
  if (type === 'phase') {
    need(PHASES.includes(fields['phase'] as Phase), `phase, one of ${PHASES.join(', ')}`, fields['phase']);
    return;
  }
  const { process } = fields;
  need(Number.isInteger(process) && Math.abs(process as number) < 2 ** 31, 'process, a 32-bit whole number', process);
  need(isText(fields['node']), 'node, a text', fields['node']);
  if (type === 'invoke') {
    const { input, dueNs } = fields;
    need(isRecord(input) && isText(input['f']), 'input, an object with the function f', input);
    need(dueNs === undefined || typeof dueNs === 'number', 'dueNs, a number', dueNs);
  } else if (type === 'ok') need('output' in fields, 'output', undefined);
  else need(isText(fields['error']), 'error, a text', fields['error']);
}

const isText = (value: unknown): value is string => typeof value === 'string';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isEvidence = (value: unknown): boolean =>
  isRecord(value) &&
  typeof value['effective'] === 'boolean' &&
  isText(value['observed']) &&
  ['boolean', 'undefined'].includes(typeof value['reached']);

/** At most 80 characters of what was found, on one line. */
function shown(found: unknown): string {
  if (found === undefined) return 'nothing';
  const text = isText(found) ? found : JSON.stringify(found);
  const line = text.replaceAll(/\p{Cc}/gu, '·');
  return line.length <= 80 ? line : `${line.slice(0, 80)}… (${line.length} characters)`;
}
