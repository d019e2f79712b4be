/**
 * Methods mean what RFC 9110 says of them: who looks changes nothing (section 9.2.1), what a PUT or DELETE left is left as it
 * is by the same once more (9.2.2), one that comes late, when a newer one was done, is over (its key names it), and one whose
 * If-Match is out of date is not done (13.1.1). Of each round of repeats all the states that were read must be equal.
 */

import type { Anomaly, Input, SafeMethod, ServiceState, ServiceValues } from '../rig/contract.ts';
import { defineChecker, invalid, unknown, valid } from '../rig/define.ts';
import { type History, OK } from '../rig/history.ts';
import type { ServiceInput, ServiceOutput } from './exactly-once.ts';

/** What a round tries between its states: the anomaly, if they differ, and in words what alone there was. */
const TRIALS = {
  GET: ['unsafe-get', 'read again'],
  HEAD: ['unsafe-head', 'HEAD asked for'],
  OPTIONS: ['unsafe-options', 'OPTIONS asked for'],
  PUT: ['put-not-idempotent', 'repeats of the same PUT'],
  DELETE: ['delete-not-idempotent', 'repeats of the same DELETE'],
  'late PUT': ['late-put-applied', 'a copy of an older PUT, with its own key,'],
  'late DELETE': ['late-delete-applied', 'a copy of an older DELETE, with its own key,'],
  'old If-Match': ['stale-precondition-ignored', 'a request with the If-Match of an older state'],
} as const;
export type MethodsTrial = keyof typeof TRIALS;

/** `round`: of states between which there are repeats of that trial alone; `by` HEAD or OPTIONS is one of these. */
export type MethodsInput =
  | Exclude<ServiceInput, { readonly f: 'effects' }>
  | (Input & {
      readonly f: 'state';
      readonly operation: string;
      readonly values: ServiceValues;
      readonly by?: SafeMethod;
      /** Without one it is looked at for its ETag alone. */
      readonly round?: number;
      readonly of?: MethodsTrial;
    });
export type MethodsOutput = ServiceOutput | ServiceState;

const NAME = 'methods';
const MOST_TOLD = 20;

interface Round {
  readonly of: MethodsTrial;
  readonly what: string;
  readonly states: { readonly at: number; readonly text: string }[];
  /** Answers to HEAD or OPTIONS that say that there is such a thing. */
  offered: number;
}

export const methods = defineChecker<MethodsInput, MethodsOutput>({
  name: NAME,
  check(history) {
    const rounds: Partial<Record<MethodsTrial, number>> = {};
    const lacking = new Set<MethodsTrial>();
    const anomalies: Anomaly[] = [];
    for (const { of, what, states, offered } of roundsOf(history)) {
      const [first] = states;
      if (!first || states.length < 2) continue;
      const isOffered = offered > 0 || !(of === 'HEAD' || of === 'OPTIONS');
      if (isOffered) rounds[of] = (rounds[of] ?? 0) + 1;
      else lacking.add(of);
      const other = states.find(({ text }) => text !== first.text);
      if (!other || anomalies.length === MOST_TOLD) continue;
      const [name, repeats] = TRIALS[of];
      anomalies.push({
        name,
        explanation: `the state of ${what} was ${first.text}, and after nothing but ${repeats} it was ${other.text}`,
        witnesses: between(history.invokeIndex, first.at, other.at),
      });
    }
    const judged = Object.entries(rounds).map(([trial, count]) => `${count} × ${trial}`);
    const [first, ...rest] = anomalies;
    if (first) {
      const names = [...new Set(anomalies.map(({ name }) => name))].join(', ');
      return invalid(NAME, `${names}: ${first.explanation}`, [first, ...rest], { rounds });
    }
    if (judged.length === 0)
      return unknown(NAME, 'no state was read twice; operations.NAME.state says where it can be read');
    const missing = [...lacking].filter((of) => !rounds[of]).join(' and ');
    const lack = missing === '' ? '' : ` (${missing} is not offered)`;
    return valid(NAME, `repeated in ${judged.join(', ')}, and nothing changed${lack}`, { rounds });
  },
});

function roundsOf(history: History<MethodsInput, MethodsOutput>): Iterable<Round> {
  const rounds = new Map<number, Round>();
  for (let at = 0; at < history.length; at++) {
    const input = history.input(at);
    if (input.f !== 'state' || history.type[at] !== OK) continue;
    const { round, of, operation, values, by = 'GET' } = input;
    if (round === undefined || of === undefined || !Object.hasOwn(TRIALS, of)) continue;
    const told = rounds.get(round) ?? { of, what: `${operation} ${JSON.stringify(values)}`, states: [], offered: 0 };
    const text = String((history.output(at) as ServiceState).shown);
    if (by === 'GET') told.states.push({ at, text });
    else if (text.startsWith('2')) told.offered++;
    rounds.set(round, told);
  }
  return rounds.values();
}

/** Rounds are at the end of a run, one after the other: whatever is between was part of it. */
const between = (indices: { readonly [at: number]: number }, from: number, until: number): number[] =>
  Array.from({ length: until - from + 1 }, (_, nth) => indices[from + nth] as number);
