/** Which requests a fault of the traffic strikes: some of those to all nodes, or most of those to a few. */

import type { ChooseContext, NodeId } from '../rig/contract.ts';
import { listed } from './listed.ts';

/** What all faults of the traffic say of the requests they strike; part of a `TrafficRule`. */
export type SomeRequests = {
  readonly nodes: readonly NodeId[];
  /** Of each request, drawn from `seed` and the request itself. */
  readonly chance: number;
  readonly seed: number;
};

/** Requests that may change something. */
export const WRITES = ['POST', 'PUT', 'PATCH', 'DELETE'] as const;

export function someRequests({ rng, nodes }: ChooseContext): SomeRequests {
  const few = rng.chance(0.5);
  const struck = new Set(few ? rng.shuffle(nodes).slice(0, Math.ceil(nodes.length / 2)) : nodes);
  const percent = few ? rng.integer(50, 90) : rng.integer(15, 50);
  return {
    nodes: nodes.filter((node) => struck.has(node)),
    chance: percent / 100,
    seed: rng.integer(0, 2 ** 31 - 1),
  };
}

/** `40 % of the writes to n1 and n2`. */
export const describeRequests = ({ nodes, chance }: SomeRequests, what: string): string =>
  `${Math.round(100 * chance)} % of the ${what} to ${listed(nodes)}`;
