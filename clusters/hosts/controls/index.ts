/** Every kind of change that can be made to nodes on hosts, in the order in which a node that was started gets them. */

import type { ControlName } from '../../../rig/contract.ts';
import type { Deployment } from '../hosted.ts';
import type { Bench, Control } from './control.ts';
import { Calls } from './calls.ts';
import { Clocks } from './clocks.ts';
import { Descriptors } from './descriptors.ts';
import { Disks } from './disks.ts';
import { type DrillMakers, Drills } from './drills.ts';
import { Membership, type MembershipHooks } from './membership.ts';
import { Network } from './network.ts';
import { Processes } from './processes.ts';
import { Resources } from './resources.ts';
import { TrafficRules } from './traffic.ts';
import { type UpgradeHooks, Upgrades } from './upgrades.ts';

export interface ControlSet {
  /** `null` where the system does not offer that control. */
  readonly membership: Membership | null;
  readonly processes: Processes;
  /** All but these two. */
  readonly others: readonly Control[];
}

/** What the system brings of its own, on that host; `null`: nothing of the kind. */
export interface OwnMeans {
  readonly drills: DrillMakers;
  readonly membership: MembershipHooks | null;
  readonly upgrades: UpgradeHooks;
}

export function controlsOn(
  bench: Bench,
  deployment: Deployment,
  { drills, membership, upgrades }: OwnMeans,
): ControlSet {
  const { traffic } = deployment;
  const [processes, network] = [new Processes(bench), new Network(bench)];
  return {
    membership: membership && new Membership(bench, membership, deployment),
    processes,
    others: [
      network,
      new Disks(bench),
      new Clocks(bench),
      new Resources(bench),
      new Descriptors(bench),
      new Calls(bench),
      new Upgrades(bench, upgrades),
      ...(traffic ? [new TrafficRules(traffic)] : []),
      new Drills(bench, drills, deployment, processes, network),
    ] as readonly Control<ControlName>[],
  };
}
