/** Every kind of change that can be made to nodes on hosts, in the order in which a node that was started gets them. */

import type { ControlName } from '../../../rig/contract.ts';
import type { Traffic } from '../../traffic/traffic.ts';
import type { Bench, Control } from './control.ts';
import { Network } from './network.ts';
import { Processes } from './processes.ts';
import { TrafficRules } from './traffic.ts';

export interface ControlSet {
  readonly processes: Processes;
  /** All but `processes`. */
  readonly others: readonly Control[];
}

/** @param traffic `null` where the system does not offer that control. */
export function controlsOn(bench: Bench, traffic: Traffic | null): ControlSet {
  return {
    processes: new Processes(bench),
    others: [new Network(bench), ...(traffic ? [new TrafficRules(traffic)] : [])] as readonly Control<ControlName>[],
  };
}
