/**
 * The host `docker`: each node is a container on an engine, all of a run on one internal network. Containers and networks
 * carry the label `ordeal.run`, by which alone they are found again. Images stay, for the next run.
 */

import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import type { Capability, Lacks } from '../../rig/contract.ts';
import { LeftBehind, takeAllSteps } from '../../rig/left-behind.ts';
import { removeBeside, undoAll, undoBeside } from './controls/undo.ts';
import { foldersOf } from './disk/disk.ts';
import { findEngine, refusalOf } from './docker-engine.ts';
import { type Image, imageOf } from './docker-images.ts';
import { DockerLab, networkOf, type Reach, tolerate } from './docker-lab.ts';
import { Guard } from './guard.ts';
import type { Lab, LabDriver, LabPlan } from './host.ts';
import { allFor, nodeLacks } from './node-lacks.ts';
import { packetLacks } from './packet-lacks.ts';
import { sweepProcesses } from './process-sweep.ts';
import { processesInCgroup } from './process-table.ts';
import { messageOf } from './steps.ts';
import { freePorts } from './published-ports.ts';
import { freePrefixes, prefixesHere, rigAddress } from './subnets.ts';

export const docker: LabDriver = { name: 'docker', open, probe, lacks, heal, sweep };

const runLabel = 'ordeal.run';
const baseImage = 'debian:bookworm-slim';

async function open(plan: LabPlan): Promise<Lab> {
  const engine = await findEngine();
  const images = await imagesOf(engine, plan);
  const guard = await Guard.arm('docker', plan);
  const remove = async () => {
    await guard.mend(null, ['sweep', plan.runId], () => removeAll(engine, plan.runId));
    await guard.disarm();
    for (const { id } of plan.nodes)
      for (const folder of Object.values(foldersOf(plan.directory, id)))
        await rm(folder, { recursive: true, force: true });
  };
  try {
    plan.progress('making a network');
    const { prefix, reach } = await makeNetwork(engine, plan, guard);
    return new DockerLab({
      engine,
      guard,
      plan,
      images,
      prefix,
      reach,
      labels: { [runLabel]: plan.runId },
      isBeside: isHere(await engine.info()) && process.getuid?.() === 0,
      facts: await factsOf(engine, prefix, images),
      remove,
    });
  } catch (error) {
    await remove();
    throw error;
  }
}

async function imagesOf(engine: Dockerode, plan: LabPlan): Promise<ReadonlyMap<string, Image>> {
  const images = new Map<string, Image>();
  for (const node of plan.nodes) {
    if (!node.image) throw new Error(`${plan.system} has no image for ${node.id}, so it cannot live on docker`);
    for (const image of [node.image, ...(node.otherImages ?? [])])
      if (!images.has(image.name)) images.set(image.name, await imageOf(engine, image, plan.progress, plan.signal));
  }
  plan.signal.throwIfAborted();
  return images;
}

/**
 * Internal: nothing gets out. An engine on this machine's kernel makes it reachable from here; of any other engine the
 * nodes' ports have to be published, which an internal network does not allow.
 */
async function makeNetwork(engine: Dockerode, plan: LabPlan, guard: Guard): Promise<{ prefix: string; reach: Reach }> {
  const claim = (internal: boolean) =>
    guard.disturb(null, ['create network', `internal: ${internal}`], () => claimNetwork(engine, plan, internal));
  const prefix = await claim(true);
  if (prefixesHere().includes(prefix)) return { prefix, reach: { kind: 'direct' } };
  await engine.getNetwork(`ordeal-${plan.runId}`).remove();
  const wanted = plan.nodes.flatMap((node) => node.ports.map((port) => `${node.id}:${port}`));
  const ports = await freePorts(wanted.length);
  return {
    prefix: await claim(false),
    reach: { kind: 'published', ports: new Map(wanted.map((name, index) => [name, ports[index] as number])) },
  };
}

async function claimNetwork(engine: Dockerode, plan: LabPlan, internal: boolean): Promise<string> {
  for (const prefix of freePrefixes(plan.runId)) {
    plan.signal.throwIfAborted();
    try {
      await engine.createNetwork({
        Name: `ordeal-${plan.runId}`,
        CheckDuplicate: true,
        Driver: 'bridge',
        Internal: internal,
        IPAM: { Driver: 'default', Config: [{ Subnet: `${prefix}.0/24`, Gateway: rigAddress(prefix) }] },
        Labels: { [runLabel]: plan.runId },
      });
      return prefix;
    } catch (error) {
      if (!/overlap/i.test((error as Error).message)) throw error;
    }
  }
  throw new Error(
    'every network of 198.19.0.0/16 is in use on this engine; `ordeal heal` removes what earlier runs left',
  );
}

async function factsOf(
  engine: Dockerode,
  prefix: string,
  images: ReadonlyMap<string, Image>,
): Promise<Readonly<Record<string, string>>> {
  const version = await engine.version();
  return {
    engine: `Docker ${version.Version}`,
    kernel: version.KernelVersion ?? 'unknown',
    network: `${prefix}.0/24`,
    ...Object.fromEntries([...images].map(([name, image]) => [`image ${name}`, image.digest])),
  };
}

async function sweep(runId: string | null): Promise<readonly string[]> {
  let engine: Dockerode;
  try {
    engine = await findEngine();
  } catch {
    return [];
  }
  return takeAllSteps([() => removeAll(engine, runId), () => sweepProcesses(runId)]);
}

