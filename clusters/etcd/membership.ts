/** How members of etcd leave and join: whoever is a member already is asked, and members are told apart by their peer URLs. */

import { deadline, RealClock, within } from '../../rig/clock.ts';
import type { NodeId } from '../../rig/contract.ts';
import type { MembershipHooks } from '../hosts/controls/membership.ts';
import type { Deployment } from '../hosts/hosted.ts';
import { ask } from './status.ts';

export const PEER_PORT = 2380;
/** Whoever has just left does not answer, and must not keep the others from being asked. */
const ANSWER_MS = 1_500;
const clock = new RealClock();

type Member = { readonly ID?: string; readonly peerURLs?: readonly string[] };

/** Where `from` finds the node as a peer. */
export const peerUrl = (node: NodeId, { lab }: Deployment, from: NodeId = node): string =>
  `http://${lab.address(from, node, PEER_PORT).host}:${PEER_PORT}`;

export function membership(deployment: Deployment): Omit<MembershipHooks, 'serves'> {
  const { nodes, spares, roster } = deployment;
  /** The first answer of the members, but for `without`. */
  const askAny = async (asked: string, question: object, signal: AbortSignal, without?: NodeId) => {
    const members = [...roster.members].filter((node) => node !== without);
    let reason: unknown = new Error('there is no other member');
    for (const node of members) {
      const limit = deadline(clock, ANSWER_MS, signal);
      try {
        const answer = ask(node, deployment, 'POST', `/v3/cluster/member/${asked}`, limit.signal, question);
        // A connection that is being opened to a node that is down does not hear of the signal.
        return await within(limit.signal, answer);
      } catch (error) {
        reason = error;
      } finally {
        limit.cancel();
      }
    }
    throw reason;
  };
  const list = async (signal: AbortSignal) =>
    ((await askAny('list', {}, signal))['members'] ?? []) as readonly Member[];
  const isOf = (node: NodeId) => (member: Member) => member.peerURLs?.includes(peerUrl(node, deployment)) === true;
  return {
    async members(signal) {
      const listed = await list(signal);
      return [...nodes, ...spares].filter((node) => listed.some(isOf(node)));
    },
    async leave(node, signal) {
      const id = (await list(signal)).find(isOf(node))?.ID;
      if (id !== undefined) await askAny('remove', { ID: id }, signal, node);
    },
    async join(node, signal) {
      await askAny('add', { peerURLs: [peerUrl(node, deployment)] }, signal, node);
    },
  };
}
