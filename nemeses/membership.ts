/** Changes who belongs to the system, through what it offers for that: members leave, join, or are replaced by empty ones. */

import type { NodeId } from '../rig/contract.ts';
import { defineNemesis } from '../rig/define.ts';
import { listed } from './listed.ts';
import { chooseTargets, type Targets } from './targets.ts';

export const grow = defineNemesis<'membership', { readonly nodes: readonly NodeId[] }>({
  name: 'grow',
  summary: 'A new member joins on an empty disk; it leaves again afterwards.',
  controls: ['membership'],
  choose: ({ rng, spares = [] }) => ({ nodes: spares.length === 0 ? [] : [rng.pick(spares)] }),
  inject: ({ nodes }, { membership }) => membership.add(nodes),
  describe: ({ nodes }) => `${listed(nodes) || 'nobody'} joins`,
});

export const shrink = defineNemesis<'membership', Targets>({
  name: 'shrink',
  summary: 'A member, or a minority of them, leaves; they join again afterwards, on empty disks.',
  controls: ['membership'],
  choose: (context) => chooseTargets(context, { one: 3, minority: 1, primaries: 2 }),
  inject: ({ nodes }, { membership }) => membership.remove(nodes),
  describe: ({ nodes }) => `${listed(nodes)} ${nodes.length === 1 ? 'leaves' : 'leave'}`,
});

export const replaceMember = defineNemesis<'membership', Targets>({
  name: 'replace-member',
  summary: 'A member leaves for good, and another joins in its place on an empty disk.',
  controls: ['membership'],
  choose: (context) => chooseTargets(context, { one: 3, primaries: 2 }),
  inject: ({ nodes }, { membership }) => membership.replace(nodes),
  describe: ({ nodes }) =>
    `${listed(nodes)} ${nodes.length === 1 ? 'is' : 'are'} replaced by ${nodes.length === 1 ? 'an empty member' : 'empty members'}`,
});
