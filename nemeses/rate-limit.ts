/** Narrows links until what has to go through them queues up. */

import { defineNemesis } from '../rig/define.ts';
import { type Around, chooseAround, describeAround } from './around.ts';

type Limit = Around & { readonly bytesPerSecond: number };

export const rateLimit = defineNemesis<'network', Limit>({
  name: 'rate-limit',
  summary: 'No more than 1 to 50 kB/s get through between some nodes and others.',
  controls: ['network'],
  choose: (context) => ({
    ...chooseAround(context),
    bytesPerSecond: context.rng.pick([1_000, 5_000, 20_000, 50_000]),
  }),
  async inject({ nodes, others, bytesPerSecond }, { network }) {
    await Promise.all([network.limit(nodes, others, bytesPerSecond), network.limit(others, nodes, bytesPerSecond)]);
  },
  describe: (fault) => `no more than ${fault.bytesPerSecond / 1_000} kB/s get through ${describeAround(fault)}`,
});
