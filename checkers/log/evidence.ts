/** What sends and polls say about a log, from our shape and from that of Jepsen's Kafka workload. */

import type { Input, Json } from '../../rig/contract.ts';
import { FAIL, type History, OK } from '../../rig/history.ts';
import { Values } from '../values.ts';

/**
 * `send` appends a value to the log of a key, `poll` reads on where its process left off, or from `from`. Or, with
 * micro-operations in `value`, Jepsen's: `["send", key, value]` and `["poll"]`. After any other function, such as
 * `assign`, a process may read from anywhere.
 */
export type LogInput = Input & {
  readonly f: string;
  readonly key?: Json;
  readonly value?: Json;
  readonly from?: number;
};

/**
 * Of a send the offset given, `null` if none is told; of a poll a list of `[offset, value]`. Or Jepsen's:
 * `["send", key, [offset, value]]`, `["poll", { key: [[offset, value], …] }]`.
 */
export type LogOutput = Json;

export type LogHistory = History<LogInput, LogOutput>;
export type Entry = readonly [offset: number, value: Json];

export interface Send {
  readonly at: number;
  readonly value: Json;
  readonly outcome: 'ok' | 'fail' | 'info';
  readonly offset: number | null;
}

export interface Poll {
  readonly at: number;
  readonly entries: readonly Entry[];
  /** From where it was asked for, if it was; otherwise it goes on from the poll before. */
  readonly from: number | null;
  /** True if the process may have moved since its poll before. */
  readonly isMoved: boolean;
}

/** One log, sends and polls in the order of invocation. */
export interface Log {
  readonly key: Json;
  readonly sends: Send[];
  readonly polls: Poll[];
}

/** The logs, and how many answers could not be understood. */
export function logsIn(history: LogHistory): { readonly logs: readonly Log[]; readonly malformed: number } {
  const keys = new Values();
  const logs: Log[] = [];
  let malformed = 0;
  const logOf = (key: Json): Log => {
    const number = keys.of(typeof key === 'number' ? String(key) : key);
    return (logs[number] ??= { key, sends: [], polls: [] });
  };
  /** By process, how often it moved; by process and log, that number at its last poll. */
  const moves = new Map<number, number>();
  const movesAtPoll = new Map<string, number>();
  const poll = (at: number, key: Json, found: Json, from: number | null) => {
    const entries = entriesIn(found);
    if (!entries) {
      malformed++;
      return;
    }
    const process = history.process[at] as number;
    const log = logOf(key);
    const name = `${process} ${JSON.stringify(log.key)}`;
    const moved = moves.get(process) ?? 0;
    log.polls.push({ at, entries, from, isMoved: movesAtPoll.get(name) !== moved });
    if (entries.length > 0) movesAtPoll.set(name, moved);
  };
  for (let at = 0; at < history.length; at++) {
    const input = history.input(at);
    const type = history.type[at];
    const output = history.output(at) ?? null;
    const outcome = type === OK ? 'ok' : type === FAIL ? 'fail' : 'info';
    if (Array.isArray(input.value) && (input.f !== 'send' || isMicros(input.value))) {
      const asked = input.value as readonly Json[];
      const answered = Array.isArray(output) ? (output as readonly Json[]) : asked;
      for (const micro of outcome === 'ok' ? answered : asked) {
        const [f, key = null, rest = null] = Array.isArray(micro) ? (micro as readonly Json[]) : [];
        if (f === 'send') logOf(key).sends.push({ at, outcome, ...sentIn(rest) });
        else if (f === 'poll' && outcome === 'ok' && typeof key === 'object' && key !== null)
          for (const [polled, found] of Object.entries(key)) poll(at, polled, found as Json, null);
      }
    } else if (input.f === 'send') {
      const offset = typeof output === 'number' ? output : null;
      logOf(input.key ?? null).sends.push({ at, value: input.value ?? null, outcome, offset });
    } else if (input.f === 'poll') {
      if (outcome === 'ok') poll(at, input.key ?? null, output, typeof input.from === 'number' ? input.from : null);
    } else {
      const process = history.process[at] as number;
      moves.set(process, (moves.get(process) ?? 0) + 1);
    }
  }
  return { logs, malformed };
}

const isMicros = (value: readonly Json[]): boolean => Array.isArray(value[0]) && value[0][0] === 'send';

/** Before the answer a value, in it the offset and the value. */
function sentIn(rest: Json): { readonly value: Json; readonly offset: number | null } {
  if (!Array.isArray(rest)) return { value: rest, offset: null };
  const [offset, value = null] = rest as readonly Json[];
  return { value, offset: typeof offset === 'number' ? offset : null };
}

function entriesIn(found: Json): readonly Entry[] | null {
  if (found === null) return [];
  if (!Array.isArray(found)) return null;
  const isSound = (found as readonly Json[]).every((one) => Array.isArray(one) && typeof one[0] === 'number');
  return isSound ? (found as unknown as readonly Entry[]) : null;
}
