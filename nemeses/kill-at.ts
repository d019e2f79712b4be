/** Kills one node at the worst of moments, which no clock would find: while an election runs, or right after a promise. */

import type { NodeId } from '../rig/contract.ts';
import { defineNemesis } from '../rig/define.ts';

export const killInElection = defineNemesis<'processes', { readonly node: NodeId }>({
  name: 'kill-in-election',
  summary: 'SIGKILL to one node as soon as nobody is known to lead, beside faults that depose leaders.',
  controls: ['processes'],
  states: ['election'],
  choose: ({ rng, nodes }) => ({ node: rng.pick(nodes) }),
  span: () => ({ from: { state: 'election' } }),
  inject: ({ node }, { processes }) => processes.kill([node]),
  describe: ({ node }) => `${node} is killed`,
});

/** Acknowledgements that a node gives before it dies: at most so many. */
const MOST = 100;

export const killAfterAck = defineNemesis<'processes', { readonly node: NodeId; readonly acknowledged: number }>({
  name: 'kill-after-ack',
  summary: 'SIGKILL to one node as soon as it has acknowledged a request, the n-th from then on.',
  controls: ['processes'],
  choose: ({ rng, nodes }) => ({ node: rng.pick(nodes), acknowledged: rng.integer(1, MOST) }),
  span: ({ node, acknowledged }) => ({ from: { acknowledged, by: node } }),
  inject: ({ node }, { processes }) => processes.kill([node]),
  describe: ({ node }) => `${node} is killed`,
});
