/**
 * The states in which etcd can be seen to be, by its own status and by what the leader knows of its followers:
 * whether an election runs, and whether a member is so far behind that only a snapshot can bring it up to date.
 */

import type { NodeId, Sight } from '../../rig/contract.ts';
import type { Deployment, SystemState } from '../hosts/hosted.ts';
import { ask } from './status.ts';

/** Entries of the log between two snapshots, as the nodes are told: few, so that a member that was away may need one. */
export const SNAPSHOT_COUNT = 250;
/** Entries that a node keeps from before its last snapshot for followers that are slow; fixed in this version. */
const CATCH_UP_ENTRIES = 5_000;

export const states: Readonly<Record<string, SystemState>> = {
  election: {
    says: 'No leader is known to a majority of the nodes.',
    see: async (deployment, _, signal) => {
      const statuses = await Promise.allSettled(deployment.nodes.map((node) => statusOf(node, deployment, signal)));
      const followed = new Map<string, NodeId[]>();
      for (const [at, status] of statuses.entries()) {
        if (status.status !== 'fulfilled' || status.value.leader === '0') continue;
        const { leader, term } = status.value;
        const side = `${leader} ${term}`;
        followed.set(side, [...(followed.get(side) ?? []), deployment.nodes[at] as NodeId]);
      }
      const largest = [...followed.values()].sort((a, b) => b.length - a.length)[0] ?? [];
      const holds = 2 * largest.length <= deployment.nodes.length;
      return {
        holds,
        observed: `${largest.join(', ') || 'nobody'} of ${deployment.nodes.length} nodes follow one leader`,
      };
    },
  },
  'snapshot-needed': {
    says: 'The node lacks entries that the leader no longer keeps: only a snapshot can bring it up to date.',
    async see(deployment, node, signal): Promise<Sight> {
      if (node === null) throw new Error('a snapshot is needed by a node, and none was named');
      const { leader, applied, matched } = await progressOf(node, deployment, signal);
      const keptFrom = Math.max(0, applied - SNAPSHOT_COUNT - CATCH_UP_ENTRIES);
      const holds = matched < keptFrom;
      const kept = keptFrom === 0 ? 'all' : `those from about ${keptFrom} on`;
      return { holds, observed: `${node} has ${matched} entries of ${applied}, ${leader} keeps ${kept}` };
    },
  },
};

interface Status {
  readonly member: string;
  readonly leader: string;
  readonly term: number;
  readonly applied: number;
}

async function statusOf(node: NodeId, deployment: Deployment, signal: AbortSignal): Promise<Status> {
  const answer = await ask(node, deployment, 'POST', '/v3/maintenance/status', signal);
  return {
    member: String((answer['header'] as { readonly member_id?: string } | undefined)?.member_id ?? ''),
    leader: String(answer['leader'] ?? '0'),
    term: Number(answer['raftTerm'] ?? 0),
    applied: Number(answer['raftAppliedIndex'] ?? answer['raftIndex'] ?? 0),
  };
}

/** Nodes that believe they lead, the one of the newest term first. */
export async function leaders(deployment: Deployment, signal: AbortSignal): Promise<readonly NodeId[]> {
  const statuses = await Promise.allSettled(deployment.nodes.map((node) => statusOf(node, deployment, signal)));
  return deployment.nodes
    .flatMap((node, at) => {
      const status = statuses[at];
      if (status?.status !== 'fulfilled' || status.value.member === '') return [];
      return status.value.member === status.value.leader ? [{ node, term: status.value.term }] : [];
    })
    .sort((a, b) => b.term - a.term)
    .map(({ node }) => node);
}

/** How much of the log a node has: what it says itself, and what the leader knows of it. */
async function progressOf(
  node: NodeId,
  deployment: Deployment,
  signal: AbortSignal,
): Promise<{ readonly leader: NodeId; readonly applied: number; readonly matched: number }> {
  const [leader] = await leaders(deployment, signal);
  if (leader === undefined) throw new Error('nobody leads');
  const [{ applied }, own, member, variables] = await Promise.all([
    statusOf(leader, deployment, signal),
    statusOf(node, deployment, signal).catch(() => null),
    memberOf(node, leader, deployment, signal),
    ask(leader, deployment, 'GET', '/debug/vars', signal),
  ]);
  const raft = variables['raft.status'] as
    | { readonly progress?: Readonly<Record<string, { match?: number }>> }
    | undefined;
  const matched = raft?.progress?.[BigInt(member).toString(16)]?.match;
  // A new leader knows nothing yet of a node that it cannot reach.
  const known = Math.max(Number(matched ?? 0), own?.applied ?? 0);
  if (known === 0) throw new Error(`neither ${node} nor ${leader} says how far ${node} is`);
  return { leader, applied, matched: known };
}

/** The id of a node's member, as another node knows it. */
async function memberOf(node: NodeId, asked: NodeId, deployment: Deployment, signal: AbortSignal): Promise<string> {
  const answer = await ask(asked, deployment, 'POST', '/v3/cluster/member/list', signal);
  const members = (answer['members'] ?? []) as readonly { readonly ID?: string; readonly name?: string }[];
  const id = members.find(({ name }) => name === node)?.ID;
  if (id === undefined) throw new Error(`${asked} knows no member ${node}`);
  return id;
}
