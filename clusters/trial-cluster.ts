/** A real cluster for the tests of one file: brought up in a folder of its own, which goes with it. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RealClock } from '../rig/clock.ts';
import type { Client, Cluster, ClusterOptions, Controls, HostName, RunningCluster } from '../rig/contract.ts';
import { Random } from '../rig/random.ts';

const BRING_UP_MS = 240_000;

export class TrialCluster {
  readonly runId = new Random(process.hrtime().join()).integer(0x10000000, 0xffffffff).toString(16);
  readonly #system: Cluster;
  readonly #host: HostName;
  #running: RunningCluster | null = null;
  #directory = '';

  constructor(system: Cluster, host: HostName) {
    this.#system = system;
    this.#host = host;
  }

  async up(more: Partial<ClusterOptions> = {}): Promise<void> {
    this.#directory = await mkdtemp(path.join(tmpdir(), `ordeal-${this.#system.name}-`));
    this.#running = await this.#system.up({
      runId: this.runId,
      host: this.#host,
      variant: null,
      nodeCount: this.#system.nodeCounts.default,
      directory: this.#directory,
      rng: new Random(1),
      clock: new RealClock(),
      progress: () => {},
      signal: AbortSignal.timeout(BRING_UP_MS),
      ...more,
    });
  }

  async down(): Promise<void> {
    await this.#running?.[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }

  get running(): RunningCluster {
    if (!this.#running) throw new Error(`${this.#system.name} is not up`);
    return this.#running;
  }

  controls = (hold: string): Controls => this.running.controls(hold) as Controls;

  /** Released, and everything serves again. */
  async released(hold: string): Promise<void> {
    await this.running.release(hold);
    await this.running.recovered(AbortSignal.timeout(30_000));
  }

  /** What the key held and holds now, asked through that node. */
  async write(node: string, key: string, value: string): Promise<unknown> {
    await using client: Client<'kv'> = await this.running.connect('kv', node);
    const before = await client.get(key, AbortSignal.timeout(15_000));
    await client.put(key, value, AbortSignal.timeout(15_000));
    return before;
  }
}
