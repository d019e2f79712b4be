/** Locks, one for each key: acquired only while free, released only while held. They differ in what they know of the holder. */

import type { Input, Json, Model } from '../../rig/contract.ts';
import { FALSE } from '../../rig/values.ts';
import { ACQUIRE, fencedLockMonitor, RELEASE } from '../monitors/fenced-lock.ts';
import { monitored, OTHER } from '../monitors/monitor.ts';
import { UnknownFunction } from '../monitors/operations.ts';
import { SEES_ON, toggleMonitor, TURNS_OFF, TURNS_ON } from '../monitors/toggle.ts';
import { impossible, text } from './text.ts';

export type MutexInput = Input & { readonly f: 'acquire' | 'release'; readonly key?: Json };

const functions = { acquire: 'write', release: 'write' } as const;
const roles = { acquire: ACQUIRE, release: RELEASE } as const;

const named = ({ f, key }: Input): string => (key === undefined ? f : `${f} ${text(key)}`);

/** It does not know who holds it. An acquisition that is answered `false` saw that somebody did. */
const plainMutex: Model<boolean, MutexInput, Json> = {
  name: 'mutex',
  initial: false,
  functions,
  partition: ['key'],
  step(held, { f }, output) {
    if (f === 'acquire' && output === false)
      return held ? true : { inconsistent: 'cannot be refused a lock that is free' };
    if (f === 'acquire') return held ? { inconsistent: 'cannot acquire a lock that is held' } : true;
    return held ? false : { inconsistent: 'cannot release a lock that is free' };
  },
  fingerprint: (held) => (held ? 'held' : 'free'),
  describe: (input, output) => `${named(input)}${output === false ? ', refused' : ''}`,
};

export const mutex = monitored(
  plainMutex,
  toggleMonitor({
    roles,
    meaning(role, output, _value, isUnknown) {
      if (role === ACQUIRE) return output === FALSE && !isUnknown ? SEES_ON : TURNS_ON;
      return role === RELEASE ? TURNS_OFF : OTHER;
    },
  }),
);

export type FencedMutexInput = Input &
  (
    | { readonly f: 'acquire'; readonly key?: Json }
    /** The token is in `value` where there is no `token`; a release that shows none is anybody's. */
    | { readonly f: 'release'; readonly key?: Json; readonly token?: number; readonly value?: Json }
  );

/** `token` is `null` while it is free, and 0 while it is held by somebody whose token nobody saw. */
interface Fenced {
  readonly token: number | null;
  readonly last: number;
}

/** Each acquisition is answered with a higher token than all before it, and the release must show it. */
const plainFencedMutex: Model<Fenced, FencedMutexInput, Json> = {
  name: 'fenced-mutex',
  initial: { token: null, last: -Infinity },
  functions,
  partition: ['key'],
  step({ token, last }, input, output) {
    if (input.f === 'acquire') {
      if (token !== null) return impossible(() => `cannot acquire a lock that is held${withToken(token)}`);
      if (typeof output === 'string')
        throw new UnknownFunction(`the model fenced-mutex compares numbers; a token is ${text(output)}`);
      if (typeof output !== 'number') return { token: UNSEEN, last };
      return output > last
        ? { token: output, last: output }
        : impossible(() => `cannot give token ${output} after ${last}`);
    }
    if (token === null) return { inconsistent: 'cannot release a lock that is free' };
    const shown = shownBy(input);
    if (shown === null) return { token: null, last };
    const isRight = token === UNSEEN ? shown > last : token === shown;
    if (!isRight) return impossible(() => `cannot release with token ${shown} a lock that is held${withToken(token)}`);
    return { token: null, last: shown };
  },
  fingerprint: ({ token, last }) => (token === null ? `free, after ${last}` : `held${withToken(token)}, after ${last}`),
  invariant: ({ token, last }) => token === null || token === UNSEEN || token === last || 'the holder has an old token',
  describe(input, output) {
    if (input.f === 'release') return `${named(input)} with token ${text(shownBy(input) ?? 'unknown')}`;
    return typeof output === 'number' ? `${named(input)} → token ${output}` : named(input);
  },
};

export const fencedMutex = monitored(plainFencedMutex, fencedLockMonitor(roles));

const UNSEEN = -Infinity;

function shownBy(input: FencedMutexInput): number | null {
  const { token, value } = input as { readonly token?: Json; readonly value?: Json };
  const shown = token ?? value;
  return typeof shown === 'number' ? shown : null;
}
const withToken = (token: number): string => (token === UNSEEN ? '' : ` with token ${token}`);

/** `owner`: who asks; or else it is the `value`, or its `client`. */
export type ReentrantMutexInput = Input & {
  readonly f: 'acquire' | 'release';
  readonly key?: Json;
  readonly owner?: Json;
  readonly value?: Json;
};

function ownerIn({ f, owner, value = null }: ReentrantMutexInput): Json {
  const client = typeof value === 'object' && value !== null && 'client' in value ? value.client : value;
  const who = owner ?? client ?? null;
  if (who !== null) return who;
  throw new UnknownFunction(`the model reentrant-mutex has to know who asks: ${f} has neither an owner nor a value`);
}

interface Held {
  readonly owner: string | null;
  readonly depth: number;
}

/** Its owner may acquire it again, and must release it as often. */
export const reentrantMutex: Model<Held, ReentrantMutexInput, Json> = {
  name: 'reentrant-mutex',
  initial: { owner: null, depth: 0 },
  functions,
  partition: ['key'],
  step({ owner, depth }, input) {
    const { f } = input;
    const who = JSON.stringify(ownerIn(input));
    if (f === 'acquire') {
      if (owner !== null && owner !== who)
        return impossible(() => `cannot be acquired by ${who} while ${owner} holds it`);
      return { owner: who, depth: depth + 1 };
    }
    if (owner !== who) return impossible(() => `cannot be released by ${who} while ${owner ?? 'nobody'} holds it`);
    return { owner: depth === 1 ? null : who, depth: depth - 1 };
  },
  fingerprint: ({ owner, depth }) => (owner === null ? 'free' : `held by ${owner}, ${depth} deep`),
  invariant: ({ owner, depth }) => (owner === null) === (depth === 0) || 'a lock without an owner is held',
  describe: (input) => `${named(input)} by ${text(ownerIn(input))}`,
};
