/** What every member of a room owes the rig, asked of each one that is registered. */

import { describe, expect, it } from 'vitest';
import { memory } from '../clusters/memory/memory.ts';
import { durationMs } from './durations.ts';
import { dutiesOn, tryDuty } from './conformance.ts';
import { checkerDutiesWith, workloadDuties } from './duties.ts';
import { driverOf, rooms } from './rooms.ts';

const kebabCase = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

describe('names', () => {
  const kinds = [
    rooms.clusters,
    rooms.workloads,
    rooms.nemeses,
    rooms.checkers,
    rooms.models,
    rooms.reports,
    rooms.presets,
  ] as const;
  const members = kinds.flatMap((room) => room.all.map(({ name }) => name));

  it.each(members)('%s is kebab-case, and so is the option that may follow a colon', (name) => {
    for (const part of name.split(':', 2)) expect(part).toMatch(kebabCase);
  });
});

const duties = new Map(
  await Promise.all(rooms.nemeses.all.map(async (nemesis) => [nemesis, await dutiesOn(memory, nemesis)] as const)),
);

describe.each(rooms.nemeses.all)('nemesis $name', (nemesis) => {
  it.each(duties.get(nemesis) ?? [])('$says', async (duty) => {
    expect(await tryDuty(duty, nemesis, memory)).toBe(null);
  });

  it('needs only controls that some cluster offers', () => {
    const offering = rooms.clusters.all.filter(({ controls }) =>
      nemesis.controls.every((one) => controls.includes(one)),
    );
    expect(offering).not.toEqual([]);
  });
});

describe.each(rooms.presets.all)('preset $name', ({ nemeses, calm, fault }) => {
  it('is made of nemeses that are there, with a rhythm', () => {
    expect(nemeses).not.toEqual([]);
    for (const name of nemeses) expect(rooms.nemeses.names).toContain(name);
    for (const [from, to] of [calm, fault]) expect(durationMs(from, 'from')).toBeLessThan(durationMs(to, 'to'));
  });
});

describe.each(rooms.workloads.all)('workload $name', (workload) => {
  it.each(workloadDuties)('$says', async (duty) => {
    expect(await tryDuty(duty, workload, memory)).toBe(null);
  });

  it('is judged by some checker', () => {
    expect(workload.checkers).not.toEqual([]);
  });

  it('speaks an API that some cluster offers', () => {
    expect(rooms.clusters.all.filter(({ apis }) => apis.includes(workload.api))).not.toEqual([]);
  });
});

describe.each(rooms.clusters.all)('cluster $name', (cluster) => {
  it('offers APIs that some workload speaks, and controls that some nemesis needs', () => {
    for (const api of cluster.apis) expect(rooms.workloads.all.map((workload) => workload.api)).toContain(api);
    for (const control of cluster.controls)
      expect(rooms.nemeses.all.flatMap(({ controls }) => controls)).toContain(control);
  });

  it('lives on hosts that exist', () => {
    expect(cluster.hosts).not.toEqual([]);
    for (const host of cluster.hosts) expect(host === 'memory' || driverOf(host) !== undefined).toBe(true);
  });

  it('allows its own default number of nodes', () => {
    expect(cluster.nodeCounts.allowed).toContain(cluster.nodeCounts.default);
  });

  it('says of each variant what is different', () => {
    for (const [name, sentence] of Object.entries(cluster.variants)) {
      expect(name).toMatch(kebabCase);
      expect(sentence).toMatch(/^\S.{10,}\S$/);
    }
  });
});

describe.each(rooms.checkers.all)('checker $name', (checker) => {
  const others = ['register', 'transfers', 'watch'].map((name) => rooms.workloads.get(name));

  it.each(checkerDutiesWith(others))('$says', async (duty) => {
    expect(await tryDuty(duty, checker, memory)).toBe(null);
  });
});
