/** Takes the store away from some nodes or all: its primary alone, or every copy of it. What is then done is declared. */

import type { NodeId } from '../rig/contract.ts';
import { defineNemesis } from '../rig/define.ts';
import { listed } from './listed.ts';
import { chooseTargets } from './targets.ts';

type StoreOutage = {
  readonly drill: 'store-outage';
  readonly how: 'primary' | 'all';
  readonly nodes: readonly NodeId[];
};

export const storeOutage = defineNemesis<'drills', StoreOutage>({
  name: 'store-outage',
  summary: 'Some nodes or all cannot reach the primary store, or no copy of it either.',
  controls: ['drills'],
  drills: ['store-outage'],
  choose: (context) => ({
    drill: 'store-outage',
    how: context.rng.pick(['primary', 'all']),
    nodes: chooseTargets(context, { one: 1, minority: 1, all: 2 }).nodes,
  }),
  inject: ({ drill, nodes, how }, { drills }) => drills.begin({ name: drill, nodes, how }),
  describe: ({ nodes, how }) =>
    `${listed(nodes)} cannot reach ${how === 'all' ? 'any copy of the store' : 'the primary store'}`,
});
