/**
 * Who can no longer hear whom. Every partition, whatever its shape, is a grudge, as in Jepsen; the shapes here
 * build one, and one sentence describes them all.
 */

import type { NodeId, Party } from '../rig/contract.ts';
import type { Random } from '../rig/random.ts';
import { listed } from './listed.ts';

/** For each party, the senders it can no longer hear. Not symmetric: `{ n1: ['n2'] }` leaves n2 able to hear n1. */
export type Grudge = { readonly [listener: Party]: readonly Party[] };

/** Two sides of any size, neither of which hears the other. */
export function halves(parties: readonly Party[], rng: Random): Grudge {
  const [left] = split(parties, rng);
  return grudge(parties, (listener, sender) => left.includes(listener) !== left.includes(sender));
}

/** Fewer than half, but at least one, on one side; all others on the other. */
export function minority(parties: readonly Party[], rng: Random): Grudge {
  const few = rng.shuffle(parties).slice(0, rng.integer(1, Math.max(1, Math.ceil(parties.length / 2) - 1)));
  return grudge(parties, (listener, sender) => few.includes(listener) !== few.includes(sender));
}

/** The smallest majority there is on one side; all others on the other. */
export function majority(parties: readonly Party[], rng: Random): Grudge {
  const most = rng.shuffle(parties).slice(0, Math.floor(parties.length / 2) + 1);
  const side = most.length < parties.length ? most : most.slice(1);
  return grudge(parties, (listener, sender) => side.includes(listener) !== side.includes(sender));
}

/** Two halves that do not hear each other, and one party between them that hears both and is heard by both. */
export function bridge(parties: readonly Party[], rng: Random): Grudge {
  const [middle, ...others] = rng.shuffle(parties);
  if (others.length < 2) return halves(parties, rng);
  const left = others.slice(0, Math.ceil(others.length / 2));
  return grudge(
    parties,
    (listener, sender) => listener !== middle && sender !== middle && left.includes(listener) !== left.includes(sender),
  );
}

/** Each link is cut or not, by the toss of a coin; at least one is. */
export function random(parties: readonly Party[], rng: Random): Grudge {
  const pairs = parties.flatMap((one, at) => parties.slice(at + 1).map((other) => [one, other] as const));
  const tossed = pairs.filter(() => rng.chance(0.5));
  const cut = tossed.length > 0 ? tossed : rng.shuffle(pairs).slice(0, 1);
  return grudge(parties, (listener, sender) =>
    cut.some((pair) => pair.includes(listener as never) && pair.includes(sender as never)),
  );
}

/** One party hears nobody and is heard by nobody. */
export const oneAlone = (parties: readonly Party[], rng: Random): Grudge => eachAlone(parties, [rng.pick(parties)]);

/** Each of `loners` hears nobody and is heard by nobody. */
export function eachAlone(parties: readonly Party[], loners: readonly Party[]): Grudge {
  return grudge(parties, (listener, sender) => loners.includes(listener) || loners.includes(sender));
}

/** Everybody hears a majority, and no two hear the same one. */
export function majoritiesRing(parties: readonly Party[], rng: Random): Grudge {
  const ring = rng.shuffle(parties);
  const majority = Math.floor(ring.length / 2) + 1;
  const before = Math.floor(majority / 2);
  return grudge(parties, (listener, sender) => {
    const ahead = (ring.indexOf(sender) - ring.indexOf(listener) + before + ring.length) % ring.length;
    return ahead >= majority;
  });
}

/** Each of some primaries alone; any one node where no primary is known. */
export function primariesAlone(
  parties: readonly Party[],
  rng: Random,
  { nodes, primaries }: { readonly nodes: readonly NodeId[]; readonly primaries: readonly NodeId[] },
): Grudge {
  const leading = rng.shuffle(primaries);
  return eachAlone(parties, leading.length > 0 ? leading.slice(0, rng.integer(1, leading.length)) : [rng.pick(nodes)]);
}

/** Two sides, one of which no longer hears the other, but is heard. */
export function oneWay(parties: readonly Party[], rng: Random): Grudge {
  const [deaf, unheard] = split(parties, rng);
  return grudge(parties, (listener, sender) => deaf.includes(listener) && unheard.includes(sender));
}

/** The cuts as blocks: nothing that any of `from` sends reaches any of `to`. As few blocks as there are different `to`. */
export function cuts(deaf: Grudge): { readonly from: readonly Party[]; readonly to: readonly Party[] }[] {
  const listeners = Object.keys(deaf);
  const blocks = new Map<string, { from: Party[]; to: readonly Party[] }>();
  for (const from of [...new Set(Object.values(deaf).flat())].sort()) {
    const to = listeners.filter((listener) => deaf[listener]?.includes(from)).sort();
    const block = blocks.get(to.join());
    if (block) block.from.push(from);
    else blocks.set(to.join(), { from: [from], to });
  }
  return [...blocks.values()];
}

/** `n1 and n2 cannot reach n3, and n3 cannot reach n1 and n2`. A way back that is open is said to be. */
export function describeGrudge(deaf: Grudge): string {
  const blocks = cuts(deaf);
  if (blocks.length === 0) return 'everybody can reach everybody';
  const sentences = blocks.map(({ from, to }) => `${listed(from)} cannot reach ${listed(to)}`);
  const [only] = blocks;
  if (only && blocks.length === 1) return `${sentences.join()}, but ${listed(only.to)} can reach ${listed(only.from)}`;
  return blocks.length === 2 ? sentences.join(', and ') : sentences.join('; ');
}

/** Two sides, neither empty, in random order; the second is empty only where there is but one party. */
function split(parties: readonly Party[], rng: Random): readonly [readonly Party[], readonly Party[]] {
  const shuffled = rng.shuffle(parties);
  const cut = rng.integer(1, Math.max(1, shuffled.length - 1));
  return [shuffled.slice(0, cut), shuffled.slice(cut)];
}

function grudge(parties: readonly Party[], isDeaf: (listener: Party, sender: Party) => boolean): Grudge {
  const entries = parties.map(
    (listener) => [listener, parties.filter((sender) => sender !== listener && isDeaf(listener, sender))] as const,
  );
  return Object.fromEntries(entries.filter(([, senders]) => senders.length > 0));
}
