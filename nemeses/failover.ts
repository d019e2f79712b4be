/** Kills the primary store and promotes its replica; the old primary comes back as a replica of the new one. */

import { defineNemesis } from '../rig/define.ts';

export const failover = defineNemesis<'drills', { readonly drill: 'failover' }>({
  name: 'failover',
  summary: 'SIGKILL to the primary store, whose replica takes over; it comes back as the replica.',
  controls: ['drills'],
  drills: ['failover'],
  choose: () => ({ drill: 'failover' }),
  inject: ({ drill }, { drills }) => drills.begin({ name: drill, nodes: [] }),
  describe: () => 'the primary store is killed, and its replica takes over',
});
