/**
 * What becomes of single packets: some are lost, corrupted, overtaken or repeated. TCP makes up for all of it, later and
 * later, and takes some of it for more than it is; other protocols may not.
 */

import type { ChooseContext } from '../rig/contract.ts';
import { defineNemesis } from '../rig/define.ts';
import { type Around, chooseAround, describeAround } from './around.ts';

type Some = Around & { readonly percent: number };

/** What clients send comes from the rig's own machine, where no packet is ever sent twice. */
const amongThemselves = (context: ChooseContext): ChooseContext => ({
  ...context,
  parties: context.parties.filter((party) => party !== 'clients'),
});

/** A nemesis that pulls this lever for one of these shares of the packets between some nodes and others. */
const meddling = (
  name: string,
  lever: 'lose' | 'corrupt' | 'reorder' | 'duplicate',
  percents: readonly number[],
  verb: string,
) =>
  defineNemesis<'network', Some>({
    name,
    summary: `From ${percents[0]} to ${percents.at(-1)} % of the packets between some nodes and others ${verb}.`,
    controls: ['network'],
    choose: (context) => ({
      ...chooseAround(lever === 'duplicate' ? amongThemselves(context) : context),
      percent: context.rng.pick(percents),
    }),
    async inject({ nodes, others, percent }, { network }) {
      await Promise.all([network[lever](nodes, others, percent / 100), network[lever](others, nodes, percent / 100)]);
    },
    describe: (fault) => `${fault.percent} % of the packets ${describeAround(fault)} ${verb}`,
  });

export const packetCorruption = meddling('packet-corruption', 'corrupt', [1, 5, 20], 'are corrupted');
export const packetDuplication = meddling('packet-duplication', 'duplicate', [5, 20, 50], 'arrive twice');
export const packetLoss = meddling('packet-loss', 'lose', [5, 10, 20, 30, 40, 60], 'are lost');
export const packetReordering = meddling('packet-reordering', 'reorder', [5, 20, 50], 'are overtaken by later ones');
