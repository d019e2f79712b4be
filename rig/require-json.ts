/** Values that were made by a program and must be JSON as they are: what JSON would drop or change is refused, with its place. */

import { DEEPEST } from './values.ts';

export function requireJson(value: unknown, place: string, depth = 0): void {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return;
  if (typeof value === 'number') return refuse(!Number.isFinite(value), `${place} is ${value}, which is not JSON`);
  refuse(depth === DEEPEST, `a value has more than ${DEEPEST} others around it, or holds itself, which is not JSON`);
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) requireJson(item, `${place}[${at}]`, depth + 1);
    return;
  }
  const isPlain = typeof value === 'object' && [Object.prototype, null].includes(Object.getPrototypeOf(value) as null);
  refuse(!isPlain, `${place} is ${typeof value === 'object' ? 'no plain object' : typeof value}, which is not JSON`);
  for (const [key, item] of Object.entries(value as object)) requireJson(item, `${place}.${key}`, depth + 1);
}

/** Throws the problem if something is wrong. */
export function refuse(isWrong: boolean, problem: string): void {
  if (isWrong) throw new TypeError(problem);
}
