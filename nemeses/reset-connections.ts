/** Breaks established connections, as a load balancer or a firewall that was restarted would. */

import { defineNemesis } from '../rig/define.ts';
import { type Around, chooseAround, describeAround } from './around.ts';

export const resetConnections = defineNemesis<'network', Around>({
  name: 'reset-connections',
  summary: 'The connections that are established between some nodes and all others, clients too, are reset, once.',
  controls: ['network'],
  choose(context) {
    const { nodes, others } = chooseAround(context, { one: 3, minority: 2, primaries: 2, all: 1 });
    const clients = context.parties.filter((party) => party === 'clients');
    return { nodes, others: [...new Set([...others, ...clients])] };
  },
  inject: ({ nodes, others }, { network }) => network.reset(nodes, others),
  describe: (fault) => `the connections ${describeAround(fault)} are reset`,
});
