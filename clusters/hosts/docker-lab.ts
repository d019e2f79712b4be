/**
 * The nodes of one run as containers. A container is made at a node's first start, with a fixed address, and started
 * again later on the same file system. Its network namespace is new each time, so rules are set anew.
 */

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough, type Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type Dockerode from 'dockerode';
import type { NodeId, Party } from '../../rig/contract.ts';
import { Disk, foldersOf } from './disk/disk.ts';
import { refusalOf } from './docker-engine.ts';
import type { Image } from './docker-images.ts';
import { type Access, Firewalls, type RunInside } from './firewall.ts';
import type { Guard } from './guard.ts';
import {
  type Address,
  CLIENTS,
  type Lab,
  type LabPlan,
  type NodePlan,
  type ProcessState,
  type Program,
  type Signal,
} from './host.ts';
import type { Impairment } from './impairment.ts';
import { keptLogBytes } from './last-lines.ts';
import { isInCgroupOf, processesInCgroup, stateOf } from './process-table.ts';
import { type Command, runCommand } from './run-command.ts';
import { Shell } from './shell.ts';
import { nodeAddress, rigAddress } from './subnets.ts';

/** How the rig gets to nodes: at their own addresses, or at ports of 127.0.0.1, by `node:port`. */
export type Reach =
  | { readonly kind: 'direct' }
  | { readonly kind: 'published'; readonly ports: ReadonlyMap<string, number> };

export interface DockerLabParts {
  readonly engine: Dockerode;
  readonly guard: Guard;
  readonly plan: LabPlan;
  /** By the name in the node's plan. */
  readonly images: ReadonlyMap<string, Image>;
  readonly prefix: string;
  readonly reach: Reach;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether this is root on the engine's own machine. */
  readonly isBeside: boolean;
  readonly facts: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

const dataFolder = '/data';
const maxOutputBytes = 1 << 20;

export class DockerLab implements Lab {
  readonly facts: Readonly<Record<string, string>>;
  readonly guard: Guard;
  readonly rig: string | null;
  readonly #parts: DockerLabParts;
  readonly #nodes: ReadonlyMap<NodeId, { readonly plan: NodePlan; readonly address: string }>;
  readonly #containers = new Map<NodeId, Dockerode.Container>();
  /** What each container was made to run. */
  readonly #programs = new Map<NodeId, string>();
  /** The first process of each container, when it was last looked at. */
  readonly #pids = new Map<NodeId, number>();
  readonly #firewalls: Firewalls;
  /** For commands in the namespaces of nodes, where the engine's are within reach. */
  readonly #shells = new Map<NodeId, Shell>();
  readonly #ownDisks = new Map<NodeId, Disk>();

  constructor(parts: DockerLabParts) {
    this.rig = parts.reach.kind === 'direct' ? rigAddress(parts.prefix) : null;
    this.facts = parts.facts;
    this.guard = parts.guard;
    this.#parts = parts;
    this.#nodes = new Map(
      parts.plan.nodes.map((plan, index) => [plan.id, { plan, address: nodeAddress(parts.prefix, index) }]),
    );
    this.#firewalls = new Firewalls(
      parts.plan.runId,
      [...this.#nodes.keys()],
      parts.guard,
      (party) => (party === CLIENTS ? rigAddress(parts.prefix) : this.#node(party).address),
      (node) => this.#access(node),
    );
  }

