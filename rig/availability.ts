/**
 * Which nemeses can work at a place, and why the others cannot: each is let choose and inject a number of faults into
 * controls that only take note of the levers it pulls, and none of these may be lacking there.
 */

import { RealClock } from './clock.ts';
import type { Cluster, HostName, Lacks, Layout, Nemesis } from './contract.ts';
import { Random } from './random.ts';
import { reachOf } from './reach.ts';

const SEEDS = 24;

/** A cluster as most are. */
export const usualLayout: Layout = { nodes: ['n1', 'n2', 'n3'], parties: ['n1', 'n2', 'n3', 'clients'] };

/** Every lever that it pulls there, `network.drop`. Of a nemesis that throws, those until then. */
export async function leversOf(nemesis: Nemesis, layout: Layout = usualLayout): Promise<readonly string[]> {
  const levers = new Set<string>();
  try {
    for (let seed = 0; seed < SEEDS; seed++) {
      const primaries = layout.nodes.slice(0, seed % 3);
      const fault = nemesis.choose({ ...layout, rng: new Random(seed), primaries });
      const { calls } = await reachOf(nemesis, fault, layout, new RealClock());
      for (const { control, method } of calls) levers.add(`${control}.${method}`);
    }
  } catch {
    // It will be told so where it is asked in earnest.
  }
  return [...levers].sort();
}

/** What this nemesis needs and these levers lack, in words that follow "it needs"; `null` if it can work there. */
export async function whyNot(nemesis: Nemesis, lacks: Lacks, layout?: Layout): Promise<string | null> {
  if (Object.keys(lacks).length === 0) return null;
  const lever = (await leversOf(nemesis, layout)).find((one) => lacks[one] !== undefined);
  return lever === undefined ? null : `${lever}, which cannot be had there: ${lacks[lever]}`;
}

/** As `whyNot`, of a cluster on one of its hosts. */
export async function whyNotOn(cluster: Cluster, host: HostName, nemesis: Nemesis): Promise<string | null> {
  const missing = nemesis.controls.find((control) => !cluster.controls.includes(control));
  if (missing !== undefined) return `the ${missing} control, which cluster ${cluster.name} lacks`;
  return whyNot(nemesis, (await cluster.lacks?.(host)) ?? {});
}
