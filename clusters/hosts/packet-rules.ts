/** Each impairment as rules of iptables: what they match, and what they do with it. Measured on Linux with iptables-nft 1.8.9. */

import type { Party } from '../../rig/contract.ts';
import { type Impairment, NAME_SERVERS } from './impairment.ts';

/** Where a rule stands in a node's namespace: at what comes in, or at what goes out. */
export type Direction = 'in' | 'out';

/** The smallest burst that a rate may have, so that one large packet fits. */
const BURST_BYTES = 16 * 1024;

/**
 * @param queue for what has to wait in user space
 * @param address of a party; for what goes out, the other end is `clients`, or whoever answers questions for names
 */
export function packetRules(
  direction: Direction,
  impairment: Impairment,
  address: (party: Party) => string,
  queue: number | undefined,
): readonly string[] {
  if (impairment.from === NAME_SERVERS)
    return names[direction].flatMap((match) => acts(match, impairment, direction, queue));
  const match = direction === 'in' ? `-s ${address(impairment.from)}` : `-d ${address('clients')}`;
  return acts(match, impairment, direction, queue);
}

/** What comes from name servers, and what goes there; 127.0.0.11 is the one that an engine puts into each container. */
const names: Readonly<Record<Direction, readonly string[]>> = {
  in: ['-d 127.0.0.11', '! -s 127.0.0.11 -p udp --sport 53', '! -s 127.0.0.11 -p tcp --sport 53'],
  out: ['-d 127.0.0.11', '! -d 127.0.0.11 -p udp --dport 53', '! -d 127.0.0.11 -p tcp --dport 53'],
};

function acts(match: string, impairment: Impairment, direction: Direction, queue = 0): readonly string[] {
  switch (impairment.do) {
    case 'drop':
      return [`${match} -j DROP`];
    case 'reject':
      // A reset is answered by nothing, or two that reject each other would hear nothing of it.
      return match.includes('-p udp')
        ? [`${match} -j REJECT`]
        : match.includes('-p tcp')
          ? [`${match} -j REJECT --reject-with tcp-reset`]
          : [`${match} -p tcp --tcp-flags RST NONE -j REJECT --reject-with tcp-reset`, `${match} -p udp -j REJECT`];
    case 'drop-new':
      return [`${match} -p tcp --syn -j DROP`];
    case 'lose':
      return [`${match} ${chance(impairment.probability)} -j DROP`];
    case 'limit': {
      const rate = Math.round(impairment.bytesPerSecond);
      const burst = Math.max(BURST_BYTES, rate);
      const mode = direction === 'in' ? 'srcip' : 'dstip';
      return [
        `${match} -m hashlimit --hashlimit-above ${rate}b/s --hashlimit-burst ${burst}b --hashlimit-mode ${mode} --hashlimit-name o${rate} -j DROP`,
      ];
    }
    case 'delay':
      return [`${match} -j NFQUEUE --queue-num ${queue} --queue-bypass`];
    case 'reorder':
    case 'corrupt':
      return [`${match} ${chance(impairment.probability)} -j NFQUEUE --queue-num ${queue} --queue-bypass`];
    case 'duplicate':
      throw new Error('packets are sent twice by who sends them');
  }
}

/** For what a node sends to one listener: a copy takes the same way. */
export const duplicateRule = (listener: string, probability: number): string =>
  `-d ${listener} ${chance(probability)} -j TEE --gateway ${listener}`;

const chance = (probability: number): string => `-m statistic --mode random --probability ${probability}`;
