/** Makes the call by which a node makes its data durable fail now and then, whatever its disk does. */

import type { NodeId } from '../rig/contract.ts';
import { defineNemesis } from '../rig/define.ts';
import { subjectsOf } from './targets.ts';

type FailingSync = { readonly node: NodeId; readonly every: number };

export const failingSync = defineNemesis<'calls', FailingSync>({
  name: 'failing-sync',
  summary: 'Every so manieth call of fdatasync of one node is not made and fails: EIO.',
  controls: ['calls'],
  choose: (context) => ({
    node: context.rng.pick(subjectsOf(context, 'disks')),
    every: context.rng.integer(1, 5),
  }),
  inject: ({ node, every }, { calls }) => calls.fail([node], 'fdatasync', 'EIO', every),
  describe: ({ node, every }) =>
    `${every === 1 ? 'every' : `every ${every}th`} call of fdatasync by ${node} fails with EIO`
      .replace('2th', '2nd')
      .replace('3th', '3rd'),
});
