/** Kills nodes outright, as a crash or a power cut would: now and then all of them, for what survives must be on disk. */

import { defineNemesis } from '../rig/define.ts';
import { listed } from './listed.ts';
import { chooseTargets, type Targets, type TargetWeights } from './targets.ts';

/** A nemesis that kills the targets of these weights. */
const killing = (name: string, summary: string, weights: TargetWeights) =>
  defineNemesis<'processes', Targets>({
    name,
    summary,
    controls: ['processes'],
    choose: (context) => chooseTargets(context, weights),
    inject: ({ nodes }, { processes }) => processes.kill(nodes),
    describe: ({ nodes }) => `${listed(nodes)} ${nodes.length === 1 ? 'is' : 'are'} killed`,
  });

export const kill = killing(
  'kill',
  'SIGKILL to one node, a minority, the primaries or, more rarely, all; started again on the same data.',
  { one: 3, minority: 2, primaries: 3, all: 2 },
);
export const killAll = killing('kill-all', 'SIGKILL to all nodes at once; started again on the same data.', { all: 1 });
export const killOne = killing('kill-one', 'SIGKILL to one node; started again on the same data.', { one: 1 });
