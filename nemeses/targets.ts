/** Which nodes a fault strikes, chosen by kind first, so that one, some, the leaders and all have their turns. */

import type { ChooseContext, ControlName, NodeId } from '../rig/contract.ts';

export type TargetKind = 'one' | 'minority' | 'primaries' | 'all';
export type Targets = { readonly targets: TargetKind; readonly nodes: readonly NodeId[] };

/** How often each kind is chosen, relative to the others. Without a known primary, `primaries` never is. */
export type TargetWeights = Readonly<Partial<Record<TargetKind, number>>>;

const kinds: readonly TargetKind[] = ['one', 'minority', 'primaries', 'all'];

/** Some nodes, at least one, in the cluster's order. A minority is less than half, or one node where that is none. */
export function chooseTargets({ rng, nodes, primaries }: ChooseContext, weights: TargetWeights): Targets {
  const leads = primaries.some((node) => nodes.includes(node));
  const possible = kinds.filter((kind) => kind !== 'primaries' || leads);
  const targets = rng.pick(possible.flatMap((kind) => Array<TargetKind>(weights[kind] ?? 0).fill(kind)));
  const some = (count: number) => rng.shuffle(nodes).slice(0, count);
  const struck = new Set(
    {
      one: () => some(1),
      minority: () => some(rng.integer(1, Math.max(1, Math.ceil(nodes.length / 2) - 1))),
      primaries: () => primaries,
      all: () => nodes,
    }[targets](),
  );
  return { targets, nodes: nodes.filter((node) => struck.has(node)) };
}

/** Whom faults by that control can strike. */
export const subjectsOf = ({ subjects, nodes }: ChooseContext, control: ControlName): readonly NodeId[] =>
  subjects?.[control] ?? nodes;
