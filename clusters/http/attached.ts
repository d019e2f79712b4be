/**
 * A service that runs already, here or in a staging cluster: Ordeal stands between it and its clients and meddles with
 * the traffic. It did not start the processes and does not own their network, so it offers no control of either.
 */

import path from 'node:path';
import { type Clock, deadline } from '../../rig/clock.ts';
import type {
  ApiName,
  Client,
  Cluster,
  ClusterOptions,
  Controls,
  Evidence,
  NodeId,
  RunningCluster,
} from '../../rig/contract.ts';
import { defineCluster } from '../../rig/define.ts';
import type { HttpServiceDefinition } from '../../rig/service-definition.ts';
import { sentenceOf } from '../../rig/outcome.ts';
import { WIRE_FILE } from '../../rig/wire-file.ts';
import { type Address, CLIENTS } from '../hosts/host.ts';
import { Traffic } from '../traffic/traffic.ts';
import { mustServe, serviceClient } from './client.ts';
import { listable } from './listable.ts';
import { termsOf } from './outcomes.ts';
import { keyFieldOf } from './service-request.ts';
import { Sink } from './sink.ts';
import { takeAlone } from './sole-use.ts';

const PROBE_MS = 3_000;
const RETRY_MS = 250;
const NOTHING: Evidence = { effective: false, observed: 'nothing' };

export function attachedService(definition: HttpServiceDefinition): Cluster {
  const nodes = Object.keys(definition.attach ?? {});
  return defineCluster({
    name: definition.name,
    summary: definition.summary ?? `The HTTP service ${definition.name}, where it runs already.`,
    apis: ['service'],
    controls: ['traffic'],
    hosts: ['attached'],
    variants: {},
    nodeCounts: { default: nodes.length, allowed: [nodes.length] },
    quorum: false,
    layout: () => ({ nodes, parties: [...nodes, CLIENTS], links: nodes.map((node) => [CLIENTS, node]) }),
    up: async (options) => listable(await Attached.up(definition, options), options),
  });
}

class Attached implements RunningCluster {
  readonly nodes: readonly NodeId[];
  readonly parties: readonly NodeId[];
  readonly facts: Readonly<Record<string, string>>;
  readonly #definition: HttpServiceDefinition;
  readonly #addresses: ReadonlyMap<NodeId, Address>;
  readonly #traffic: Traffic;
  readonly #sink: Sink | null;
  readonly #use: AsyncDisposable;
  readonly #clock: Clock;
  /** No two runs use the same keys: the service goes on living. */
  readonly #keyPrefix: string;

  private constructor(
    definition: HttpServiceDefinition,
    addresses: ReadonlyMap<NodeId, Address>,
    traffic: Traffic,
    sink: Sink | null,
    use: AsyncDisposable,
    { clock, runId }: ClusterOptions,
  ) {
    this.nodes = [...addresses.keys()];
    this.parties = [...this.nodes, CLIENTS];
    this.facts = Object.fromEntries(
      [...addresses].map(([node, { host, port }]) => [node, `${host}:${port}, attached`]),
    );
    this.#definition = definition;
    this.#addresses = addresses;
    this.#traffic = traffic;
    this.#sink = sink;
    this.#use = use;
    this.#clock = clock;
    this.#keyPrefix = `${runId}-`;
  }

  static async up(definition: HttpServiceDefinition, options: ClusterOptions): Promise<RunningCluster> {
    const addresses = new Map(Object.entries(definition.attach ?? {}).map(([node, url]) => [node, addressOf(url)]));
    const { runId, clock, directory, progress, signal } = options;
    const use = await takeAlone(
      [...addresses.values()].map(({ host, port }) => `${host}:${port}`),
      runId,
      clock,
    );
    let sink: Sink | null = null;
    let traffic: Traffic | null = null;
    try {
      sink = definition.effects.sink ? await Sink.open(definition.effects.sink) : null;
      const wireFile = path.join(directory, WIRE_FILE);
      traffic = await Traffic.open({ runId, clock, wireFile, targets: addresses, keyField: keyFieldOf(definition) });
      const attached = new Attached(definition, addresses, traffic, sink, use, options);
      progress(`asking ${attached.nodes.join(', ')}`);
      await attached.recovered(signal);
      return attached;
    } catch (error) {
      await traffic?.close();
      await sink?.close();
      await use[Symbol.asyncDispose]();
      throw error;
    }
  }

  async connect<A extends ApiName>(_api: A, node: NodeId): Promise<Client<A>> {
    const client = serviceClient({
      definition: this.#definition,
      terms: termsOf(this.#definition, this.#keyPrefix),
      address: this.#traffic.address(node),
      sink: this.#sink,
      clock: this.#clock,
      memory: () => null,
    });
    return client as unknown as Client<A>;
  }

  async primaries(): Promise<readonly NodeId[]> {
    return [];
  }

  controls(hold: string): Partial<Controls> {
    return { traffic: { apply: async (rule) => this.#traffic.apply(hold, rule) } };
  }

  async inspect(hold: string): Promise<Evidence> {
    return this.#traffic.evidence(hold) ?? NOTHING;
  }

  release(hold: string): Promise<void> {
    return this.#traffic.release(hold);
  }

  async recovered(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#addresses].map(([node, address]) => this.#serves(node, address, signal)));
  }

  async collect(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#traffic.close();
    await this.#sink?.close();
    await this.#use[Symbol.asyncDispose]();
  }

  async #serves(node: NodeId, address: Address, signal: AbortSignal): Promise<void> {
    let reason = 'it was not asked';
    while (!signal.aborted) {
      const limit = deadline(this.#clock, PROBE_MS, signal);
      try {
        return await mustServe(address, this.#definition, limit.signal);
      } catch (error) {
        reason = sentenceOf(error);
      } finally {
        limit.cancel();
      }
      await this.#clock.sleep(RETRY_MS, signal);
    }
    throw new Error(`${node} does not serve at ${address.host}:${address.port}: ${reason}`);
  }
}

function addressOf(url: string): Address {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) };
}
