/**
 * Stops nodes in the middle of whatever they do, as a long garbage collection or a starved virtual machine would:
 * they keep their connections and their beliefs, and wake up late.
 */

import { defineNemesis } from '../rig/define.ts';
import { listed } from './listed.ts';
import { chooseTargets, type Targets, type TargetWeights } from './targets.ts';

/** A nemesis that pauses the targets of these weights. */
const pausing = (name: string, summary: string, weights: TargetWeights) =>
  defineNemesis<'processes', Targets>({
    name,
    summary,
    controls: ['processes'],
    choose: (context) => chooseTargets(context, weights),
    inject: ({ nodes }, { processes }) => processes.pause(nodes),
    describe: ({ nodes }) => `${listed(nodes)} ${nodes.length === 1 ? 'is' : 'are'} paused`,
  });

export const pause = pausing(
  'pause',
  'SIGSTOP to one node, a minority, the primaries or, rarely, all; SIGCONT afterwards.',
  { one: 4, minority: 3, primaries: 4, all: 1 },
);
export const pauseOne = pausing('pause-one', 'SIGSTOP to one node; SIGCONT afterwards.', { one: 1 });
