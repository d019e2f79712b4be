/** For tests: a correct system of each data type that has a monitor, and of each how values come to be unique. */

import type { Input, Json } from '../../rig/contract.ts';
import type { Random } from '../../rig/random.ts';
import type { System } from './simulated-clients.ts';

const state = (input: Input): Json => input['value'] as Json;

type Register = { readonly held: Json; readonly written: number };

/** `repeats`: now and then a value is written again. */
const register = (repeats: number): System<Register> & { asked: number } => ({
  initial: { held: null, written: 0 },
  asked: 0,
  ask(rng, { held }) {
    const fresh = rng.chance(repeats) ? rng.integer(1, 3) : ++this.asked + 3;
    const dice = rng.float();
    if (dice < 0.5) return { f: 'read' };
    if (dice < 0.75) return { f: 'write', value: fresh };
    return { f: 'cas', from: rng.chance(0.6) ? held : rng.integer(4, this.asked + 4), to: fresh };
  },
  perform(before, input) {
    if (input.f === 'read') return [before, before.held];
    if (input.f === 'write') return [{ ...before, held: state(input) }, null];
    if (before.held !== input['from']) return [before, undefined];
    return [{ ...before, held: input['to'] as Json }, null];
  },
  wrong(rng, input) {
    return input.f === 'read'
      ? rng.chance(0.1)
        ? null
        : rng.integer(Math.max(1, this.asked - 6), this.asked + 3)
      : null;
  },
});

const set: System<boolean> = {
  initial: false,
  ask: (rng) => ({ f: rng.pick(['add', 'remove', 'contains']), key: 'x' }),
  perform(isIn, { f }) {
    if (f === 'contains') return [isIn, isIn];
    return f === 'add' ? [true, !isIn] : [false, isIn];
  },
  wrong: (rng) => rng.chance(0.5),
};

const mutex: System<boolean> = {
  initial: false,
  ask: (rng, held) => ({ f: rng.chance(held ? 0.8 : 0.2) ? 'release' : 'acquire' }),
  perform(held, { f }) {
    if (f === 'acquire') return held ? [held, false] : [true, null];
    return held ? [false, null] : [held, undefined];
  },
  wrong: (rng, { f }) => (f === 'acquire' && rng.chance(0.5) ? false : null),
};

type Fenced = { readonly held: number | null; readonly last: number };

const fencedMutex: System<Fenced> = {
  initial: { held: null, last: 0 },
  ask: (rng, { held, last }) =>
    rng.chance(held === null ? 0.2 : 0.8) ? { f: 'release', token: held ?? last } : { f: 'acquire' },
  perform(before, { f, token }) {
    if (f === 'acquire')
      return before.held === null
        ? [{ held: before.last + 2, last: before.last + 2 }, before.last + 2]
        : [before, undefined];
    return before.held === token ? [{ ...before, held: null }, null] : [before, undefined];
  },
  wrong: (rng, { f }, { last }) => (f === 'acquire' ? rng.integer(Math.max(1, last - 4), last + 2) : null),
};

type Queue = System<readonly number[]> & { put: number; rng: Random | null };

/** `repeats`: now and then a value is put in again. */
const queue = (takeFrom: 'first' | 'last' | 'anywhere', repeats = 0): Queue => ({
  initial: [],
  put: 0,
  rng: null,
  ask(rng) {
    this.rng = rng;
    const [put, take] = takeFrom === 'last' ? ['push', 'pop'] : ['enqueue', 'dequeue'];
    if (rng.chance(0.5)) return { f: take };
    const isAgain = this.put > 0 && rng.chance(repeats);
    return { f: put, value: isAgain ? rng.integer(Math.max(1, this.put - 2), this.put) : ++this.put };
  },
  perform(held, input) {
    if ('value' in input) return [[...held, input['value'] as number], null];
    const last = Math.max(0, held.length - 1);
    const at = takeFrom === 'first' ? 0 : takeFrom === 'last' ? last : (this.rng?.integer(0, last) ?? 0);
    return [held.filter((_, place) => place !== at), held[at] ?? null];
  },
  wrong(rng, input) {
    if ('value' in input) return null;
    return rng.chance(0.3) ? null : rng.integer(Math.max(1, this.put - 5), this.put + 1);
  },
});

const counter = (f: 'add' | 'decrement', amount: number): System<number> => ({
  initial: 0,
  ask: (rng) => (rng.chance(0.5) ? { f: 'read' } : { f, value: amount }),
  perform(count, input) {
    if (input.f === 'read') return [count, count];
    return [count + (f === 'add' ? amount : -amount), null];
  },
  wrong: (rng, input, count) => (input.f === 'read' ? count + rng.integer(-2, 2) * amount : null),
});

const rising = (isRefused: boolean): System<number | null> => ({
  initial: null,
  ask: (rng, held) =>
    rng.chance(0.5) ? { f: 'read' } : { f: 'write', value: Math.max(0, (held ?? 0) + rng.integer(-1, 3)) },
  perform(held, input) {
    if (input.f === 'read') return [held, held];
    const value = state(input) as number;
    if (held !== null && value < held) return [held, isRefused ? undefined : null];
    return [value, null];
  },
  wrong: (rng, { f }, held) => (f === 'read' ? (rng.chance(0.2) ? null : (held ?? 0) + rng.integer(-2, 1)) : null),
});

/** By what is simulated: the model that judges it, and a new system. */
export const systems: Readonly<Record<string, readonly [model: string, begin: () => System<never>]>> = {
  'registers with unique values': ['register', () => register(0) as unknown as System<never>],
  'registers with some values repeated': ['register', () => register(0.1) as unknown as System<never>],
  'elements of sets': ['set', () => set as unknown as System<never>],
  mutexes: ['mutex', () => mutex as unknown as System<never>],
  'fenced mutexes': ['fenced-mutex', () => fencedMutex as unknown as System<never>],
  'FIFO queues': ['fifo-queue', () => queue('first') as unknown as System<never>],
  'unordered queues': ['unordered-queue', () => queue('anywhere') as unknown as System<never>],
  'counters that go up': ['counter', () => counter('add', 1) as unknown as System<never>],
  'counters that go down by three': ['counter', () => counter('decrement', 3) as unknown as System<never>],
  'max registers': ['max-register', () => rising(false) as unknown as System<never>],
  'monotonic registers': ['monotonic-register', () => rising(true) as unknown as System<never>],
};

/** The same for those of which a monitor finds some violations, and leaves all else to the search. */
export const partlyJudged: typeof systems = {
  stacks: ['stack', () => queue('last') as unknown as System<never>],
  'stacks with some values repeated': ['stack', () => queue('last', 0.2) as unknown as System<never>],
  'FIFO queues with some values repeated': ['fifo-queue', () => queue('first', 0.4) as unknown as System<never>],
  'unordered queues with some values repeated': [
    'unordered-queue',
    () => queue('anywhere', 0.4) as unknown as System<never>,
  ],
};
