/**
 * Whole numbers that no double holds exactly, as ids of 64 bits are: read as texts of their digits, so that two of them
 * are the same only where they are.
 */

import type { Json } from './contract.ts';

const WHOLE = /^[+-]?\d{16,}$/;

/** The number that a token of JSON or EDN stands for, or the text of its digits if the number would be another. */
export function exactly(token: string): number | string {
  const number = Number(token);
  if (Number.isSafeInteger(number) || !WHOLE.test(token)) return number;
  const digits = token.replace(/^\+/, '').replace(/^(-?)0+/, '$1');
  return String(number) === digits ? number : digits;
}

/** What a text of JSON holds may be rounded only if there are so many digits in a row. */
const MANY_DIGITS = /\d{16}/;
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** What JSON says, with `exactly` its numbers. Throws as `JSON.parse` does. */
export function parseExactly(text: string): Json {
  if (!MANY_DIGITS.test(text)) return JSON.parse(text) as Json;
  const kept = text.replaceAll(TOKEN, (token) =>
    !token.startsWith('"') && typeof exactly(token) === 'string' ? `"${token}"` : token,
  );
  return JSON.parse(kept) as Json;
}

/** A number, be it one that was kept as the text of its digits, and then it is rounded; `null` for anything else. */
export function numberIn(value: Json | undefined): number | null {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && WHOLE.test(value) ? Number(value) : null;
}
