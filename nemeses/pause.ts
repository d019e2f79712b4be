/**
 * Stops nodes in the middle of whatever they do, as a long garbage collection or a starved virtual machine would:
 * they keep their connections and their beliefs, and wake up late.
 */

import { defineNemesis } from '../rig/define.ts';
import { listed } from './listed.ts';
import { chooseTargets, type Targets } from './targets.ts';

export const pause = defineNemesis<'processes', Targets>({
  name: 'pause',
  summary: 'SIGSTOP to one node, a minority, the primaries or, rarely, all; SIGCONT afterwards.',
  controls: ['processes'],
  choose: (context) => chooseTargets(context, { one: 4, minority: 3, primaries: 4, all: 1 }),
  inject: ({ nodes }, { processes }) => processes.pause(nodes),
  describe: ({ nodes }) => `${listed(nodes)} ${nodes.length === 1 ? 'is' : 'are'} paused`,
});
