/** Cuts nodes off by resets: whoever talks to them is refused at once, instead of waiting for an answer that never comes. */

import { defineNemesis } from '../rig/define.ts';
import { type Around, chooseAround, describeAround } from './around.ts';

export const reject = defineNemesis<'network', Around>({
  name: 'reject',
  summary: 'Everything between some nodes and others is answered by a reset, as from a firewall that rejects.',
  controls: ['network'],
  choose: (context) => chooseAround(context),
  async inject({ nodes, others }, { network }) {
    await Promise.all([network.reject(nodes, others), network.reject(others, nodes)]);
  },
  describe: (fault) => `everything ${describeAround(fault)} is rejected`,
});
