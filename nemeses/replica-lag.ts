/** Keeps a replica from replaying what it receives: who reads from it reads the past. */

import { defineNemesis } from '../rig/define.ts';

export const replicaLag = defineNemesis<'drills', { readonly drill: 'replica-lag' }>({
  name: 'replica-lag',
  summary: 'The replica of the store receives everything and replays nothing for a while.',
  controls: ['drills'],
  drills: ['replica-lag'],
  choose: () => ({ drill: 'replica-lag' }),
  inject: ({ drill }, { drills }) => drills.begin({ name: drill, nodes: [] }),
  describe: () => 'the replica of the store stands still',
});
