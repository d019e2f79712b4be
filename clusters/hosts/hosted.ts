/**
 * Makes a cluster of a small definition of a system: bring-up, holds, release, recovery and take-down are written
 * here once, on the `Lab` of whatever host the nodes live on.
 */

import path from 'node:path';
import type {
  ApiName,
  Client,
  Cluster,
  ClusterOptions,
  ControlName,
  DrillName,
  HostName,
  Lacks,
  Link,
  NodeId,
  Party,
  RunningCluster,
  Sight,
  Subjects,
} from '../../rig/contract.ts';
import { defineCluster } from '../../rig/define.ts';
import { WIRE_FILE } from '../../rig/wire-file.ts';
import { Traffic } from '../traffic/traffic.ts';
import { type MembershipHooks, Roster } from './controls/membership.ts';
import { type Address, CLIENTS, type Lab, type LabDriver, type NodePlan, type Program } from './host.ts';
import type { DrillMakers } from './controls/drills.ts';
import { commandsOf } from './commands.ts';
import { HostedCluster } from './hosted-cluster.ts';
import { lastLines } from './last-lines.ts';

/** What has to be known of a system so that it can be brought up, broken and mended on any host. */
export interface SystemDefinition {
  readonly name: string;
  /** One sentence for `ordeal list`. */
  readonly summary: string;
  readonly controls: readonly ControlName[];
  readonly variants: Readonly<Record<string, string>>;
  readonly nodeCounts: Cluster['nodeCounts'];
  /** As in `Cluster`. */
  readonly quorum?: boolean;
  /** The drivers it can live on, the preferred first. */
  readonly hosts: readonly LabDriver[];
  /** How to connect to one node, for each API it offers. */
  readonly apis: { readonly [A in ApiName]?: (node: NodeId, deployment: Deployment) => Promise<Client<A>> };
  /** Its nodes ask name servers, for each other or for what they need; by default they are told addresses. */
  readonly asksNames?: true;
  /** The levers of its controls that would have no effect on this system, each with the reason. */
  lacks?(host: HostName): Lacks;
  members(nodeCount: number, host: HostName): Members;
  /** Between what the network can be cut. Default: the nodes. Others to name: `clients`, and supporting nodes. */
  parties?(members: Members): readonly Party[];
  /** Which parties talk to each other. Default: all of them. */
  links?(members: Members): readonly Link[];
  /** Whom controls can strike on that host, where not just every node. */
  subjects?(members: Members, host: HostName): Subjects;
  plan(node: NodeId, host: HostName): NodePlan;
  /** What to run on that node; asked again for each restart, and must then say the same. */
  program(node: NodeId, deployment: Deployment): Program;
  /** Resolves when the node serves, rejects with the reason when it does not yet. Called again and again, with backoff. */
  ready(node: NodeId, deployment: Deployment, signal: AbortSignal): Promise<void>;
  /** Nodes that believe they lead. May reject; then nobody is known to. */
  primaries(deployment: Deployment, signal: AbortSignal): Promise<readonly NodeId[]>;
  /** The states that it can be seen to be in; see `Cluster.states`. */
  readonly states?: Readonly<Record<string, SystemState>>;
  /** Needed for the `membership` control: how nodes join and leave. */
  membership?(deployment: Deployment): Omit<MembershipHooks, 'serves'>;
  /** Needed for the `upgrades` control: what to run on that node as its other version, on the data of the first one. */
  upgraded?(node: NodeId, deployment: Deployment): Program;
  /** Needed for the `traffic` control: what clients speak HTTP/1.1 to, and which field bears the idempotency key. */
  readonly traffic?: { readonly port: number; readonly keyField: string };
  /** Needed for the `drills` control: the troubles of its own parts that it can make on that host. */
  drills?(host: HostName): DrillMakers;
  /** What there is to say of the running system beside what its host says: versions. */
  facts?(deployment: Deployment, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
}

export interface SystemState {
  /** One sentence. */
  readonly says: string;
  /** Of that node, or with `null` of the cluster. Rejects: not known. */
  see(deployment: Deployment, node: NodeId | null, signal: AbortSignal): Promise<Sight>;
}

export interface Members {
  /** What clients talk to and nemeses choose from. */
  readonly nodes: readonly NodeId[];
  /** What the nodes need, such as a `store`: started first, and never in `RunningCluster.nodes`. */
  readonly supporting?: readonly NodeId[];
  /** Who may join later; not started with the others. */
  readonly spares?: readonly NodeId[];
}

/** One cluster that has been or is being brought up, as its definition sees it. */
export interface Deployment {
  readonly lab: Lab;
  readonly host: HostName;
  readonly variant: string | null;
  readonly runId: string;
  readonly nodes: readonly NodeId[];
  readonly supporting: readonly NodeId[];
  /** The controls that the run will need. */
  readonly needed: ReadonlySet<ControlName>;
  readonly spares: readonly NodeId[];
  /** Who belongs to the system now: the nodes at first, later whoever `membership` made a member. */
  readonly roster: Roster;
  /** `null` where the system does not offer that control. */
  readonly traffic: Traffic | null;
  /** Where clients find `port` of the node: behind the traffic control, where there is one. */
  entrance(node: NodeId, port: number): Address;
}

const NO_NAMES: Lacks = { 'network.failNames': 'its nodes know each other by their addresses, and ask no name server' };

export function onHosts(system: SystemDefinition): Cluster {
  return defineCluster({
    name: system.name,
    summary: system.summary,
    apis: Object.keys(system.apis) as ApiName[],
    controls: system.controls,
    hosts: system.hosts.map((driver) => driver.name),
    variants: system.variants,
    nodeCounts: system.nodeCounts,
    async lacks(host) {
      const driver = system.hosts.find(({ name }) => name === host);
      return { ...(system.asksNames ? {} : NO_NAMES), ...(await driver?.lacks()), ...system.lacks?.(host) };
    },
    ...(system.quorum === undefined ? {} : { quorum: system.quorum }),
    states: Object.fromEntries(Object.entries(system.states ?? {}).map(([name, { says }]) => [name, says])),
    commands: commandsOf,
    drills: (host) => Object.keys(system.drills?.(host) ?? {}) as DrillName[],
    layout(nodeCount, host) {
      const members = system.members(nodeCount, host);
      return {
        nodes: members.nodes,
        parties: system.parties?.(members) ?? members.nodes,
        links: system.links?.(members),
        subjects: system.subjects?.(members, host),
        ...(members.spares ? { spares: members.spares } : {}),
      };
    },
    up: (options) => bringUp(system, options),
  });
}

async function bringUp(system: SystemDefinition, options: ClusterOptions): Promise<RunningCluster> {
  const driver = driverFor(system, options);
  const members = system.members(options.nodeCount, options.host);
  const { supporting = [], spares = [] } = members;
  const lab = await driver.open({
    runId: options.runId,
    system: system.name,
    nodes: [...supporting, ...members.nodes, ...spares].map((node) => system.plan(node, options.host)),
    directory: options.directory,
    progress: options.progress,
    signal: options.signal,
  });
  const traffic = await openTraffic(system, members.nodes, lab, options);
  const deployment: Deployment = {
    lab,
    host: options.host,
    variant: options.variant,
    runId: options.runId,
    nodes: members.nodes,
    supporting,
    needed: new Set(options.controls),
    spares,
    roster: new Roster(members.nodes),
    traffic,
    entrance: (node, port) =>
      traffic && port === system.traffic?.port ? traffic.address(node) : lab.address(CLIENTS, node, port),
  };
  const parties = system.parties?.(members) ?? members.nodes;
  const cluster = new HostedCluster(system, deployment, parties, system.links?.(members), options.clock);
  try {
    for (const group of [supporting, members.nodes]) {
      if (group.length === 0) continue;
      options.progress(`starting ${group.join(', ')}`);
      await cluster.start(group, options.signal);
    }
    await cluster.learnFacts(options.signal);
    return cluster;
  } catch (error) {
    throw await withLogs(error, cluster, options);
  }
}

/** Where the system offers that control: what clients talk to instead of the nodes. */
async function openTraffic(
  { traffic }: SystemDefinition,
  nodes: readonly NodeId[],
  lab: Lab,
  { runId, clock, directory }: ClusterOptions,
): Promise<Traffic | null> {
  if (!traffic) return null;
  const targets = new Map(nodes.map((node) => [node, lab.address(CLIENTS, node, traffic.port)]));
  const wireFile = path.join(directory, WIRE_FILE);
  try {
    return await Traffic.open({ runId, clock, wireFile, targets, keyField: traffic.keyField });
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

function driverFor(system: SystemDefinition, options: ClusterOptions): LabDriver {
  const driver = system.hosts.find((host) => host.name === options.host);
  if (!driver) {
    const known = system.hosts.map((host) => host.name).join(', ');
    throw new RangeError(`${system.name} cannot live on the host ${options.host}; it can on ${known}`);
  }
  if (!system.nodeCounts.allowed.includes(options.nodeCount)) {
    const allowed = system.nodeCounts.allowed.join(' or ');
    throw new RangeError(`${system.name} cannot have ${options.nodeCount} nodes; it can have ${allowed}`);
  }
  if (options.variant !== null && !Object.hasOwn(system.variants, options.variant)) {
    const known = Object.keys(system.variants).join(', ') || 'none';
    throw new RangeError(`${system.name} has no variant ${options.variant}; it has: ${known}`);
  }
  return driver;
}

/** Takes down what did not come up, and says what the logs of the nodes end with. */
async function withLogs(error: unknown, cluster: HostedCluster, options: ClusterOptions): Promise<Error> {
  const reason = error instanceof Error ? error.message : String(error);
  const directory = path.join(options.directory, 'nodes');
  let tails = '';
  try {
    await cluster.collect(directory);
    tails = await lastLines(directory, cluster.members);
  } catch {
    // The reason itself is worth more than a log that cannot be had.
  }
  try {
    await cluster[Symbol.asyncDispose]();
  } catch (leftover) {
    return new Error(`${reason}${tails}\n${leftover instanceof Error ? leftover.message : leftover}`, { cause: error });
  }
  return new Error(`${reason}${tails}`, { cause: error });
}