  address(from: Party, to: NodeId, port: number): Address {
    const { reach } = this.#parts;
    if (from !== CLIENTS || reach.kind === 'direct') return { host: this.#node(to).address, port };
    const published = reach.ports.get(`${to}:${port}`);
    if (published === undefined) throw new RangeError(`${to} does not serve port ${port}`);
    return { host: '127.0.0.1', port: published };
  }

  listen(_node: NodeId, port: number): Address {
    return { host: '0.0.0.0', port };
  }

  data(_node: NodeId): string {
    return dataFolder;
  }

  async start(node: NodeId, program: Program): Promise<void> {
    const command = JSON.stringify(program);
    const before = this.#containers.get(node);
    if (!before || this.#programs.get(node) !== command) {
      const make = () => (before ? this.#replace(node, before, program) : this.#create(node, program));
      this.#containers.set(node, await this.guard.disturb(node, ['create', ...program.command], make));
      this.#programs.set(node, command);
    }
    const container = this.#containers.get(node) as Dockerode.Container;
    await this.#firewalls.renewed(node);
    await this.guard.disturb(node, ['start'], () => tolerate([304], () => container.start()));
  }

  async signal(node: NodeId, signal: Signal): Promise<void> {
    const container = this.#containers.get(node);
    if (!container) return;
    // 404: it is gone. 409: it does not run. 500: an older engine says so when there is nothing to pause or to resume.
    if (signal === 'SIGKILL' || signal === 'SIGTERM') {
      await this.#firewalls.impaired(node).catch(() => {});
      await this.guard.disturb(node, ['kill', signal], () => tolerate([404, 409], () => container.kill({ signal })));
    } else if (signal === 'SIGSTOP') {
      await this.guard.disturb(node, ['pause'], () => this.#pause(node, container));
    } else await this.guard.mend(node, ['unpause'], () => tolerate([404, 409, 500], () => container.unpause()));
  }

  /** Whoever waits for a slow disk cannot be frozen, and the engine does not wait for long. */
  async #pause(node: NodeId, container: Dockerode.Container): Promise<void> {
    const disk = this.#ownDisks.get(node);
    await disk?.order({ do: 'hurry', hurries: true });
    try {
      await tolerate([404, 409, 500], () => container.pause());
    } finally {
      await disk?.order({ do: 'hurry', hurries: false });
    }
  }

  async state(node: NodeId): Promise<ProcessState> {
    return (await this.#look(node)).state;
  }

  async processes(node: NodeId): Promise<readonly number[]> {
    const container = this.#containers.get(node);
    return container && this.#parts.isBeside ? processesInCgroup(container.id) : [];
  }

  async ownDisk(node: NodeId): Promise<Disk> {
    const { plan, isBeside } = this.#parts;
    if (!isBeside)
      throw new Error(`${node} has no disk that could fail: that takes root on the machine of the Docker engine`);
    const folders = foldersOf(plan.directory, node);
    const open = () => Disk.open(plan.runId, node, folders.disk, folders.data);
    const disk = await this.guard.disturb(node, ['mount', folders.data], open);
    this.#ownDisks.set(node, disk);
    return disk;
  }

  impair(listener: Party, impairments: readonly Impairment[]): Promise<void> {
    return this.#firewalls.impair(listener, impairments);
  }

  impaired(listener: Party): Promise<ReadonlyMap<string, number>> {
    return this.#firewalls.impaired(listener);
  }

  reset(node: NodeId, parties: readonly Party[]): Promise<number> {
    return this.#firewalls.reset(
      node,
      parties.filter((party) => party !== node),
    );
  }

  async execute(node: NodeId, command: Command): Promise<string> {
    const container = this.#containers.get(node);
    if (!container) throw new Error(`${node} has not been started`);
    return executeIn(container, command);
  }

  async collect(directory: string): Promise<void> {
    const collectOne = async (node: NodeId, container: Dockerode.Container) => {
      // The engine itself keeps no more than 16 MiB of it.
      const raw = (await container.logs({ stdout: true, stderr: true, follow: false })) as unknown as Buffer;
      await writeFile(path.join(directory, `${node}.log`), unframed(raw).subarray(-keptLogBytes));
    };
    // What a watchdog has removed has no log any more.
    const collected = [...this.#containers].map(([node, one]) => tolerate([404], () => collectOne(node, one)));
    await Promise.all(collected);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const shell of this.#shells.values()) shell.close();
    await this.#firewalls.close();
    await this.#parts.remove();
  }

  #shell(node: NodeId): Shell {
    const shell = this.#shells.get(node) ?? new Shell();
    this.#shells.set(node, shell);
    return shell;
  }

  #node(node: NodeId) {
    const found = this.#nodes.get(node);
    if (!found) throw new RangeError(`${node} is not a node here; these are: ${[...this.#nodes.keys()].join(', ')}`);
    return found;
  }

  /** A container runs one program for ever: with another one the node is a new machine, perhaps with the old one's data. */
  async #replace(node: NodeId, before: Dockerode.Container, program: Program): Promise<Dockerode.Container> {
    const keeps = program.onItsData === true && !this.#ownDisks.has(node);
    if (keeps) await before.rename({ name: `ordeal-${this.#parts.plan.runId}-${node}-before` });
    else await before.remove({ force: true, v: true });
    const container = await this.#create(node, program);
    if (!keeps) return container;
    const data = await before.getArchive({ path: dataFolder });
    await container.putArchive(data, { path: path.posix.dirname(dataFolder) });
    await before.remove({ force: true, v: true });
    return container;
  }

