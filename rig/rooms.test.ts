/** What every member of a room owes the rig, asked of each one that is registered. */

import { describe, expect, it } from 'vitest';
import { memory } from '../clusters/memory/memory.ts';
import { durationMs } from './durations.ts';
import { dutiesOn, tryDuty } from './conformance.ts';
import type { Completion, Directed, Input, RunSpec, Workload } from './contract.ts';
import { worst } from './define.ts';
import { History } from './history.ts';
import { Random } from './random.ts';
import { rehearsalSpec, rehearse } from './rehearsal.ts';
import { castOf, driverOf, rooms } from './rooms.ts';

const unlimited = { exhausted: () => false, reason: () => '' };
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
  const spec: Partial<RunSpec> = { seed: 3, timeLimitMs: 5000, workerCount: 4 };
  const possible = rooms.nemeses.all.filter((nemesis) => duties.get(nemesis)?.some(({ onCluster }) => onCluster));
  const recorded = rehearse({ cluster: memory, workload, nemeses: possible.slice(0, 2) }, spec);

  it('is judged by some checker', () => {
    expect(workload.checkers).not.toEqual([]);
  });

  it('speaks an API that some cluster offers', () => {
    expect(rooms.clusters.all.filter(({ apis }) => apis.includes(workload.api))).not.toEqual([]);
  });

  it('says of every function that it asks whether repeating it is safe, and asks every one it speaks of', async () => {
    const { history } = await recorded;
    expect([...history.functions].sort()).toEqual(Object.keys(workload.semantics).sort());
  });

  it('asks what follows from the seed and its own answers alone', async () => {
    const { history } = await recorded;
    for (let worker = 0; worker < 4; worker++) {
      const own = [...history.operations()].filter(({ process }) => process % 4 === worker);
      const { nodes } = history;
      const answers = own.map(({ completion }) => completion);
      const asked = retrace(workload, { worker, nodes: [...nodes].sort(), answers });
      expect(asked.length).toBeGreaterThan(10);
      expect(own.slice(0, asked.length).map(({ input }) => input)).toEqual(asked);
    }
  });

  it('leads to no more than `unknown` when nothing was asked', async () => {
    const { checkers } = castOf({ ...rehearsalSpec, workload: workload.name });
    const verdicts = await Promise.all(checkers.map(async (checker) => checker.check(new History([]), unlimited)));
    expect(worst(verdicts.map(({ validity }) => validity))).toBe('unknown');
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
  it('does not call an empty history valid', async () => {
    expect(await checker.check(new History([]), unlimited)).toMatchObject({ validity: 'unknown', anomalies: [] });
  });
});

/** What the worker's generator asks when it is given these answers, as long as there are any. */
function retrace(
  workload: Workload,
  { worker, nodes, answers }: { worker: number; nodes: readonly string[]; answers: readonly Completion[] },
): Input[] {
  const rng = new Random(3);
  const requests = workload.generator({
    worker,
    workerCount: 4,
    nodes,
    node: nodes[worker % nodes.length] as string,
    rng: rng.fork(`worker ${worker}`),
    shared: rng.fork('shared'),
  });
  const asked: Input[] = [];
  let step = requests.next();
  for (const answer of answers.slice(0, 50)) {
    if (step.done) break;
    asked.push('ask' in step.value ? (step.value as Directed).ask : (step.value as Input));
    step = requests.next(answer);
  }
  return asked;
}