/** Lets paused containers of that run go on, and takes back its rules in all that run. */
async function heal(runId: string): Promise<readonly string[]> {
  const engine = await findEngine();
  const beside = undoBeside(runId);
  const containers = await engine.listContainers({ filters: { label: [`${runLabel}=${runId}`] } });
  const undone = await Promise.all(
    containers.map(async ({ Id, Names }) => {
      const container = engine.getContainer(Id);
      const { State } = await container.inspect();
      const found: string[] = [];
      if (State.Paused) {
        await tolerate([404, 409, 500], () => container.unpause());
        found.push(`container ${Names[0]} goes on`);
      }
      if (!State.Running) return found;
      const run = networkOf(container, State.Pid);
      const processes = () => processesInCgroup(Id);
      return [...found, ...(await undoAll({ runId, name: `${Names[0]}`, run, processes, group: Id }))];
    }),
  );
  return [...beside, ...undone.flat()];
}

/** Every container, then every network, of that run or of all; says which. Rejects if one of them stays. */
async function removeAll(engine: Dockerode, runId: string | null): Promise<readonly string[]> {
  const filters = { label: [runId === null ? runLabel : `${runLabel}=${runId}`] };
  const containers = (await engine.listContainers({ all: true, filters })).map(({ Id, Names }) => ({
    name: Names[0]?.replace(/^\//, '') ?? Id,
    remove: () => engine.getContainer(Id).remove({ force: true, v: true }),
  }));
  const networks = (await engine.listNetworks({ filters })).map(({ Id, Name }) => ({
    name: Name,
    remove: () => engine.getNetwork(Id).remove(),
  }));
  return takeAllSteps([
    () => allGone('container', containers, 'docker rm --force --volumes'),
    () => removeBeside(runId),
    () => allGone('network', networks, 'docker network rm'),
  ]);
}

interface Removable {
  readonly name: string;
  remove(): Promise<unknown>;
}

/** Rejects with the command for a person, if one of them stays. */
async function allGone(kind: string, things: readonly Removable[], command: string): Promise<readonly string[]> {
  const results = await Promise.allSettled(things.map(({ remove }) => untilGone(remove)));
  const failed = results.findIndex((result) => result.status === 'rejected');
  if (failed < 0) return things.map(({ name }) => `${kind} ${name}`);
  const left = things.filter((_, index) => results[index]?.status === 'rejected').map(({ name }) => name);
  const { reason } = results[failed] as PromiseRejectedResult;
  const what = `the ${kind} ${left.join(', ')} could not be removed: ${messageOf(reason)}`;
  throw new LeftBehind(what, `${command} ${left.join(' ')}`);
}

const removalTries = 20;

/** The engine refuses for a moment what it is already removing, or what something that is just going away still uses. */
async function untilGone(remove: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await remove();
    } catch (error) {
      const status = refusalOf(error);
      if (status === 404) return;
      if (tries >= removalTries || (status !== 409 && status !== 403 && status !== 500)) throw error;
      await sleep(250);
    }
  }
}

async function probe(): Promise<readonly Capability[]> {
  let engine: Dockerode;
  try {
    engine = await findEngine();
  } catch (error) {
    return [{ name: 'engine', available: false, needed: true, reason: (error as Error).message }];
  }
  try {
    const { Version, Os, KernelVersion } = await engine.version();
    return [
      { name: 'engine', available: true, needed: true, reason: `Docker ${Version} on ${Os}, kernel ${KernelVersion}` },
      await baseImageHere(engine),
      addressesFrom(await engine.info()),
      watchdogBeside(await engine.info()),
    ];
  } catch (error) {
    return [{ name: 'engine', available: false, needed: true, reason: `it answers, but: ${(error as Error).message}` }];
  }
}

/** Of an engine elsewhere, the kernel cannot be tried from here; what its containers cannot do is refused when it is due. */
async function lacks(): Promise<Lacks> {
  try {
    const isBeside = isHere(await (await findEngine()).info()) && process.getuid?.() === 0;
    if (!isBeside) return allFor('takes root on the machine of the Docker engine');
    return { ...(await packetLacks(['unshare', '--net', '--'])), ...(await nodeLacks('in images')) };
  } catch {
    return {}; // Without an engine it is the host that is missing.
  }
}

async function baseImageHere(engine: Dockerode): Promise<Capability> {
  const name = 'base image';
  try {
    await engine.getImage(baseImage).inspect();
    return { name, available: true, needed: false, reason: `${baseImage} is there` };
  } catch {
    const reason = `${baseImage} is not there: the first build pulls it from a registry, or \`.ci/engine\` makes it`;
    return { name, available: false, needed: false, reason };
  }
}

interface EngineInfo {
  readonly Name?: string;
  readonly OperatingSystem?: string;
}

/** Whether its containers run on this machine's own kernel. */
const isHere = (info: EngineInfo): boolean =>
  process.platform === 'linux' && !/Docker Desktop/.test(info.OperatingSystem ?? '') && info.Name === hostname();

function watchdogBeside(info: EngineInfo): Capability {
  const reason = isHere(info)
    ? 'a process beside the engine undoes every fault when the rig is gone or hangs'
    : 'a process on this machine undoes every fault when the rig is gone or hangs; should this machine itself be cut off from the engine, faults last until `ordeal heal` reaches it';
  return { name: 'watchdog', available: true, needed: false, reason };
}

function addressesFrom(info: EngineInfo): Capability {
  const asRoot = isHere(info) && process.getuid?.() === 0;
  return {
    name: 'partitions',
    available: true,
    needed: false,
    reason: asRoot
      ? 'by iptables of this machine inside the containers’ namespaces'
      : 'by iptables inside the containers, from their images; slower than as root beside the engine',
  };
}
