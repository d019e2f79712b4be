/** No lever is forgotten: whatever fault `ordeal doctor` lists for a host, rigs are killed under all that it pulls there. */

import { expect, it } from 'vitest';
import { leversOf, whyNot } from '../../rig/availability.ts';
import { rooms } from '../../rig/rooms.ts';
import { docker } from './docker.ts';
import { doomedFaults } from './doomed-faults.ts';
import { loopback } from './loopback.ts';
import { netns } from './netns.ts';

it.each([docker, loopback, netns])('a rig is killed under every lever of every fault on $name', async (driver) => {
  const lacks = await driver.lacks();
  const leversIn = async (nemeses: typeof doomedFaults) => {
    const reasons = await Promise.all(nemeses.map((one) => whyNot(one, lacks)));
    const there = nemeses.filter((_, index) => reasons[index] === null);
    return new Set((await Promise.all(there.map((one) => leversOf(one)))).flat());
  };
  const [pulled, doomed] = [await leversIn(rooms.nemeses.all), await leversIn(doomedFaults)];
  expect(pulled.size).toBeGreaterThan(15);
  // Damaged files stay so: there is nothing that a dead rig would have left undone.
  expect([...pulled].filter((lever) => !doomed.has(lever))).toEqual(['disks.damage']);
});
