/** Cuts the network: in a shape chosen anew each time, or always in the same one. */

import type { ChooseContext, NodeId, Party } from '../rig/contract.ts';
import { defineNemesis } from '../rig/define.ts';
import type { Random } from '../rig/random.ts';
import * as grudges from './grudge.ts';
import { listed } from './listed.ts';

type Topology = 'halves' | 'one' | 'minority' | 'majority' | 'ring' | 'bridge' | 'primaries' | 'random' | 'one-way';
type Partition = { readonly topology: Topology; readonly deaf: grudges.Grudge };

const topologies: {
  readonly [topology in Topology]: (parties: readonly Party[], rng: Random, context: ChooseContext) => grudges.Grudge;
} = {
  halves: grudges.halves,
  one: grudges.oneAlone,
  minority: grudges.minority,
  majority: grudges.majority,
  ring: grudges.majoritiesRing,
  bridge: grudges.bridge,
  random: grudges.random,
  primaries: grudges.primariesAlone,
  'one-way': grudges.oneWay,
};

/** Draws until a cut would be noticed; that takes two or three tries at most places. */
const MOST_TRIES = 50;

/** A nemesis that cuts the network in one of `shapes`. */
const partitionInto = (name: string, summary: string, shapes: readonly Topology[]) =>
  defineNemesis<'network', Partition>({
    name,
    summary,
    controls: ['network'],
    choose(context) {
      const parties = disputed(context);
      for (let tries = 1; ; tries++) {
        const topology = context.rng.pick(shapes);
        const deaf = topologies[topology](parties, context.rng, context);
        if (tries === MOST_TRIES || cutsALink(deaf, context)) return { topology, deaf };
      }
    },
    async inject({ deaf }, { network }) {
      await Promise.all(grudges.cuts(deaf).map(({ from, to }) => network.drop(from, to)));
    },
    describe: ({ deaf }) => grudges.describeGrudge(deaf),
  });

/** Clients mostly see both sides: only who talks to both can tell that they disagree. */
function disputed({ rng, parties, links }: ChooseContext): readonly Party[] {
  const withoutClients = parties.filter((party) => party !== 'clients');
  const among = links?.filter((link) => link.every((party) => withoutClients.includes(party)));
  return withoutClients.length < 2 || among?.length === 0 || rng.chance(0.15) ? parties : withoutClients;
}

/** Where only some parties talk to each other, most cuts between the others change nothing. */
const cutsALink = (deaf: grudges.Grudge, { links }: ChooseContext): boolean =>
  links === undefined || links.some(([one, other]) => deaf[one]?.includes(other) || deaf[other]?.includes(one));

export const partition = partitionInto(
  'partition',
  'Cuts the network in two, around one party, into overlapping majorities, around the primaries, or one way.',
  ['halves', 'one', 'ring', 'primaries', 'one-way'],
);
export const partitionBridge = partitionInto(
  'partition-bridge',
  'Cuts the network in two halves, with one node between them that still hears both.',
  ['bridge'],
);
export const partitionHalves = partitionInto('partition-halves', 'Cuts the network in two at random.', ['halves']);
export const partitionMajority = partitionInto(
  'partition-majority',
  'Cuts the network into the smallest majority and the rest.',
  ['majority'],
);
export const partitionMinority = partitionInto('partition-minority', 'Cuts a minority off from the majority.', [
  'minority',
]);
export const partitionOne = partitionInto('partition-one', 'Cuts one node, or another party, off from everybody.', [
  'one',
]);
export const partitionOneWay = partitionInto(
  'partition-one-way',
  'Some can no longer hear others, who still hear them.',
  ['one-way'],
);
export const partitionPrimaries = partitionInto('partition-primaries', 'Cuts each of some primaries off alone.', [
  'primaries',
]);
export const partitionRandom = partitionInto(
  'partition-random',
  'Cuts each link or leaves it, by the toss of a coin.',
  ['random'],
);
export const partitionRing = partitionInto(
  'partition-ring',
  'Everybody hears a majority, and no two hear the same one.',
  ['ring'],
);

export const partitionUntilSnapshot = defineNemesis<
  'network',
  { readonly node: NodeId; readonly others: readonly NodeId[] }
>({
  name: 'partition-until-snapshot',
  summary: 'Cuts one node off from the others until only a snapshot can bring it up to date.',
  controls: ['network'],
  states: ['snapshot-needed'],
  choose({ rng, nodes }) {
    const node = rng.pick(nodes);
    return { node, others: nodes.filter((other) => other !== node) };
  },
  span: ({ node }) => ({ until: { state: 'snapshot-needed', of: node } }),
  async inject({ node, others }, { network }) {
    await network.drop(others, [node]);
    await network.drop([node], others);
  },
  describe: ({ node, others }) => `${node} is cut off from ${listed(others) || 'nobody'}`,
});
