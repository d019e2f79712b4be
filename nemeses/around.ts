/** Whose traffic a fault strikes: that of some nodes with those who talk to them, clients among them now and then. */

import type { ChooseContext, NodeId, Party } from '../rig/contract.ts';
import { listed } from './listed.ts';
import { chooseTargets, type TargetWeights } from './targets.ts';

export type Around = { readonly nodes: readonly NodeId[]; readonly others: readonly Party[] };

const CLIENTS = 'clients';
/** How often clients are among the others where they need not be. */
const CLIENTS_TOO = 0.3;

/** Some nodes, and all or most of those who talk to them. */
export function chooseAround(
  context: ChooseContext,
  weights: TargetWeights = { one: 3, minority: 2, primaries: 2 },
): Around {
  const { rng, parties, links } = context;
  const { nodes } = chooseTargets(context, weights);
  const talk = (party: Party) =>
    links === undefined || links.some((link) => link.includes(party) && link.some((end) => nodes.includes(end)));
  const partners = parties.filter((party) => !nodes.includes(party) && talk(party));
  const withoutClients = partners.filter((party) => party !== CLIENTS);
  if (withoutClients.length > 0 && !rng.chance(CLIENTS_TOO)) return { nodes, others: withoutClients };
  return { nodes, others: partners.length > 0 ? partners : nodes };
}

/** `between n1 and n2, n3 and clients`. */
export const describeAround = ({ nodes, others }: Around): string => `between ${listed(nodes)} and ${listed(others)}`;
