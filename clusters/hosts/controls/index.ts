/** Every kind of change that can be made to nodes on hosts, in the order in which a node that was started gets them. */

import type { ControlName } from '../../../rig/contract.ts';
import type { Deployment } from '../hosted.ts';
import type { Bench, Control } from './control.ts';
import { Calls } from './calls.ts';
import { Clocks } from './clocks.ts';
import { Descriptors } from './descriptors.ts';
import { Disks } from './disks.ts';
import { type DrillMakers, Drills } from './drills.ts';
import { Network } from './network.ts';
import { Processes } from './processes.ts';
import { Resources } from './resources.ts';
import { TrafficRules } from './traffic.ts';

export interface ControlSet {
  readonly processes: Processes;
  /** All but `processes`. */
  readonly others: readonly Control[];
}

/** @param drills those of the system on that host */
export function controlsOn(bench: Bench, deployment: Deployment, drills: DrillMakers): ControlSet {
  const { traffic } = deployment;
  const [processes, network] = [new Processes(bench), new Network(bench)];
  return {
    processes,
    others: [
      network,
      new Disks(bench),
      new Clocks(bench),
      new Resources(bench),
      new Descriptors(bench),
      new Calls(bench),
      ...(traffic ? [new TrafficRules(traffic)] : []),
      new Drills(bench, drills, deployment, processes, network),
    ] as readonly Control<ControlName>[],
  };
}
