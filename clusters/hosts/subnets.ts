/**
 * Which network a run's nodes stand on: a /24 of 198.19.0.0/16, the upper half of the benchmarking range (RFC 2544),
 * which is nobody's LAN or VPN. Each run starts its search at a place of its own, so that two rarely want the same.
 */

import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

const count = 256;

/** Prefixes such as `198.19.7`, all of them once, those that this machine already uses left out. */
export function freePrefixes(runId: string): readonly string[] {
  const used = prefixesHere();
  const start = Number.parseInt(runId.slice(0, 4), 16) || 0;
  return Array.from({ length: count }, (_, step) => `198.19.${(start + step) % count}`).filter(
    (prefix) => !used.includes(prefix),
  );
}

/** The first three numbers of every network that this machine is on, once for each of its links there. */
export const prefixesHere = (): readonly string[] => (process.platform === 'linux' ? routedPrefixes() : ownPrefixes());

/** Routes tell of links without a carrier too, such as a bridge whose containers have all been stopped. */
function routedPrefixes(): readonly string[] {
  const [, ...routes] = readFileSync('/proc/net/route', 'latin1').trim().split('\n');
  return routes.flatMap((route) => {
    const [, destination, gateway] = route.split('\t');
    if (!destination || gateway !== '00000000') return [];
    const bytes = [...Buffer.from(destination, 'hex')].reverse();
    return [bytes.slice(0, 3).join('.')];
  });
}

const ownPrefixes = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).filter((entry) => entry.family === 'IPv4').map((entry) => entry.address.replace(/\.\d+$/, '')),
  );

/** The rig's own address is `.1`; nodes count from `.11`. */
export const rigAddress = (prefix: string): string => `${prefix}.1`;
export const nodeAddress = (prefix: string, index: number): string => `${prefix}.${11 + index}`;
