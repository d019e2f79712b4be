/**
 * Kills nodes at a chosen point: in the middle of a system call, where what they were about to make durable, or to say,
 * is lost.
 */

import type { NodeId } from '../rig/contract.ts';
import { defineNemesis } from '../rig/define.ts';
import { listed } from './listed.ts';
import { subjectsOf } from './targets.ts';

type CrashPoint = { readonly nodes: readonly NodeId[]; readonly call: string; readonly number: number };

const ordinal = (number: number): string => {
  const ends: Readonly<Record<string, string>> = { one: 'st', two: 'nd', few: 'rd', other: 'th' };
  return `${number}${ends[new Intl.PluralRules('en', { type: 'ordinal' }).select(number)]}`;
};

/** A nemesis that kills one node as it makes this call. */
const crashingAt = (name: string, call: string, most: number, whose: 'calls' | 'disks', summary: string) =>
  defineNemesis<'calls', CrashPoint>({
    name,
    summary,
    controls: ['calls'],
    choose: (context) => ({
      nodes: [context.rng.pick(subjectsOf(context, whose))],
      call,
      number: context.rng.integer(1, most),
    }),
    inject: ({ nodes, number }, { calls }) => calls.crashAt(nodes, call, number),
    describe: ({ nodes, number }) =>
      `${listed(nodes)} dies as one of its threads calls ${call} for the ${ordinal(number)} time`,
  });

export const crashAtSync = crashingAt(
  'crash-at-sync',
  'fdatasync',
  20,
  'disks',
  'One node dies in the middle of making something durable: at one of its next calls of fdatasync.',
);
export const crashAtWrite = crashingAt(
  'crash-at-write',
  'write',
  60,
  'calls',
  'One node dies in the middle of writing, to a file or to somebody else: at one of its next calls of write.',
);
