/**
 * Makes nodes die at one place in their code the next time a request comes by: before anything was reserved, with the key
 * reserved and nothing applied, applied and not recorded, or recorded and not answered.
 */

import type { NodeId } from '../rig/contract.ts';
import { defineNemesis } from '../rig/define.ts';
import { listed } from './listed.ts';
import { chooseTargets } from './targets.ts';

const POINTS = ['received', 'reserved', 'applied', 'stored'] as const;
type CrashPoint = {
  readonly drill: 'crash-point';
  readonly how: (typeof POINTS)[number];
  readonly nodes: readonly NodeId[];
};

export const crashPoint = defineNemesis<'drills', CrashPoint>({
  name: 'crash-point',
  summary: 'Nodes die at one place in their code, before or after a step of a request; started again on the same data.',
  controls: ['drills'],
  drills: ['crash-point'],
  choose: (context) => ({
    drill: 'crash-point',
    how: context.rng.pick(POINTS),
    nodes: chooseTargets(context, { one: 2, minority: 1, all: 1 }).nodes,
  }),
  inject: ({ drill, nodes, how }, { drills }) => drills.begin({ name: drill, nodes, how }),
  describe: ({ nodes, how }) => `${listed(nodes)} ${nodes.length === 1 ? 'dies' : 'die'} at the place "${how}"`,
});
