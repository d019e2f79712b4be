/** Makes a cluster of what a team says of its own HTTP service: brought up by Ordeal, or attached where it runs. */

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { RealClock } from '../../rig/clock.ts';
import type { Cluster, HostName, NodeId, RunningCluster } from '../../rig/contract.ts';
import { defineCluster } from '../../rig/define.ts';
import { packageRoot } from '../../rig/package-root.ts';
import {
  type HttpServiceDefinition,
  type ServiceImage,
  type ServiceStart,
  wordsIn,
} from '../../rig/service-definition.ts';
import { docker } from '../hosts/docker.ts';
import { CLIENTS, type Lab, type LabDriver, type NodePlan, type Program } from '../hosts/host.ts';
import { type Deployment, onHosts } from '../hosts/hosted.ts';
import { loopback } from '../hosts/loopback.ts';
import { netns } from '../hosts/netns.ts';
import { residentBytes } from '../hosts/process-table.ts';
import { attachedService } from './attached.ts';
import { mustServe, serviceClient } from './client.ts';
import { imageFolder } from './image-folder.ts';
import { listable } from './listable.ts';
import { termsOf } from './outcomes.ts';
import { keyFieldOf } from './service-request.ts';
import { Sink } from './sink.ts';
import { filledText } from './template.ts';

const DRIVERS: readonly LabDriver[] = [loopback, docker, netns];
/** What programs can be told elsewhere. */
const NOT_IN_CONTAINERS: Readonly<Record<string, string>> = {
  shared: 'containers have no folder in common',
  ordeal: 'Ordeal is not in the container',
};
const USUAL_NODES = 3;
const MOST_NODES = 9;

/** `folder`: of the file that the definition stands in, from where its own paths count. */
export function httpService(definition: HttpServiceDefinition, folder: string): Cluster {
  const { start } = definition;
  if (!start) return attachedService(definition);
  const inner = startedService(definition, start, folder, null);
  return defineCluster({
    ...inner,
    async up(options) {
      const wanted = definition.effects.sink;
      const sink = wanted ? await Sink.open(wanted) : null;
      let running: RunningCluster;
      try {
        running = closingWith(await startedService(definition, start, folder, sink).up(options), sink);
      } catch (error) {
        await sink?.close();
        throw error;
      }
      return listable(running, options);
    },
  });
}

function startedService(
  definition: HttpServiceDefinition,
  start: ServiceStart,
  folder: string,
  sink: Sink | null,
): Cluster {
  const { name, summary = `The HTTP service ${name}, as its owners describe it.`, variants = {} } = definition;
  const { port, nodes = USUAL_NODES, hosts = ['loopback'] } = start;
  const terms = termsOf(definition, '');
  return onHosts({
    name,
    summary,
    controls: ['network', 'processes', 'traffic', ...(start.upgraded ? (['upgrades'] as const) : [])],
    asksNames: true,
    traffic: { port, keyField: keyFieldOf(definition) },
    variants: Object.fromEntries(Object.entries(variants).map(([variant, { summary: says }]) => [variant, says])),
    nodeCounts: { default: nodes, allowed: Array.from({ length: MOST_NODES }, (_, index) => index + 1) },
    quorum: false,
    hosts: hosts.map((host) => DRIVERS.find((driver) => driver.name === host) as LabDriver),
    apis: {
      service: async (node, { entrance, runId }) =>
        serviceClient({
          definition,
          terms,
          address: entrance(node, port),
          sink,
          clock: new RealClock(),
          memory: () => residentBytes(runId, node),
        }),
    },
    members: (nodeCount) => ({ nodes: Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`) }),
    parties: ({ nodes: members }) => [...members, CLIENTS],
    plan: (id, host) => planOf(id, host, definition, start, folder),
    program: (node, deployment) => programOf(node, deployment, definition, start, sink),
    upgraded: (node, deployment) => upgradedOf(node, deployment, definition, start, sink),
    ready: (node, { lab }, signal) => mustServe(lab.address(CLIENTS, node, port), definition, signal),
    primaries: async () => [],
    facts: async () => ({ command: start.command.join(' '), nodes: `${nodes} unless told otherwise` }),
  });
}

function planOf(
  id: NodeId,
  host: HostName,
  { name, variants = {} }: HttpServiceDefinition,
  { command, env = {}, port, image, upgraded = {} }: ServiceStart,
  folder: string,
): NodePlan {
  if (host !== 'docker' || !image) return { id, ports: [port] };
  const environments = [env, upgraded.env ?? {}, ...Object.values(variants).map((one) => one.env)];
  const texts = [...command, ...(upgraded.command ?? []), ...environments.flatMap(Object.values<string>)];
  for (const [word, lacks] of Object.entries(NOT_IN_CONTAINERS)) {
    const named = texts.find((text) => wordsIn(text).includes(word));
    if (named !== undefined)
      throw new Error(
        `${name} cannot live on docker: "${named}" names {{${word}}}, and ${lacks}; run it with --host loopback`,
      );
  }
  const planOfImage = (imageName: string, which: ServiceImage) => ({
    name: imageName,
    directory: imageFolder(which, folder),
  });
  return {
    id,
    ports: [port],
    image: planOfImage(`service-${name}`, image),
    ...(upgraded.image ? { otherImages: [planOfImage(upgradedImage(name), upgraded.image)] } : {}),
  };
}

const upgradedImage = (name: string): string => `service-${name}-upgraded`;

/** The same, but for what the definition says of the other version. */
function upgradedOf(
  node: NodeId,
  deployment: Deployment,
  definition: HttpServiceDefinition,
  start: ServiceStart,
  sink: Sink | null,
): Program {
  const { command = start.command, env = {}, image } = start.upgraded ?? {};
  const program = programOf(node, deployment, definition, { ...start, command, env: { ...start.env, ...env } }, sink);
  return image && deployment.host === 'docker' ? { ...program, image: upgradedImage(definition.name) } : program;
}

function programOf(
  node: NodeId,
  { lab, host, variant }: Deployment,
  { variants = {} }: HttpServiceDefinition,
  { command, env = {}, port }: ServiceStart,
  sink: Sink | null,
): Program {
  const listen = lab.listen(node, port);
  const words = {
    node,
    host: listen.host,
    port: listen.port,
    data: lab.data(node),
    shared: host === 'docker' ? '' : sharedFolder(lab.data(node)),
    sink: sink ? sink.url(sinkHost(lab)) : '',
    ordeal: packageRoot,
  };
  const [program = '', ...args] = command.map((word) => filledText(word, words));
  const all = { ...env, ...(variant === null ? {} : variants[variant]?.env) };
  return {
    command: [program === 'node' && host !== 'docker' ? process.execPath : program, ...args],
    env: Object.fromEntries(Object.entries(all).map(([name, text]) => [name, filledText(text, words)])),
  };
}

function sinkHost({ rig }: Lab): string {
  if (rig === null)
    throw new Error(
      'the engine runs on another machine, from where a sink of the rig cannot be reached; use another host',
    );
  return rig;
}

/** One folder for all nodes, beside their own. */
function sharedFolder(data: string): string {
  const folder = path.resolve(data, '..', '..', 'shared');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The same cluster, which closes something of its own after it was taken down. */
function closingWith(running: RunningCluster, sink: Sink | null): RunningCluster {
  const dispose = async () => {
    try {
      await running[Symbol.asyncDispose]();
    } finally {
      await sink?.close();
    }
  };
  return new Proxy(running, {
    get(target, name) {
      if (name === Symbol.asyncDispose) return dispose;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
