/**
 * How the faults of a run are taken back by somebody who knows nothing of them: a watchdog, or `ordeal heal` after the
 * rig and its journal are gone. All there is to go by is what is found at each node, under the run's tag.
 */

import { takeAllSteps } from '../../../rig/left-behind.ts';
import { removeGroups } from '../cgroups.ts';
import { healDisks, removeDisks } from '../disk/disk.ts';
import { type RunInside, takeBackRules } from '../firewall.ts';
import { messageOf } from '../steps.ts';
import { endTracers } from './calls.ts';
import { rightClocks } from './clocks.ts';
import { freeDescriptors } from './descriptors.ts';
import { freeResources } from './resources.ts';

/** A node that is up, found by the tag of its run. */
export interface Found {
  readonly runId: string;
  /** What a person calls it: of a container, or of a network namespace. */
  readonly name: string;
  /** Runs a command in the node's network namespace, as root. */
  readonly run: RunInside;
  /** Its processes, where they are processes of this machine. */
  processes(): readonly number[];
  /** What the path of its control groups contains, if they are its own. */
  readonly group: string;
}

/**
 * Looks for what its kind of fault leaves at a node, takes it back, looks again, and returns what it undid, a line each.
 * Safe at any time, any number of times, with nothing there too. Rejects if something may still be in force.
 */
export type Undo = (found: Found) => Promise<readonly string[]>;

/** One for each kind of change that outlives the rig. */
const undos: readonly Undo[] = [
  async ({ runId, name, run }) => ((await takeBackRules(runId, run)) ? [`rules in ${name}`] : []),
  async ({ processes }) => rightClocks(processes()),
  async ({ processes, group }) => freeResources(processes(), group),
  ({ processes }) => freeDescriptors(processes()),
];

/** Takes back what a run does to its nodes from beside them: to their disks, and to their system calls. */
export const undoBeside = (runId: string): readonly string[] => [...endTracers(runId), ...healDisks(runId)];

/** Removes what stands beside the nodes of a run, or of all runs, once these have ended; a line for each. */
export async function removeBeside(runId: string | null): Promise<readonly string[]> {
  return takeAllSteps([async () => endTracers(runId), () => removeDisks(runId), () => removeGroups(runId)]);
}

/** Takes back everything at one node; tries all kinds whatever happens to one. */
export async function undoAll(found: Found): Promise<readonly string[]> {
  const results = await Promise.allSettled(undos.map((undo) => undo(found)));
  const reasons = results.flatMap((result) => (result.status === 'rejected' ? [messageOf(result.reason)] : []));
  if (reasons.length > 0) throw new Error(reasons.join('; '));
  return results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
}
