/** Keeps new connections out while established ones go on: nothing looks wrong until something has to connect again. */

import { defineNemesis } from '../rig/define.ts';
import { type Around, chooseAround, describeAround } from './around.ts';

export const partitionNewConnections = defineNemesis<'network', Around>({
  name: 'partition-new-connections',
  summary: 'Nodes cannot open connections to others, nor others to them; those that are open go on.',
  controls: ['network'],
  choose: (context) => chooseAround(context),
  async inject({ nodes, others }, { network }) {
    await Promise.all([network.dropNew(nodes, others), network.dropNew(others, nodes)]);
  },
  describe: (fault) => `no connection can be opened ${describeAround(fault)}`,
});