  async #create(node: NodeId, program: Program): Promise<Dockerode.Container> {
    const { engine, plan, images, labels } = this.#parts;
    const { plan: nodePlan, address } = this.#node(node);
    const network = `ordeal-${plan.runId}`;
    const ports = this.#publishedPorts(nodePlan);
    return engine.createContainer({
      name: `ordeal-${plan.runId}-${node}`,
      Hostname: node,
      Image: images.get(program.image ?? nodePlan.image?.name ?? '')?.tag ?? '',
      Entrypoint: [],
      Cmd: [...program.command],
      Env: [
        ...Object.entries(program.env ?? {}).map(([name, value]) => `${name}=${value}`),
        `ORDEAL_RUN=${plan.runId}`,
        `ORDEAL_NODE=${node}`,
      ],
      WorkingDir: dataFolder,
      Labels: { ...labels, 'ordeal.node': node, 'ordeal.system': plan.system },
      ExposedPorts: Object.fromEntries(Object.keys(ports).map((port) => [port, {}])),
      HostConfig: {
        NetworkMode: network,
        CapAdd: ['NET_ADMIN'],
        Init: true,
        Binds: this.#ownDisks.has(node) ? [`${foldersOf(plan.directory, node).data}:${dataFolder}`] : [],
        PortBindings: ports,
        ExtraHosts: [...this.#nodes].map(([name, other]) => `${name}:${other.address}`),
        LogConfig: { Type: 'json-file', Config: { 'max-size': '8m', 'max-file': '2' } },
      },
      NetworkingConfig: { EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: address } } } },
    });
  }

  #publishedPorts(node: NodePlan): Record<string, { HostIp: string; HostPort: string }[]> {
    const { reach } = this.#parts;
    if (reach.kind === 'direct') return {};
    return Object.fromEntries(
      node.ports.map((port) => [
        `${port}/tcp`,
        [{ HostIp: '127.0.0.1', HostPort: String(reach.ports.get(`${node.id}:${port}`)) }],
      ]),
    );
  }

  async #look(node: NodeId): Promise<{ state: ProcessState; pid: number }> {
    const container = this.#containers.get(node);
    if (!container) return { state: 'gone', pid: 0 };
    try {
      const { State } = await container.inspect();
      return { state: State.Paused ? 'stopped' : State.Running ? 'running' : 'gone', pid: State.Pid };
    } catch (error) {
      if (refusalOf(error) === 404) return { state: 'gone', pid: 0 };
      throw error;
    }
  }

  /** Into the container's network: by its process, as root beside the engine (3 ms); otherwise through the engine. */
  async #access(node: NodeId): Promise<Access | null> {
    const container = this.#containers.get(node);
    const lastPid = this.#pids.get(node) ?? 0;
    // Asking the engine takes longer than the rest; a process in the cgroup of the container is the container's.
    const shell = this.#shell(node);
    const run = (command: Command, input?: string) => shell.run(command, input);
    if (container && isBeside(container, lastPid))
      return { run: networkOf(container, lastPid, run), enter: enter(lastPid) };
    const { state, pid } = await this.#look(node);
    if (!container || state === 'gone') return null;
    this.#pids.set(node, pid);
    const inside = networkOf(container, pid, run);
    if (isBeside(container, pid)) return { run: inside, enter: enter(pid) };
    if (state === 'running') return { run: inside, enter: null };
    // Nothing can be executed in a paused container: it is let go for the moment that this takes.
    const whileUnpaused: RunInside = async (command, input) => {
      await container.unpause();
      try {
        return await inside(command, input);
      } finally {
        if (!this.guard.lost.aborted) await container.pause();
      }
    };
    return { run: whileUnpaused, enter: null };
  }
}

/** Whether this is root on the engine's own machine. */
const isBeside = (container: Dockerode.Container, pid: number): boolean =>
  process.getuid?.() === 0 && stateOf(pid) !== 'gone' && isInCgroupOf(pid, container.id);

const enter = (pid: number): readonly [string, ...string[]] => ['nsenter', `--target=${pid}`, '--net', '--'];

/** Runs commands in the network namespace of a container that is not gone; through the engine it must not be paused. */
export function networkOf(container: Dockerode.Container, pid: number, run: RunInside = runCommand): RunInside {
  if (isBeside(container, pid)) {
    return (command, input) => run([...enter(pid), ...command], input);
  }
  return (command, input) =>
    executeIn(container, input === undefined ? command : ['sh', '-c', 'printf %s "$0" | "$@"', input, ...command]);
}

export async function tolerate(statuses: readonly number[], request: () => Promise<unknown>): Promise<void> {
  try {
    await request();
  } catch (error) {
    if (!statuses.includes(refusalOf(error) ?? 0)) throw error;
  }
}

export async function executeIn(container: Dockerode.Container, command: Command): Promise<string> {
  const execution = await container.exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true });
  const stream = await execution.start({});
  const [output, errors] = [new Kept(), new Kept()];
  container.modem.demuxStream(stream, output.stream, errors.stream);
  await finished(stream);
  const { ExitCode } = await execution.inspect();
  if (ExitCode === 0) return output.text;
  throw new Error(
    `${command.join(' ')} failed with exit code ${ExitCode}: ${(errors.text || output.text).trim().slice(-500)}`,
  );
}

/** The beginning of a stream; the rest is read and forgotten. */
class Kept {
  readonly stream: Writable;
  text = '';

  constructor() {
    const through = new PassThrough();
    through.on('data', (chunk: Buffer) => {
      if (this.text.length < maxOutputBytes) this.text += chunk.toString('utf8');
    });
    this.stream = through;
  }
}

/** The engine sends logs in frames: one byte for which stream, three of nothing, four of length, then text. */
function unframed(raw: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= raw.length; ) {
    const end = at + 8 + raw.readUInt32BE(at + 4);
    parts.push(raw.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(parts);
}
