/**
 * What becomes of what one party sends another, as hosts are told of it: always all of it, never a change. Of several of
 * one kind on one way the hardest is in force.
 */

import type { Delay, Party } from '../../rig/contract.ts';

/** Whoever answers questions for names, as a sender. */
export const NAME_SERVERS: Party = 'name-servers';

export type Act =
  | { readonly do: 'drop' | 'reject' | 'drop-new' }
  | { readonly do: 'lose' | 'reorder' | 'corrupt' | 'duplicate'; readonly probability: number }
  | { readonly do: 'limit'; readonly bytesPerSecond: number }
  | ({ readonly do: 'delay' } & Delay);

export type Impairment = { readonly from: Party } & Act;

/** The order in which packets meet them: what was dropped cannot be delayed any more. */
const ORDER = ['drop', 'reject', 'drop-new', 'lose', 'limit', 'duplicate', 'corrupt', 'reorder', 'delay'] as const;

/** What is counted together: `n2:lose`. */
export const kindOf = (impairment: Impairment): string => `${impairment.from}:${impairment.do}`;

/** Everything that distinguishes it, in letters that no shell and no packet filter minds: `n2:lose=0.25`. */
export function nameOf(impairment: Impairment): string {
  const kind = kindOf(impairment);
  if ('probability' in impairment) return `${kind}=${impairment.probability}`;
  if (impairment.do === 'limit') return `${kind}=${impairment.bytesPerSecond}`;
  return impairment.do === 'delay' ? `${kind}=${impairment.ms}+${impairment.jitterMs}` : kind;
}

const hardness = (impairment: Impairment): number => {
  if ('probability' in impairment) return impairment.probability;
  if (impairment.do === 'limit') return -impairment.bytesPerSecond;
  return impairment.do === 'delay' ? impairment.ms + impairment.jitterMs : 0;
};

/** What is in force of all that is wanted: of each kind the hardest, in the order in which packets meet them. */
export function united(impairments: readonly Impairment[]): readonly Impairment[] {
  const hardest = new Map<string, Impairment>();
  for (const impairment of impairments) {
    const other = hardest.get(kindOf(impairment));
    if (!other || hardness(other) < hardness(impairment)) hardest.set(kindOf(impairment), impairment);
  }
  return [...hardest.values()].sort((a, b) => ORDER.indexOf(a.do) - ORDER.indexOf(b.do));
}
