/**
 * How a request ended, decided from what was thrown: `fail` only where it certainly had no effect, `info` in every
 * case of doubt. RFC 9110, section 9.2, for what the loss of a safe request means.
 */

import type { Completion, Semantics } from './contract.ts';
import { Refused, RequestError } from './define.ts';

const LONGEST_DETAIL = 500;

/**
 * @param definite classes of error that the client declares to be without effect.
 * @param semantics of the function that was asked.
 */
export function outcomeOf(error: unknown, definite: ReadonlySet<string>, semantics: Semantics): Completion {
  const errorClass = errorClassOf(error);
  const certain = error instanceof Refused || semantics === 'safe' || definite.has(errorClass);
  const detail = (error instanceof Error ? error.message : String(error)).slice(0, LONGEST_DETAIL);
  const type = certain ? 'fail' : 'info';
  return detail === '' || detail === errorClass ? { type, error: errorClass } : { type, error: errorClass, detail };
}

/** A short kebab-case name by which errors of one kind can be counted. */
export function errorClassOf(error: unknown): string {
  if (error instanceof RequestError) return error.errorClass;
  if (!(error instanceof Error)) return 'thrown-value';
  if (error.name === 'TimeoutError') return 'timeout';
  const code = (error as NodeJS.ErrnoException).code;
  return kebab(typeof code === 'string' ? code : error.name);
}

/** A mistake in a plug-in's own code, as opposed to anything a system under test can provoke. */
export function isProgrammingError(error: unknown): error is Error {
  return (
    (error instanceof TypeError || error instanceof ReferenceError) &&
    error.cause === undefined &&
    (error as NodeJS.ErrnoException).code === undefined
  );
}

/** A thrown thing as one sentence. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

const kebab = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .toLowerCase();
