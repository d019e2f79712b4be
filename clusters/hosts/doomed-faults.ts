/**
 * The faults under which rigs are killed, for `deaths.test.ts`: one for each kind of change that has to be undone. A new
 * kind is one line here; where its levers cannot be had it is left out, by `LabDriver.lacks`.
 */

import type { ControlName, Controls } from '../../rig/contract.ts';
import { CLIENTS } from './host.ts';

export interface DoomedFault {
  readonly controls: readonly ControlName[];
  /** Without it there is no such fault, as in `Lacks`; `null`: it can be had wherever these tests can run. */
  readonly lever: string | null;
  /** Strikes n1 of n1 and n2, or both. */
  inflict(controls: Controls): Promise<void>;
}

export const ALL_CONTROLS = [
  'calls',
  'clocks',
  'descriptors',
  'disks',
  'network',
  'processes',
  'resources',
] as const satisfies readonly ControlName[];

const others = [CLIENTS, 'n2'];
const nodes = ['n1'];

export const doomedFaults: Readonly<Record<string, DoomedFault>> = {
  drop: { controls: ['network'], lever: 'network.drop', inflict: ({ network }) => network.drop(others, nodes) },
  reject: { controls: ['network'], lever: 'network.reject', inflict: ({ network }) => network.reject(others, nodes) },
  'drop-new': {
    controls: ['network'],
    lever: 'network.dropNew',
    inflict: ({ network }) => network.dropNew(others, nodes),
  },
  lose: { controls: ['network'], lever: 'network.lose', inflict: ({ network }) => network.lose(others, nodes, 0.5) },
  limit: {
    controls: ['network'],
    lever: 'network.limit',
    inflict: ({ network }) => network.limit(others, nodes, 1_000),
  },
  delay: {
    controls: ['network'],
    lever: 'network.delay',
    inflict: ({ network }) => network.delay(others, nodes, { ms: 50, jitterMs: 10 }),
  },
  swizzle: {
    controls: ['network'],
    lever: 'network.swizzle',
    inflict: ({ network }) => network.swizzle(['n1', 'n2'], [CLIENTS], ['n2', 'n1'], 60),
  },
  'fail-names': {
    controls: ['network'],
    lever: 'network.failNames',
    inflict: ({ network }) => network.failNames(nodes, 'refusal'),
  },
  kill: { controls: ['processes'], lever: 'processes.kill', inflict: ({ processes }) => processes.kill(nodes) },
  pause: { controls: ['processes'], lever: 'processes.pause', inflict: ({ processes }) => processes.pause(nodes) },
  squeeze: { controls: ALL_CONTROLS, lever: null, inflict: squeeze },
};

/** Everything that is done to clocks, disks, resources, descriptors and calls, and a loss of power, at once. */
async function squeeze({ calls, clocks, descriptors, disks, resources }: Controls): Promise<void> {
  await disks.fill(['n1']);
  await clocks.shift(['n1'], { byMs: 60_000, everyMs: 100 });
  await resources.processor(['n1'], 10);
  await descriptors.limit(['n1'], 0);
  await calls.fail(['n1'], 'fdatasync', 'EIO', 1);
  await disks.losePower(['n2']);
}
