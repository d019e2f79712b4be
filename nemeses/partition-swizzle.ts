/**
 * Cuts nodes off one by one and lets them come back one by one, in another order: what was decided by whom meanwhile has
 * to fit together in the end. After the "swizzle-clogging" of FoundationDB's simulation.
 */

import type { NodeId, Party } from '../rig/contract.ts';
import { defineNemesis } from '../rig/define.ts';
import { chooseAround } from './around.ts';
import { listed } from './listed.ts';

type Swizzle = {
  readonly out: readonly NodeId[];
  readonly others: readonly Party[];
  readonly back: readonly NodeId[];
  readonly gapMs: number;
};

export const partitionSwizzle = defineNemesis<'network', Swizzle>({
  name: 'partition-swizzle',
  summary: 'Cuts some nodes off one by one, and heals them one by one in another order.',
  controls: ['network'],
  choose(context) {
    const { rng } = context;
    const { nodes } = chooseAround(context, { minority: 3, one: 1, all: 1 });
    const others = context.parties.filter((party) => party !== 'clients' || context.parties.length < 3);
    return { out: rng.shuffle(nodes), others, back: rng.shuffle(nodes), gapMs: rng.integer(100, 800) };
  },
  inject: ({ out, others, back, gapMs }, { network }) => network.swizzle(out, others, back, gapMs),
  describe: ({ out, others, back, gapMs }) =>
    `${listed(out)} are cut off from ${listed(others)} one by one, ${gapMs} ms apart, and come back as ${listed(back)}`,
});
