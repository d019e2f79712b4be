/** Kills nodes outright, as a crash or a power cut would: now and then all of them, for what survives must be on disk. */

import { defineNemesis } from '../rig/define.ts';
import { listed } from './listed.ts';
import { chooseTargets, type Targets } from './targets.ts';

export const kill = defineNemesis<'processes', Targets>({
  name: 'kill',
  summary: 'SIGKILL to one node, a minority, the primaries or, more rarely, all; started again on the same data.',
  controls: ['processes'],
  choose: (context) => chooseTargets(context, { one: 3, minority: 2, primaries: 3, all: 2 }),
  inject: ({ nodes }, { processes }) => processes.kill(nodes),
  describe: ({ nodes }) => `${listed(nodes)} ${nodes.length === 1 ? 'is' : 'are'} killed`,
});
