/** Restores the store from a backup that was made a moment before: keys and effects must come back together. */

import type { NodeId } from '../rig/contract.ts';
import { defineNemesis } from '../rig/define.ts';

export const restore = defineNemesis<'drills', { readonly drill: 'restore'; readonly nodes: readonly NodeId[] }>({
  name: 'restore',
  summary: 'The store is shut for everybody, backed up, destroyed, and restored from the backup.',
  controls: ['drills'],
  drills: ['restore'],
  choose: ({ nodes }) => ({ drill: 'restore', nodes }),
  inject: ({ drill, nodes }, { drills }) => drills.begin({ name: drill, nodes }),
  describe: ({ nodes }) => `the store is destroyed and restored from a backup, and out of reach of ${nodes.join(', ')}`,
});
