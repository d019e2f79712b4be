/**
 * How times, counts, values and operations are put into words, the same in the terminal and in the page. Values
 * come from the system under test and are hostile: whatever leaves here is one line, bounded, and holds no control
 * or direction-changing character.
 */

import type { Completion, Input, Json } from '../rig/contract.ts';

/** Controls, marks that reorder, hide or join text, half characters, line separators, and letters that look like nothing. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu;

/** `text` on one line with its control characters spelt out (`\u001b`), at most about `limit` characters long. */
export function plain(text: string, limit = 200): string {
  const spelt = text
    .slice(0, limit)
    .replace(UNPRINTABLE, (character) => `\\u${(character.codePointAt(0) as number).toString(16).padStart(4, '0')}`);
  return text.length > limit ? `${spelt}… (${grouped(text.length)} characters)` : spelt;
}

const SIMPLE = /^[\p{L}\p{N}][\p{L}\p{N}_.:/-]*$/u;

/** A value as a person would write it: a simple string bare, anything else as JSON; bounded and harmless. */
export function shown(value: Json | undefined, limit = 120): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') {
    const head = plain(value, limit);
    return SIMPLE.test(value.slice(0, limit)) ? head : `“${head}”`;
  }
  if (typeof value !== 'object' || value === null) return String(value);
  return plain(JSON.stringify(shortened(value, limit, 4)), limit);
}

/** `value` with long strings, long lists and deep nesting cut off, so that writing it out is cheap whatever it holds. */
function shortened(value: Json, limit: number, depth: number): Json {
  if (typeof value === 'string') return value.length > limit ? `${value.slice(0, limit)}…` : value;
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return '…';
  if (isList(value)) {
    const head = value.slice(0, 20).map((item) => shortened(item, limit, depth - 1));
    return value.length > 20 ? [...head, `… ${grouped(value.length - 20)} more`] : head;
  }
  const fields: Record<string, Json> = {};
  for (const [name, item] of Object.entries(value).slice(0, 20))
    fields[name.slice(0, limit)] = shortened(item, limit, depth - 1);
  return fields;
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/** Which part of the system a request is about, where it says so: its `key`, else its `account`. */
export function subjectOf(input: Input): string | undefined {
  const subject = input['key'] ?? input['account'];
  return typeof subject === 'string' || typeof subject === 'number' ? String(subject) : undefined;
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

/** How it ended: `7`, `done`, `failed: key-in-flight`, `unknown: timeout`. */
export function answered(input: Input, completion: Completion): string {
  if (completion.type !== 'ok')
    return `${completion.type === 'fail' ? 'failed' : 'unknown'}: ${plain(completion.error, 60)}`;
  // A request that carries more than a subject changes something; nothing to say back means that it was done.
  const changes = Object.keys(input).some((name) => name !== 'f' && name !== 'key' && name !== 'account');
  return completion.output === null && changes ? 'done' : shown(completion.output, 60);
}

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
