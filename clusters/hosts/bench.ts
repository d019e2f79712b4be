/**
 * How fast a partition of five docker nodes is in force after its entry in the journal, and healed after the order to,
 * beside five plain `docker exec … true` one after another in the same minutes: the ratio belongs to Ordeal, the
 * milliseconds to the machine.
 */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Clock, RealClock } from '../../rig/clock.ts';
import type { RunningCluster } from '../../rig/contract.ts';
import { Journal } from '../../rig/journal.ts';
import { Random } from '../../rig/random.ts';
import { docker } from './docker.ts';
import { findEngine } from './docker-engine.ts';
import { executeIn } from './docker-lab.ts';
import { onHosts } from './hosted.ts';

const nodes = ['n1', 'n2', 'n3', 'n4', 'n5'];
const sides = [nodes.slice(0, 2), nodes.slice(2)] as const;

/** Medians, in milliseconds. */
export interface PartitionBench {
  readonly rounds: number;
  readonly inForceMs: number;
  readonly healedMs: number;
  /** Five times `docker exec … true`, one after another, by the engine's own interface. */
  readonly fiveExecutionsMs: number;
}

export async function benchPartition(rounds = 50): Promise<PartitionBench> {
  const directory = await mkdtemp(path.join(tmpdir(), 'ordeal-bench-'));
  const clock = new RealClock();
  const runId = new Random(directory).integer(0x10000000, 0xffffffff).toString(16);
  const cluster = await bringUp(runId, directory, clock);
  const journal = await Journal.create(path.join(directory, 'history.jsonl'), clock);
  const spans = { inForce: [] as number[], healed: [] as number[], executions: [] as number[] };
  const timed = async (into: number[], act: () => Promise<unknown>) => {
    const beganNs = clock.nowNs();
    await act();
    into.push((clock.nowNs() - beganNs) / 1e6);
  };
  try {
    for (let round = 1; round <= rounds; round++) {
      const hold = `bench-${round}`;
      await timed(spans.inForce, async () => {
        const event = { type: 'nemesis', nemesis: 'bench', hold, action: 'inject', fault: null, sentence: '' } as const;
        await journal.appendDurably(event);
        const network = cluster.controls(hold).network;
        await Promise.all([network?.drop(sides[0], sides[1]), network?.drop(sides[1], sides[0])]);
      });
      await timed(spans.healed, () => cluster.release(hold));
      await timed(spans.executions, () => executeTrueInAll(runId));
    }
  } finally {
    await journal.close();
    await cluster[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  }
  return {
    rounds,
    inForceMs: median(spans.inForce),
    healedMs: median(spans.healed),
    fiveExecutionsMs: median(spans.executions),
  };
}

/** Five containers that do nothing but exist. */
async function bringUp(runId: string, directory: string, clock: Clock): Promise<RunningCluster> {
  const image = path.join(directory, 'image');
  await mkdir(image);
  await writeFile(path.join(image, 'Dockerfile'), 'FROM debian:bookworm-slim\n');
  const cluster = onHosts({
    name: 'bench',
    summary: 'Nodes that only exist.',
    controls: ['network'],
    variants: {},
    nodeCounts: { default: nodes.length, allowed: [nodes.length] },
    hosts: [docker],
    apis: {},
    members: () => ({ nodes }),
    plan: (id) => ({ id, ports: [], image: { name: 'bench', directory: image } }),
    program: () => ({ command: ['sleep', '100000'] }),
    ready: async () => {},
    primaries: async () => [],
  });
  return cluster.up({
    runId,
    host: 'docker',
    variant: null,
    nodeCount: nodes.length,
    directory,
    rng: new Random(1),
    clock,
    progress: () => {},
    signal: AbortSignal.timeout(120_000),
  });
}

async function executeTrueInAll(runId: string): Promise<void> {
  const engine = await findEngine();
  for (const node of nodes) await executeIn(engine.getContainer(`ordeal-${runId}-${node}`), ['true']);
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
