/** Queues, one for each key: first in, first out; in any order; and last in, first out. An empty one answers `null`, to `deq` also 0. */

import type { Input, Json, Model } from '../../rig/contract.ts';
import { monitored } from '../monitors/monitor.ts';
import { PUT, queueMonitor, stackMonitor, TAKE, TAKE_OR_ZERO } from '../monitors/queue.ts';
import { impossible, same, text } from './text.ts';

export type QueueInput = Input &
  (
    | { readonly f: 'enqueue' | 'enq'; readonly key?: Json; readonly value: Json }
    | { readonly f: 'dequeue' | 'deq'; readonly key?: Json }
  );

/** Of a dequeue the value, or `null` if there was none; an enqueue observes nothing. */
export type QueueOutput = Json;

const functions = { enqueue: 'write', enq: 'write', dequeue: 'write', deq: 'write' } as const;
const roles = { enqueue: PUT, enq: PUT, dequeue: TAKE, deq: TAKE_OR_ZERO } as const;

const isPut = (f: string): boolean => f === 'enqueue' || f === 'enq' || f === 'push';

function describe(input: Input, output: Json | undefined): string {
  if (isPut(input.f)) return `${input.f} ${text(input['value'])}`;
  return output === undefined ? input.f : `${input.f} → ${text(output)}`;
}

const saysEmpty = ({ f }: Input, output: Json | undefined): boolean =>
  output === undefined || output === null || (f === 'deq' && output === 0);

const cannotTake = (output: Json, held: () => string) =>
  impossible(() => `cannot ${output === null ? 'be empty' : `give ${text(output)}`} while it holds ${held()}`);

const plainFifoQueue: Model<readonly Json[], QueueInput, QueueOutput> = {
  name: 'fifo-queue',
  initial: [],
  functions,
  partition: ['key'],
  step(state, input, output) {
    if (isPut(input.f)) return [...state, input['value'] as Json];
    const [first, ...rest] = state;
    if (first === undefined ? saysEmpty(input, output) : output === undefined || same(output, first)) return rest;
    return cannotTake(output ?? null, () => said(state));
  },
  fingerprint: (state) => JSON.stringify(state),
  describe,
};

export const fifoQueue = monitored(plainFifoQueue, queueMonitor(roles, 'fifo'));

/**
 * The state: every content that is possible, as a dequeue whose answer was lost may have taken any value. Contents are
 * in order of their JSON.
 */
const plainUnorderedQueue: Model<readonly (readonly Json[])[], QueueInput, QueueOutput> = {
  name: 'unordered-queue',
  initial: [[]],
  functions,
  partition: ['key'],
  step(state, input, output) {
    if (isPut(input.f)) return distinct(state.map((content) => sorted([...content, input['value'] as Json])));
    const after = distinct(state.flatMap((content) => takenFrom(content, input, output)));
    return after.length > 0 ? after : cannotTake(output ?? null, () => state.map(said).join(' or '));
  },
  fingerprint: (state) => state.map((content) => JSON.stringify(content)).join(' or '),
  describe,
};

export const unorderedQueue = monitored(plainUnorderedQueue, queueMonitor(roles, 'any'));

/** Every content that is left when `output` was taken, or anything if that is not known. */
function takenFrom(content: readonly Json[], input: Input, output: Json | undefined): readonly (readonly Json[])[] {
  if (content.length === 0) return saysEmpty(input, output) ? [content] : [];
  const places = [...content.keys()].filter((at) => output === undefined || same(content[at] as Json, output));
  return places.map((place) => content.filter((_, at) => at !== place));
}

export type StackInput = Input &
  ({ readonly f: 'push'; readonly key?: Json; readonly value: Json } | { readonly f: 'pop'; readonly key?: Json });

const plainStack: Model<readonly Json[], StackInput, QueueOutput> = {
  name: 'stack',
  initial: [],
  functions: { push: 'write', pop: 'write' },
  partition: ['key'],
  step(state, input, output) {
    if (input.f === 'push') return [...state, input.value];
    if (output === undefined || same(output, state.at(-1) ?? null)) return state.slice(0, -1);
    return cannotTake(output, () => said(state));
  },
  fingerprint: (state) => JSON.stringify(state),
  describe,
};

export const stack = monitored(plainStack, stackMonitor({ push: PUT, pop: TAKE }));

const sorted = (content: readonly Json[]): readonly Json[] =>
  [...content].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

function distinct(contents: readonly (readonly Json[])[]): readonly (readonly Json[])[] {
  const byText = new Map(contents.map((content) => [JSON.stringify(content), content]));
  return [...byText.keys()].sort().map((name) => byText.get(name) as readonly Json[]);
}

/** The first few values, and how many more there are. */
function said(content: readonly Json[]): string {
  const some = content.slice(0, 6).map((value) => JSON.stringify(value));
  return `[${some.join(', ')}${content.length > 6 ? `, and ${content.length - 6} more` : ''}]`;
}
