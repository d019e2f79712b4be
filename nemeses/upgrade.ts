/** Some nodes, one after the other, are upgraded to the other version that the system offers, and go back afterwards. */

import type { NodeId } from '../rig/contract.ts';
import { defineNemesis } from '../rig/define.ts';
import { listed } from './listed.ts';

/** More take longer than a fault may take to come into force. */
const MOST = 2;

export const upgrade = defineNemesis<'upgrades', { readonly nodes: readonly NodeId[] }>({
  name: 'upgrade',
  summary:
    'One node after another is stopped and started as another version, on the same data; they go back afterwards.',
  controls: ['upgrades'],
  choose: ({ rng, nodes }) => ({ nodes: rng.shuffle(nodes).slice(0, rng.integer(1, Math.min(MOST, nodes.length))) }),
  inject: ({ nodes }, { upgrades }) => upgrades.roll(nodes),
  describe: ({ nodes }) => `${listed(nodes)} ${nodes.length === 1 ? 'is' : 'are'} upgraded`,
});
