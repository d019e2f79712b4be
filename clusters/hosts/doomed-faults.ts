/**
 * The faults under which rigs are killed, for `deaths.test.ts`: between them they pull every lever that a nemesis can
 * pull on a host, which `levers.test.ts` sees to. A new lever is one line here. Where one of its levers cannot be had a
 * fault is left out.
 */

import type { ControlName, Controls, Nemesis } from '../../rig/contract.ts';
import { CLIENTS } from './host.ts';

const others = [CLIENTS, 'n2'];
const nodes = ['n1'];

/** Strikes n1 of n1 and n2, or both. */
const fault = <C extends ControlName>(
  name: string,
  controls: readonly C[],
  strike: (controls: Pick<Controls, C>) => Promise<void>,
): Nemesis => ({
  name,
  summary: 'Is in force when a rig dies.',
  controls,
  choose: () => name,
  inject: (_fault, all) => strike(all as Pick<Controls, C>),
  describe: () => `${name} n1`,
});

export const doomedFaults: readonly Nemesis[] = [
  fault('drop', ['network'], ({ network }) => network.drop(others, nodes)),
  fault('reject', ['network'], ({ network }) => network.reject(others, nodes)),
  fault('drop-new', ['network'], ({ network }) => network.dropNew(others, nodes)),
  fault('lose', ['network'], ({ network }) => network.lose(others, nodes, 0.5)),
  fault('limit', ['network'], ({ network }) => network.limit(others, nodes, 1_000)),
  fault('delay', ['network'], ({ network }) => network.delay(others, nodes, { ms: 50, jitterMs: 10 })),
  fault('reset', ['network'], ({ network }) => network.reset(others, nodes)),
  fault('duplicate', ['network'], ({ network }) => network.duplicate(['n2'], nodes, 0.5)),
  fault('reorder', ['network'], ({ network }) => network.reorder(others, nodes, 0.5)),
  fault('corrupt', ['network'], ({ network }) => network.corrupt(others, nodes, 0.5)),
  fault('swizzle', ['network'], ({ network }) => network.swizzle(['n1', 'n2'], [CLIENTS], ['n2', 'n1'], 60)),
  fault('fail-names', ['network'], ({ network }) => network.failNames(nodes, 'refusal')),
  fault('kill', ['processes'], ({ processes }) => processes.kill(nodes)),
  fault('pause', ['processes'], ({ processes }) => processes.pause(nodes)),
  fault('end', ['processes'], async ({ processes }) => {
    await processes.terminate(nodes);
    await processes.loop(['n2'], 50);
  }),
  fault('members', ['membership'], async ({ membership }) => {
    await membership.add(['n3']);
    await membership.remove(nodes);
    await membership.replace(['n2']);
  }),
  fault('upgrade', ['upgrades'], ({ upgrades }) => upgrades.roll(['n1', 'n2'])),
  fault('service', ['drills', 'traffic'], async ({ drills, traffic }) => {
    await traffic.apply({ nodes, act: { do: 'lose-answer', by: 'silence' } });
    await drills.begin({ name: 'store-outage', nodes });
  }),
  fault('squeeze', ['calls', 'clocks', 'descriptors', 'disks', 'resources'], squeeze),
  fault('wreck', ['calls', 'disks', 'resources'], wreck),
];

type Squeezing = Pick<Controls, 'calls' | 'clocks' | 'descriptors' | 'disks' | 'resources'>;

/** A disk that is full, a clock that moves, little of everything, calls that fail, and a loss of power, at once. */
async function squeeze({ calls, clocks, descriptors, disks, resources }: Squeezing): Promise<void> {
  await disks.fill(['n1']);
  await clocks.shift(['n1'], { byMs: 60_000, everyMs: 100 });
  await resources.processor(['n1'], 10);
  await descriptors.limit(['n1'], 0);
  await calls.fail(['n1'], 'fdatasync', 'EIO', 1);
  await disks.losePower(['n2']);
}

/** All the rest that is done to disks, calls and resources, except what is never undone. */
async function wreck({ calls, disks, resources }: Pick<Controls, 'calls' | 'disks' | 'resources'>): Promise<void> {
  await disks.makeReadOnly(['n1']);
  await disks.slow(['n1'], 50);
  await disks.fail(['n1'], ['read', 'sync'], 0.5, 1);
  await resources.memory(['n1'], 50);
  await resources.processes(['n1'], 5);
  await calls.crashAt(['n1'], 'fdatasync', 1);
}
