/** Nodes that get too little of what they live on: processor, memory, processes, descriptors, or system calls that work. */

import type { ControlName, Controls, NodeId } from '../rig/contract.ts';
import { defineNemesis } from '../rig/define.ts';
import { listed } from './listed.ts';
import { chooseTargets, subjectsOf } from './targets.ts';

/** `amount` is what is left, in the unit of its control. */
type Shortage = { readonly nodes: readonly NodeId[]; readonly amount: number };

interface Want<C extends ControlName> {
  readonly name: string;
  readonly summary: string;
  readonly control: C;
  /** From the worst on. */
  readonly amounts: readonly [least: number, most: number];
  squeeze(controls: Pick<Controls, C>, fault: Shortage): Promise<void>;
  readonly says: (amount: number) => string;
}

/** A nemesis that leaves some nodes no more than so much of something. */
const wanting = <C extends ControlName>({ name, summary, control, amounts, squeeze, says }: Want<C>) =>
  defineNemesis<C, Shortage>({
    name,
    summary,
    controls: [control],
    choose: (context) => {
      const { nodes } = chooseTargets(
        { ...context, nodes: subjectsOf(context, control) },
        { one: 3, minority: 2, primaries: 2 },
      );
      return { nodes, amount: context.rng.integer(...amounts) };
    },
    inject: (fault, controls) => squeeze(controls, fault),
    describe: ({ nodes, amount }) => `${listed(nodes)} can have ${says(amount)}`,
  });

export const processorShortage = wanting({
  name: 'processor-shortage',
  summary: 'Some nodes get a few hundredths of a processor, as beside a noisy neighbour.',
  control: 'resources',
  amounts: [2, 20],
  squeeze: ({ resources }, { nodes, amount }) => resources.processor(nodes, amount),
  says: (amount) => `no more than ${amount} % of one processor`,
});

export const memoryShortage = wanting({
  name: 'memory-shortage',
  summary: 'Some nodes can have hardly more memory than they have; the kernel kills who needs it.',
  control: 'resources',
  amounts: [0, 10],
  squeeze: ({ resources }, { nodes, amount }) => resources.memory(nodes, amount),
  says: (amount) => `no more than ${amount} % more memory`,
});

export const processShortage = wanting({
  name: 'process-shortage',
  summary: 'Some nodes can start hardly any process or thread.',
  control: 'resources',
  amounts: [0, 2],
  squeeze: ({ resources }, { nodes, amount }) => resources.processes(nodes, amount),
  says: (amount) => `no more than ${amount} more processes and threads`,
});

export const descriptorShortage = wanting({
  name: 'descriptor-shortage',
  summary: 'Some nodes can open hardly any file or connection.',
  control: 'descriptors',
  amounts: [0, 5],
  squeeze: ({ descriptors }, { nodes, amount }) => descriptors.limit(nodes, amount),
  says: (amount) => `no more than ${amount} more descriptors`,
});
