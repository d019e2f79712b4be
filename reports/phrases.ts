/**
 * How times, counts, values and operations are put into words, the same in the terminal and in the page. Values
 * come from the system under test and are hostile: whatever leaves here is one line, bounded, and holds no control
 * or direction-changing character.
 */

import type { Completion, Input, Json, Operation } from '../rig/contract.ts';

/** Controls, marks that reorder, hide or join text, half characters, line separators, and letters that look like nothing. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu;

/** `text` on one line with its control characters spelt out (`\u001b`), at most about `limit` characters long. */
export function plain(text: string, limit = 200): string {
  const spelt = text
    .slice(0, limit)
    .replace(UNPRINTABLE, (character) => `\\u${(character.codePointAt(0) as number).toString(16).padStart(4, '0')}`);
  if (text.length <= limit) return spelt;
  return text.length < 1000 ? `${spelt}…` : `${spelt}… (${grouped(text.length)} characters)`;
}

/** `text` as a sentence of at most about `limit` characters: with a capital, and cut where a sentence or a word ends. */
export function sentence(text: string, limit = 600): string {
  const whole = plain(text, 4 * limit);
  const capital = /^[a-z]+[ ,:]/.test(whole) ? whole.charAt(0).toUpperCase() + whole.slice(1) : whole;
  if (capital.length <= limit) return capital;
  const head = capital.slice(0, limit);
  const end = head.lastIndexOf('. ');
  return end > limit / 3 ? head.slice(0, end + 1) : `${head.slice(0, Math.max(head.lastIndexOf(' '), limit / 2))}…`;
}

/** All up to the end of the first sentence. */
export const firstSentence = (text: string): string => text.slice(0, text.indexOf('. ') + 1 || undefined);

const SIMPLE = /^[\p{L}\p{N}][\p{L}\p{N}_.:/-]*$/u;

/** A value as a person would write it, `{id: t7, amount: 30}`: one line, bounded and harmless. */
export const shown = (value: Json | undefined, limit = 120): string => written(value, limit, 4);

function written(value: Json | undefined, limit: number, depth: number): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') {
    const head = plain(value, limit);
    return SIMPLE.test(value.slice(0, limit)) ? head : `“${head}”`;
  }
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth === 0) return '…';
  const parts: string[] = [];
  let room = limit;
  for (const [name, item] of Object.entries(value)) {
    if (room <= 0) {
      parts.push('…');
      break;
    }
    const part = written(item, Math.min(room, 60), depth - 1);
    parts.push(Array.isArray(value) ? part : `${plain(name, 40)}: ${part}`);
    room -= (parts.at(-1) as string).length + 2;
  }
  return Array.isArray(value) ? `[${parts.join(', ')}]` : `{${parts.join(', ')}}`;
}

/** Which part of the system a request is about, where it says so: its `key`, else its `account`. */
export function subjectOf(input: Input): string | undefined {
  const subject = input['key'] ?? input['account'];
  return typeof subject === 'string' || typeof subject === 'number' ? String(subject) : undefined;
}

/** The parts of a transaction, as they were asked for or answered; `null` for anything else. */
function microsOf(value: Json | undefined): readonly (readonly Json[])[] | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const parts = value as readonly Json[];
  const isMicro = (part: Json): part is readonly Json[] =>
    Array.isArray(part) && part.length >= 2 && part.length <= 4 && typeof part[0] === 'string';
  return parts.every(isMicro) ? parts : null;
}

const MICRO_NAMES: Readonly<Record<string, string>> = { r: 'read', w: 'write', append: 'append' };
const MOST_MICROS = 8;
const found = (changed: Json | undefined): string => (changed === 0 ? ' (no row)' : '');

/** `append 8 to 255, read 253 = [1, 3, 4]`: the whole of a transaction, with what it read if it was answered; else `null`. */
export function transacted(input: Input, completion: Completion): string | null {
  if (input.f !== 'txn') return null;
  const micros = (completion.type === 'ok' ? microsOf(completion.output) : null) ?? microsOf(input['value']);
  if (micros === null) return null;
  const words = micros.slice(0, MOST_MICROS).map(([f, key, value, changed]) => {
    const name = plain(MICRO_NAMES[f as string] ?? (f as string), 20);
    if (f === 'append' || f === 'w') return `${name} ${shown(value, 30)} to ${shown(key, 30)}`;
    if (f === 'insert') return `${name} ${shown(value, 60)} as ${shown(key, 30)}`;
    if (f === 'update') return `${name} ${shown(key, 30)} to ${shown(value, 60)}${found(changed)}`;
    if (f === 'delete') return `${name} ${shown(key, 30)}${found(changed)}`;
    return completion.type === 'ok' ? `${name} ${shown(key, 30)} = ${shown(value, 60)}` : `${name} ${shown(key, 30)}`;
  });
  return micros.length > MOST_MICROS ? `${words.join(', ')}, …` : words.join(', ');
}

/** What was asked and how it ended, `write key 3, value 7 → done`. */
export function told(input: Input, completion: Completion): string {
  const transaction = transacted(input, completion);
  if (transaction === null) return `${asked(input)} → ${answered(input, completion)}`;
  return completion.type === 'ok' ? transaction : `${transaction} → ${answered(input, completion)}`;
}

/** What was asked: `write key 3, value 7`; without the subject, `write 7`. */
export function asked(input: Input, { subject = true } = {}): string {
  const names = Object.keys(input).filter(
    (name) => name !== 'f' && (subject || (name !== 'key' && name !== 'account')),
  );
  const head = plain(input.f, 40);
  if (names.length === 0) return head;
  const only = names[0] as string;
  if (!subject && names.length === 1) return `${head} ${shown(input[only], 60)}`;
  const rest = names.slice(0, 6).map((name) => `${plain(name, 40)} ${shown(input[name], 60)}`);
  return `${head} ${rest.join(', ')}${names.length > 6 ? ', …' : ''}`;
}

/** What changes something without being told more than of what. */
const DEEDS = ['acquire', 'release', 'increment', 'decrement', 'delete'];

/** How it ended: `7`, `done`, `failed: key-in-flight`, `unknown: timeout`. */
export function answered(input: Input, completion: Completion): string {
  if (completion.type !== 'ok')
    return `${completion.type === 'fail' ? 'failed' : 'unknown'}: ${plain(completion.error, 60)}`;
  // A request that carries more than a subject changes something; nothing to say back means that it was done.
  const changes =
    DEEDS.includes(input.f) || Object.keys(input).some((name) => name !== 'f' && name !== 'key' && name !== 'account');
  return completion.output === null && changes ? 'done' : shown(completion.output, 60);
}

/** The node that an operation was sent to; empty where the history does not say. */
export const nodeOf = ({ node }: Pick<Operation, 'node'>): string => (node === 'unknown' ? '' : plain(node, 40));

/** Nanoseconds since the run began, as seconds with milliseconds. */
export const atSeconds = (timeNs: number): string => `${(timeNs / 1e9).toFixed(3)} s`;

/** A length of time in the unit a person would choose. */
export function duration(ms: number): string {
  if (ms < 0.995) return `${(ms * 1000).toFixed(0)} µs`;
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 119_950) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** A whole number with its thousands set off. */
export const grouped = (amount: number): string => amount.toLocaleString('en-GB');

/** `1 fault`, `2,000 faults`. */
export const counted = (amount: number, noun: string, plural = `${noun}s`): string =>
  `${grouped(amount)} ${amount === 1 ? noun : plural}`;
