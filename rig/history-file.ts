/**
 * Reads `history.jsonl` back, line by line, gzipped or not. A torn last line is a warning, since the rig may have been
 * killed; anything else that is wrong is an error that names the line, what was expected, and what was found.
 */

import type { FaultAction, HistoryEvent, Phase } from './contract.ts';
import { History } from './history.ts';
import { UsageError } from './exit.ts';
import { eachLine } from './lines.ts';
import { Recording } from './recording.ts';

/** A line that no journal wrote. */
export class MalformedHistory extends UsageError {
  override readonly name = 'MalformedHistory';

  constructor(line: number, expected: string, found: unknown) {
    super(`line ${line}: expected ${expected}, found ${shown(found)}`);
  }
}

/** The most events that are read: the columns number them in 31 bits, and memory is bounded. */
export const MOST_EVENTS = 100_000_000;

/** The history in a file or in bytes. Rejects with `MalformedHistory` or `UnreadableFile`. */
export async function readHistory(source: string | Uint8Array): Promise<History> {
  const recording = new Recording();
  const warnings: string[] = [];
  let lastNs = 0;
  const visit = (text: string, line: number, isTorn: boolean) => {
    if (text === '' || text === '\r') return;
    try {
      const event = parse(text, line);
      checkEvent(event, line, recording.eventCount, lastNs);
      lastNs = event.timeNs;
      recording.add(event);
    } catch (error) {
      if (!isTorn || !(error instanceof MalformedHistory)) throw error;
      warnings.push(`the last line, ${line}, is torn: ${text.length} characters were left out`);
    }
  };
  const trouble = await eachLine(source, visit);
  return new History(recording, [...trouble, ...warnings]);
}

function parse(text: string, line: number): HistoryEvent {
  try {
    return JSON.parse(text) as HistoryEvent;
  } catch {
    throw new MalformedHistory(line, 'an event as JSON', text);
  }
}

const ACTIONS: readonly FaultAction[] = ['inject', 'injected', 'release', 'released', 'stuck'];
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
  isRecord(value) && typeof value['effective'] === 'boolean' && isText(value['observed']);

/** At most 80 characters of what was found, on one line. */
function shown(found: unknown): string {
  if (found === undefined) return 'nothing';
  const text = isText(found) ? found : JSON.stringify(found);
  const line = text.replaceAll(/\p{Cc}/gu, '·');
  return line.length <= 80 ? line : `${line.slice(0, 80)}… (${line.length} characters)`;
}
