/** Delays packets, with jitter, as a distant or an overloaded network would. */

import { defineNemesis } from '../rig/define.ts';
import { type Around, chooseAround, describeAround } from './around.ts';

type Slow = Around & { readonly ms: number; readonly jitterMs: number };

export const slowNetwork = defineNemesis<'network', Slow>({
  name: 'slow-network',
  summary:
    'Everything between some nodes and others takes from 20 to 400 ms longer each way, give or take half of that.',
  controls: ['network'],
  choose(context) {
    const ms = context.rng.pick([20, 50, 100, 200, 400]);
    return { ...chooseAround(context), ms, jitterMs: context.rng.pick([0, ms / 4, ms / 2]) };
  },
  async inject({ nodes, others, ...delay }, { network }) {
    await Promise.all([network.delay(nodes, others, delay), network.delay(others, nodes, delay)]);
  },
  describe: ({ ms, jitterMs, ...fault }) =>
    `everything ${describeAround(fault)} takes ${ms}${jitterMs > 0 ? ` ± ${jitterMs}` : ''} ms longer each way`,
});
