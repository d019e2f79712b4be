/**
 * A set: elements are put in and taken out one by one, and looked for. With a `value` that is the element, and a `key`
 * tells sets apart; without one the key is the element. `true` and `false` (also 1 and 0 where the key is the element)
 * say whether something changed or was there; any other answer says nothing.
 */

import type { Input, Json, Model } from '../../rig/contract.ts';
import { FALSE, TRUE } from '../../rig/values.ts';
import { monitored, OTHER } from '../monitors/monitor.ts';
import { SEES_OFF, SEES_ON, toggleMonitor, TURNS_OFF, TURNS_ON } from '../monitors/toggle.ts';
import { ABSENT } from '../../rig/values.ts';
import { impossible, text } from './text.ts';

export type SetInput = Input &
  (
    | { readonly f: 'add' | 'remove' | 'rem' | 'contains' | 'has'; readonly key?: Json; readonly value?: Json }
    | { readonly f: 'read'; readonly key?: Json }
  );

/** Of a `read` all elements, in any order. */
export type SetOutput = Json;

const [ADD, REMOVE, CONTAINS] = [0, 1, 2] as const;

/** The state: the elements, as JSON, in order. */
const plainSet: Model<readonly string[], SetInput, SetOutput> = {
  name: 'set',
  initial: [],
  functions: { add: 'write', remove: 'write', rem: 'write', contains: 'read', has: 'read', read: 'read' },
  partition: ['key', 'value'],
  spanning: ['read'],

  step(state, input, output) {
    if (input.f === 'read') {
      if (!Array.isArray(output)) return state;
      const seen = (output as readonly Json[]).map((element) => JSON.stringify(element)).sort();
      return same(seen, state) ? state : impossible(() => `cannot read ${said(seen)} while it holds ${said(state)}`);
    }
    const element = JSON.stringify(elementOf(input));
    const isIn = state.includes(element);
    const answer = answerOf(input, output);
    const isAdd = input.f === 'add';
    const isLook = input.f === 'contains' || input.f === 'has';
    if (answer !== null && answer !== (isAdd ? !isIn : isIn))
      return impossible(
        () =>
          `cannot ${isLook ? 'answer' : input.f} ${element} ${isLook ? `with` : `and answer`} ${answer} while it ${isIn ? 'is in' : 'is not in'}`,
      );
    if (isLook || isAdd === isIn) return state;
    return isAdd ? [...state, element].sort() : state.filter((other) => other !== element);
  },

  fingerprint: said,

  describe(input, output) {
    if (input.f === 'read') return output === undefined ? 'read' : `read → ${text(output)}`;
    const answer = answerOf(input, output);
    return `${input.f} ${text(elementOf(input))}${answer === null ? '' : ` → ${answer}`}`;
  },
};

export const set = monitored(
  plainSet,
  toggleMonitor({
    roles: { add: ADD, remove: REMOVE, rem: REMOVE, contains: CONTAINS, has: CONTAINS },
    meaning(role, output, value, isUnknown) {
      const isYes = output === TRUE || (output === 1 && (value === ABSENT || role === CONTAINS));
      const isNo = output === FALSE || (output === 0 && (value === ABSENT || role === CONTAINS));
      if (role === CONTAINS) return isYes ? SEES_ON : isNo ? SEES_OFF : OTHER;
      if (role === ADD) return isYes || isUnknown ? TURNS_ON : isNo ? SEES_ON : OTHER;
      if (role === REMOVE) return isYes || isUnknown ? TURNS_OFF : isNo ? SEES_OFF : OTHER;
      return OTHER;
    },
  }),
);

const elementOf = ({ key = null, value = key }: Input): Json => value;

/** What was observed; `null` if nothing was. */
function answerOf(input: Input, output: Json | undefined): boolean | null {
  if (typeof output === 'boolean') return output;
  const isNumeric = input['value'] === undefined || input.f === 'contains' || input.f === 'has';
  return isNumeric && (output === 0 || output === 1) ? output === 1 : null;
}

function said(elements: readonly string[]): string {
  return `{${elements.join(', ')}}`;
}

const same = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((element, at) => element === right[at]);
