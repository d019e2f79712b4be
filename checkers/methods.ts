/**
 * Methods mean what RFC 9110 says of them in section 9.2: a GET changes nothing, and what a PUT or DELETE left is left as
 * it is by the same once more. Of each round of repeats all the states that were read must be equal.
 */

import type { Anomaly, Input, ServiceValues } from '../rig/contract.ts';
import { defineChecker, invalid, unknown, valid } from '../rig/define.ts';
import { OK } from '../rig/history.ts';
import type { ServiceInput, ServiceOutput } from './exactly-once.ts';

/** `round`: of states between which there are repeats of that method alone. */
export type MethodsInput =
  | Exclude<ServiceInput, { readonly f: 'effects' }>
  | (Input & {
      readonly f: 'state';
      readonly operation: string;
      readonly values: ServiceValues;
      readonly round: number;
      readonly of: 'GET' | 'PUT' | 'DELETE';
    });
export type MethodsOutput = ServiceOutput | string;

const NAME = 'methods';
const MOST_TOLD = 20;
const ANOMALY = { GET: 'unsafe-get', PUT: 'put-not-idempotent', DELETE: 'delete-not-idempotent' } as const;

interface State {
  readonly at: number;
  readonly text: string;
}

export const methods = defineChecker<MethodsInput, MethodsOutput>({
  name: NAME,
  check(history) {
    const rounds = new Map<number, { of: keyof typeof ANOMALY; what: string; states: State[] }>();
    for (let at = 0; at < history.length; at++) {
      const input = history.input(at);
      if (input.f !== 'state' || history.type[at] !== OK || !Object.hasOwn(ANOMALY, input.of)) continue;
      const { round, of, operation, values } = input;
      const told = rounds.get(round) ?? { of, what: `${operation} ${JSON.stringify(values)}`, states: [] };
      told.states.push({ at, text: String(history.output(at)) });
      rounds.set(round, told);
    }
    const counts: Record<string, number> = {};
    const anomalies: Anomaly[] = [];
    for (const { of, what, states } of rounds.values()) {
      const [first] = states;
      if (!first || states.length < 2) continue;
      counts[of] = (counts[of] ?? 0) + 1;
      const other = states.find(({ text }) => text !== first.text);
      if (!other || anomalies.length === MOST_TOLD) continue;
      const repeats = of === 'GET' ? 'read again' : `repeats of the same ${of}`;
      anomalies.push({
        name: ANOMALY[of],
        explanation: `the state of ${what} was ${first.text}, and after nothing but ${repeats} it was ${other.text}`,
        witnesses: between(history.invokeIndex, first.at, other.at),
      });
    }
    const judged = Object.entries(counts).map(([method, count]) => `${count} × ${method}`);
    const [first, ...rest] = anomalies;
    if (first) {
      const names = [...new Set(anomalies.map(({ name }) => name))].join(', ');
      return invalid(NAME, `${names}: ${first.explanation}`, [first, ...rest], { rounds: counts });
    }
    if (judged.length === 0)
      return unknown(NAME, 'no state was read twice; operations.NAME.state says where it can be read');
    return valid(NAME, `repeated in ${judged.join(', ')}, and nothing changed`, { rounds: counts });
  },
});

/** Rounds are at the end of a run, one after the other: whatever is between was part of it. */
const between = (indices: { readonly [at: number]: number }, from: number, until: number): number[] =>
  Array.from({ length: until - from + 1 }, (_, nth) => indices[from + nth] as number);
