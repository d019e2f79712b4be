/**
 * Jepsen's operations as our events. Theirs carry one `value`, which means arguments on the way out and results on
 * the way back; ours carry an input and an output.
 */

import { UsageError } from './exit.ts';
import type { HistoryEvent, Input, Json } from './contract.ts';
import { History } from './history.ts';
import { Recording } from './recording.ts';

/** One event in Jepsen's form. Everything but the type may be missing; `index` and `time` are in theirs. */
export type JepsenEvent = { readonly [field: string]: Json };

/** What a `fail` of a compare-and-set means: that the value differed, or nothing but that it did not happen. */
export type FailedSwap = 'asserts' | 'nothing';

/** An operation that no history could hold. */
export class MalformedOperation extends UsageError {
  override readonly name = 'MalformedOperation';
}

const TYPES = ['invoke', 'ok', 'fail', 'info'];

/** Collects events in Jepsen's form; `at` says where one stands, for errors: `line 5`. */
export class JepsenReader {
  readonly #recording = new Recording();
  readonly #failedSwap: FailedSwap;
  readonly #hasTuples: boolean;
  #index = 0;
  #left = 0;

  /** `hasTuples`: every value is a pair of a key and the value itself, as `jepsen.independent` writes it. */
  constructor(failedSwap: FailedSwap, hasTuples = false) {
    this.#failedSwap = failedSwap;
    this.#hasTuples = hasTuples;
  }

  add(event: JepsenEvent, at: string): void {
    const { process = 0, type } = event;
    if (typeof type !== 'string' || !TYPES.includes(type))
      throw new MalformedOperation(
        `${at}: expected type, one of ${TYPES.join(', ')}, found ${JSON.stringify(type) ?? 'nothing'}`,
      );
    if (typeof process !== 'number' || !Number.isInteger(process) || Math.abs(process) >= 2 ** 31) {
      this.#left++;
      return;
    }
    const value = event['value'] ?? null;
    const f = event['f'] ?? (Array.isArray(value) ? 'txn' : null);
    if (typeof f !== 'string') throw new MalformedOperation(`${at}: expected f, a name, found ${JSON.stringify(f)}`);
    const time = event['time'];
    const index = this.#index++;
    const who = { index, timeNs: typeof time === 'number' ? time : index, process, node: 'unknown' };
    const [key, own] = this.#hasTuples && Array.isArray(value) ? (value as Json[]) : [event['key'], value];
    this.#recording.add({ ...who, ...this.#body(type, f, key, own ?? null, event['error']) } as HistoryEvent);
  }

  finish(warnings: readonly string[] = []): History {
    const left = this.#left === 0 ? [] : [`${this.#left} lines that belong to no client were left out`];
    return new History(this.#recording, [...warnings, ...left]);
  }

  #body(type: string, f: string, key: Json | undefined, value: Json, error: Json | undefined): object {
    if (type === 'invoke') return { type, input: inputOf(f, key, value) };
    if (type === 'ok')
      return { type, output: f === 'write' || f === 'put' || f === 'append' ? null : f === 'cas' ? true : value };
    const named = error ?? (value === 'timed-out' ? value : undefined);
    const reason = typeof named === 'string' ? named : named === undefined ? 'unspecified' : JSON.stringify(named);
    const isMismatch = type === 'fail' && f === 'cas' && named === undefined && this.#failedSwap === 'asserts';
    return { type, error: isMismatch ? 'cas-mismatch' : reason };
  }
}

function inputOf(f: string, key: Json | undefined, value: Json): Input {
  const own = key === undefined ? { f } : { f, key: f === 'get' || f === 'put' || f === 'append' ? String(key) : key };
  if (f === 'cas') {
    const [from = null, to = null] = Array.isArray(value) ? (value as Json[]) : [];
    return { ...own, from, to };
  }
  return f === 'read' || f === 'get' || value === null ? own : { ...own, value };
}

/** True if a read asks for `[key nil]`: only `jepsen.independent` writes that. */
export const hasTuples = (events: readonly JepsenEvent[]): boolean =>
  events.some(({ type, f, value }) => {
    if (type !== 'invoke' || f !== 'read' || !Array.isArray(value)) return false;
    return value.length === 2 && value[1] === null && !Array.isArray(value[0]);
  });
