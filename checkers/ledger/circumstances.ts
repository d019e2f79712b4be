/** What was going on around one transfer: what the wire log has of its key, and the faults that were in force meanwhile. */

import type { Json, WireEntry } from '../../rig/contract.ts';
import type { History } from '../../rig/history.ts';
import type { Asked } from './evidence.ts';
import type { Terms } from './terms.ts';

/** Of a key, the first so many requests are told, and of a transfer so many faults. */
const MOST_TOLD = 20;
/** As the wire log has keys. */
const LONGEST_KEY = 1024;
/** Of the server's errors the one that says that nothing was done: RFC 9110, section 15.6.4. */
const SHED = 503;

/** A key as the wire log has it: without spaces around it, and shortened. */
export const keyOnWire = (key: string): string => key.trim().slice(0, LONGEST_KEY);

export class Circumstances {
  readonly #history: History;
  readonly #methods: ReadonlySet<string>;
  #wire: ReadonlyMap<string, readonly WireEntry[]> | null = null;

  constructor(history: History, { methods }: Terms) {
    this.#history = history;
    this.#methods = methods;
  }

  /** As the `detail` of an anomaly; `undefined` if nothing is known. */
  of({ key, attempts }: Asked): Json | undefined {
    const requests = this.#requests(key).slice(0, MOST_TOLD);
    const faults = this.#faultsDuring(attempts);
    if (requests.length === 0 && faults.length === 0) return undefined;
    return { wire: requests, faults };
  }

  /** Whether a copy that a fault made of one of its requests reached a node, and was not certainly refused there. */
  hadCopyThatCounts({ key }: Asked): boolean {
    const counts = (status: number | null) => status === null || status < 400 || (status >= 500 && status !== SHED);
    return this.#requests(key).some(({ origin, status }) => origin === 'copy' && counts(status));
  }

  #requests(key: string): readonly WireEntry[] {
    this.#wire ??= requestsByKey(this.#history, this.#methods);
    return this.#wire.get(keyOnWire(key)) ?? [];
  }

  /** `n1 is killed, from 3.100 s to 4.205 s`. */
  #faultsDuring(attempts: readonly number[]): readonly string[] {
    const { invokedNs, lastNs, faults } = this.#history;
    const fromNs = Math.min(...attempts.map((at) => invokedNs[at] as number));
    const ended = attempts.map((at) => this.#history.endedNs(at));
    const untilNs = Math.max(...ended.map((endedNs) => (Number.isNaN(endedNs) ? lastNs : endedNs)));
    const told: string[] = [];
    for (const { action, hold, sentence, timeNs } of faults) {
      if (action !== 'inject' || timeNs > untilNs || told.length === MOST_TOLD) continue;
      const end = faults.find((other) => other.hold === hold && other.action === 'released')?.timeNs ?? lastNs;
      if (end >= fromNs) told.push(`${sentence}, from ${(timeNs / 1e9).toFixed(3)} s to ${(end / 1e9).toFixed(3)} s`);
    }
    return told;
  }
}

/** The keyed requests of the wire log, in the order in which they were sent. */
export function requestsByKey(
  { wire }: History,
  methods: ReadonlySet<string>,
): ReadonlyMap<string, readonly WireEntry[]> {
  const byKey = new Map<string, WireEntry[]>();
  for (const entry of wire?.entries ?? []) {
    if (entry.key === null || !methods.has(entry.method)) continue;
    const entries = byKey.get(entry.key);
    if (entries) entries.push(entry);
    else byKey.set(entry.key, [entry]);
  }
  for (const entries of byKey.values()) entries.sort((one, other) => one.number - other.number);
  return byKey;
}
