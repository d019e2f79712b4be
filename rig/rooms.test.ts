/** What every member of a room owes the rig, asked of each one that is registered. */

import { describe, expect, it } from 'vitest';
import { memory } from '../clusters/memory/memory.ts';
import { deadline, VirtualClock } from './clock.ts';
import type {
  ChooseContext,
  Completion,
  Controls,
  Directed,
  Input,
  Json,
  Party,
  RunSpec,
  Workload,
} from './contract.ts';
import { worst } from './define.ts';
import { History } from './history.ts';
import { Random } from './random.ts';
import { clusterOptions, rehearsalSpec, rehearse } from './rehearsal.ts';
import { castOf, driverOf, rooms } from './rooms.ts';

const never = new AbortController().signal;
const unlimited = { exhausted: () => false, reason: () => '' };
const kebabCase = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** Clusters as a nemesis may find them: of one node, of many, with others at the table, with and without a leader. */
const circumstances: readonly Omit<ChooseContext, 'rng'>[] = [
  { nodes: ['n1'], parties: ['n1', 'clients'], primaries: [] },
  { nodes: ['n1', 'n2', 'n3'], parties: ['n1', 'n2', 'n3'], primaries: ['n2'] },
  { nodes: ['n1', 'n2', 'n3'], parties: ['n1', 'n2', 'n3', 'clients', 'store'], primaries: [] },
  {
    nodes: ['n1', 'n2', 'n3'],
    parties: ['n1', 'n2', 'n3', 'clients', 'store'],
    links: [
      ['n1', 'store'],
      ['n2', 'store'],
      ['n3', 'store'],
    ],
    primaries: [],
  },
  {
    nodes: ['n1', 'n2', 'n3', 'n4', 'n5'],
    parties: ['n1', 'n2', 'n3', 'n4', 'n5', 'clients'],
    primaries: ['n1', 'n4'],
  },
];

describe('names', () => {
  const kinds = [rooms.clusters, rooms.workloads, rooms.nemeses, rooms.checkers, rooms.models, rooms.reports] as const;
  const members = kinds.flatMap((room) => room.all.map(({ name }) => name));

  it.each(members)('%s is kebab-case, and so is the option that may follow a colon', (name) => {
    for (const part of name.split(':', 2)) expect(part).toMatch(kebabCase);
  });
});

describe.each(rooms.nemeses.all)('nemesis $name', (nemesis) => {
  const faults = circumstances.flatMap((circumstance) =>
    Array.from({ length: 40 }, (_, seed) => {
      const choose = () => nemesis.choose(Object.freeze({ ...circumstance, rng: new Random(seed) }));
      return { parties: circumstance.parties, fault: choose(), again: choose() };
    }),
  );

  it('chooses the same fault in the same circumstances', () => {
    for (const { fault, again } of faults) expect(again).toEqual(fault);
  });

  it('chooses what survives JSON unchanged', () => {
    for (const { fault } of faults) expect(JSON.parse(JSON.stringify(fault))).toEqual(fault);
  });

  it('describes a fault by a sentence that names everybody it strikes', () => {
    for (const { fault, parties } of faults) {
      const sentence = nemesis.describe(JSON.parse(JSON.stringify(fault)) as Json);
      expect(sentence).toMatch(/^\S.*\S$/);
      for (const struck of partiesIn(fault, parties)) expect(sentence.split(/[^\w-]+/)).toContain(struck);
    }
  });

  const lacking = nemesis.controls.filter((control) => !memory.controls.includes(control));
  const why = lacking.length > 0 ? ` (SKIPPED: it lacks the ${lacking.join()} control)` : '';
  it.skipIf(why !== '')(
    `leaves nothing behind on the memory cluster, released twice and out of order${why}`,
    async () => {
      const clock = new VirtualClock();
      await using cluster = await memory.up(clusterOptions(rehearsalSpec, '/nonexistent', clock));
      const { nodes, parties } = cluster;
      const holds = ['first', 'second', 'third'];
      for (const hold of holds) {
        const primaries = await cluster.primaries(never);
        const fault = nemesis.choose({ rng: new Random(hold), nodes, parties, primaries });
        await nemesis.inject(fault, cluster.controls(hold) as Controls, never);
      }
      await clock.sleep(1000);
      for (const hold of ['second', 'first', 'second', 'never held', 'third', 'first']) await cluster.release(hold);
      await cluster.recovered(deadline(clock, 5000).signal);
      const before = await Promise.all(holds.map((hold) => cluster.inspect(hold)));
      await clock.sleep(1000);
      expect(await Promise.all(holds.map((hold) => cluster.inspect(hold)))).toEqual(before);
      for (const { effective } of before) expect(effective).toBe(true);
    },
  );

  it('needs only controls that some cluster offers', () => {
    const offering = rooms.clusters.all.filter(({ controls }) =>
      nemesis.controls.every((one) => controls.includes(one)),
    );
    expect(offering).not.toEqual([]);
  });
});

describe.each(rooms.workloads.all)('workload $name', (workload) => {
  const spec: Partial<RunSpec> = { seed: 3, timeLimitMs: 5000, workerCount: 4 };
  const possible = rooms.nemeses.all.filter(({ controls }) => controls.every((one) => memory.controls.includes(one)));
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

/** The parties named anywhere in a fault. */
function partiesIn(fault: Json, parties: readonly Party[]): Party[] {
  const words = JSON.stringify(fault).split(/[^\w-]+/);
  return parties.filter((party) => words.includes(party));
}

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
