/**
 * The host `netns`: each node is a process in a Linux network namespace of its own. A bridge in one more namespace joins
 * them, out of reach of the packet filters of this machine, and one link leads from there to the rig. Needs root, or to
 * be root inside a user namespace (`user-namespace.ts`). Where the run's pieces are is told by their names alone.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeId, Party } from '../../rig/contract.ts';
import { LeftBehind, takeAllSteps } from '../../rig/left-behind.ts';
import { removeBeside, undoAll, undoBeside } from './controls/undo.ts';
import { Disk, foldersOf } from './disk/disk.ts';
import { type Access, Firewalls, type RunInside } from './firewall.ts';
import { Guard } from './guard.ts';
import {
  type Address,
  CLIENTS,
  type Lab,
  type LabDriver,
  type LabPlan,
  type ProcessState,
  type Program,
  type Signal,
} from './host.ts';
import { missingExecutables, searchPath } from './executables.ts';
import type { Impairment } from './impairment.ts';
import { copyTail } from './last-lines.ts';
import { lacks, probe } from './netns-probe.ts';
import { AIDE } from './packet-queue.ts';
import { carries, processesInside, processesOfRun, signalProcess, stateOf } from './process-table.ts';
import { type Command, runCommand } from './run-command.ts';
import { Shell } from './shell.ts';
import { freePrefixes, nodeAddress, prefixesHere, rigAddress } from './subnets.ts';

const namespaceFolder = '/run/netns';
const endMs = 10_000;

export const netns: LabDriver = { name: 'netns', open, probe, lacks, heal, sweep };

const tagOf = (runId: string): string => `ordeal-${runId}`;
const namespaceOf = (runId: string, place: string): string => `${tagOf(runId)}-${place}`;
const fileOf = (namespace: string): string => path.join(namespaceFolder, namespace);
const entering = (namespace: string): Command => ['nsenter', `--net=${fileOf(namespace)}`, '--'];
const inside = (namespace: string, command: Command): Command => [...entering(namespace), ...command];

const runIn =
  (namespace: string): RunInside =>
  (command, input) =>
    runCommand(inside(namespace, command), input);

async function open(plan: LabPlan): Promise<Lab> {
  if (process.platform !== 'linux') throw new Error('network namespaces are a thing of Linux; use the host docker');
  if (process.getuid?.() !== 0) {
    throw new Error(
      'the host netns needs root, or to be started inside a user namespace; use sudo, or the host docker',
    );
  }
  const missing = await missingExecutables(plan.nodes.flatMap((node) => node.executables ?? []));
  if (missing.length > 0) throw new Error(missing.join('; '));
  const guard = await Guard.arm('netns', plan);
  try {
    plan.progress('making network namespaces');
    const prefix = await makeSwitch(guard, plan.runId, plan.signal);
    for (const [index, node] of plan.nodes.entries()) {
      plan.signal.throwIfAborted();
      await makeNode(guard, plan.runId, node.id, index, prefix);
      await mkdir(path.join(plan.directory, 'nodes', node.id, 'data'), { recursive: true });
    }
    return new NamespaceLab(plan, guard, prefix, await kernel());
  } catch (error) {
    await removeAll(guard, plan.runId);
    throw error;
  }
}

/** The namespace with the bridge, and the link from it to the rig; says which network they have. */
async function makeSwitch(guard: Guard, runId: string, signal: AbortSignal): Promise<string> {
  const namespace = namespaceOf(runId, 'sw');
  const link = tagOf(runId);
  await guard.run(null, ['ip', 'netns', 'add', namespace]);
  await ip(guard, [`link add ${link} type veth peer name rig netns ${namespace}`]);
  await ip(
    guard,
    ['link set lo up', 'link add bridge type bridge', 'link set bridge up', 'link set rig master bridge up'],
    namespace,
  );
  await ip(guard, [`link set ${link} addrgenmode none`, `link set ${link} up`]);
  for (const prefix of freePrefixes(runId)) {
    signal.throwIfAborted();
    const address = rigAddress(prefix);
    await ip(guard, [`addr add ${address}/24 dev ${link}`]);
    // Two runs may look for a free network at the same moment; whoever sees the other gives way.
    if (prefixesHere().filter((other) => other === prefix).length === 1) return prefix;
    await ip(guard, [`addr del ${address}/24 dev ${link}`]);
  }
  throw new Error('every network of 198.19.0.0/16 is in use here; `ordeal heal` removes what earlier runs left');
}

async function makeNode(guard: Guard, runId: string, node: NodeId, index: number, prefix: string): Promise<void> {
  const namespace = namespaceOf(runId, node);
  const port = `port${index}`;
  const bridge = namespaceOf(runId, 'sw');
  await guard.run(node, ['ip', 'netns', 'add', namespace]);
  await ip(
    guard,
    [`link add ${port} type veth peer name eth0 netns ${namespace}`, `link set ${port} master bridge up`],
    bridge,
  );
  await ip(
    guard,
    [
      'link set lo up',
      'link set eth0 addrgenmode none',
      `addr add ${nodeAddress(prefix, index)}/24 dev eth0`,
      'link set eth0 up',
    ],
    namespace,
  );
}

/** Several `ip` commands in one process, on this machine or inside a namespace. */
async function ip(guard: Guard, commands: readonly string[], namespace?: string): Promise<void> {
  const where = namespace === undefined ? [] : ['-netns', namespace];
  await guard.run(null, ['ip', ...where, '-batch', '-'], `${commands.join('\n')}\n`);
}

const kernel = async (): Promise<string> => (await runCommand(['uname', '-r'])).trim();

class NamespaceLab implements Lab {
  readonly guard: Guard;
  readonly facts: Readonly<Record<string, string>>;
  readonly rig: string;
  readonly #plan: LabPlan;
  readonly #addresses: ReadonlyMap<Party, string>;
  readonly #firewalls: Firewalls;
  /** The process that is the node, by node, once it has been started. */
  readonly #leaders = new Map<NodeId, number>();
  /** For commands in the namespaces of nodes. */
  readonly #shells = new Map<NodeId, Shell>();

  constructor(plan: LabPlan, guard: Guard, prefix: string, kernelVersion: string) {
    const nodes = plan.nodes.map((node) => node.id);
    this.guard = guard;
    this.#plan = plan;
    this.#addresses = new Map([
      [CLIENTS, rigAddress(prefix)],
      ...nodes.map((node, index) => [node, nodeAddress(prefix, index)] as const),
    ]);
    this.#firewalls = new Firewalls(
      plan.runId,
      nodes,
      guard,
      (party) => this.#address(party),
      async (node) => this.#access(node),
    );
    this.rig = rigAddress(prefix);
    this.facts = { kernel: kernelVersion, network: `${prefix}.0/24` };
  }

  address(_from: Party, to: NodeId, port: number): Address {
    return { host: this.#address(to), port };
  }

  listen(node: NodeId, port: number): Address {
    return { host: this.#address(node), port };
  }

  data(node: NodeId): string {
    return path.join(this.#folder(node), 'data');
  }

  start(node: NodeId, program: Program): Promise<void> {
    return this.guard.disturb(node, program.command, () => this.#start(node, program));
  }

  async #start(node: NodeId, program: Program): Promise<void> {
    await this.#signal(node, 'SIGKILL');
    const [file, ...args] = inside(this.#namespace(node), program.command);
    const log = openSync(this.#log(node), 'a');
    try {
      const child = spawn(file, args, {
        cwd: this.data(node),
        detached: true,
        env: {
          PATH: searchPath(),
          HOME: this.data(node),
          ...program.env,
          ORDEAL_RUN: this.#plan.runId,
          ORDEAL_NODE: node,
        },
        stdio: ['ignore', log, log],
      });
      await once(child, 'spawn');
      child.unref();
      this.#leaders.set(node, child.pid as number);
    } finally {
      closeSync(log);
    }
  }

  signal(node: NodeId, signal: Signal): Promise<void> {
    const send = () => this.#signal(node, signal);
    return signal === 'SIGCONT' ? this.guard.mend(node, [signal], send) : this.guard.disturb(node, [signal], send);
  }

  async #signal(node: NodeId, signal: Signal): Promise<void> {
    // It may take its time to end.
    if (signal === 'SIGTERM') return this.#processes(node).forEach((pid) => signalProcess(pid, signal));
    const wanted = { SIGKILL: 'gone', SIGSTOP: 'stopped', SIGCONT: 'running' } as const;
    await signalAll(() => this.#processes(node), signal, wanted[signal]);
  }

  async state(node: NodeId): Promise<ProcessState> {
    const leader = this.#leaders.get(node);
    if (leader === undefined || stateOf(leader) === 'gone') return 'gone';
    return this.#processes(node).every((pid) => stateOf(pid) !== 'running') ? 'stopped' : 'running';
  }

  async processes(node: NodeId): Promise<readonly number[]> {
    return this.#processes(node);
  }

  ownDisk(node: NodeId): Promise<Disk> {
    const { data, disk } = foldersOf(this.#plan.directory, node);
    return this.guard.disturb(node, ['mount', data], () => Disk.open(this.#plan.runId, node, disk, data));
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

  execute(node: NodeId, command: Command): Promise<string> {
    return runCommand(inside(this.#namespace(node), command));
  }

  async collect(directory: string): Promise<void> {
    for (const { id } of this.#plan.nodes) await copyTail(this.#log(id), path.join(directory, `${id}.log`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const shell of this.#shells.values()) shell.close();
    await this.#firewalls.close();
    await removeAll(this.guard, this.#plan.runId);
    const folders = this.#plan.nodes.flatMap(({ id }) => Object.values(foldersOf(this.#plan.directory, id)));
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  }

  #address(party: Party): string {
    const address = this.#addresses.get(party);
    if (!address)
      throw new RangeError(`${party} has no address; these have: ${[...this.#addresses.keys()].join(', ')}`);
    return address;
  }

  #namespace(node: NodeId): string {
    return namespaceOf(this.#plan.runId, node);
  }

  #folder(node: NodeId): string {
    return path.join(this.#plan.directory, 'nodes', node);
  }

  #log(node: NodeId): string {
    return path.join(this.#folder(node), 'log');
  }

  #processes(node: NodeId): readonly number[] {
    return processesInside(fileOf(this.#namespace(node))).filter((pid) => !carries(pid, AIDE, null));
  }

  #access(node: NodeId): Access {
    const shell = this.#shells.get(node) ?? new Shell();
    this.#shells.set(node, shell);
    const namespace = this.#namespace(node);
    return { run: (command, input) => shell.run(inside(namespace, command), input), enter: entering(namespace) };
  }
}

/** Signals again and again until all are in the wanted state: a tree may grow while it is being signalled. */
async function signalAll(
  processes: () => readonly number[],
  signal: NodeJS.Signals,
  wanted: ProcessState,
): Promise<readonly number[]> {
  const signalled = new Set<number>();
  for (let waitedMs = 0; waitedMs < endMs; waitedMs += 10) {
    const others = processes().filter((pid) => stateOf(pid) !== wanted && stateOf(pid) !== 'gone');
    if (others.length === 0) return [...signalled];
    for (const pid of others) {
      signalProcess(pid, signal);
      signalled.add(pid);
    }
    await sleep(10);
  }
  const left = processes().join(' ');
  throw new LeftBehind(
    `the processes ${left} are not ${wanted} ${endMs / 1000} s after ${signal}`,
    `kill -${signal.slice(3)} ${left}`,
  );
}

/** Takes a lab down, and then lets its guardian go; a guardian whose lab could not be taken down goes on trying. */
async function removeAll(guard: Guard, runId: string): Promise<void> {
  await guard.mend(null, ['sweep', runId], () => sweep(runId));
  await guard.disarm();
}

async function heal(runId: string): Promise<readonly string[]> {
  const namespaces = (await readdir(namespaceFolder).catch(() => [])).filter((name) => isOf(name, runId));
  const undone = [...undoBeside(runId)];
  for (const name of namespaces) {
    const processes = () => processesInside(fileOf(name));
    for (const pid of processes().filter((pid) => stateOf(pid) === 'stopped')) {
      signalProcess(pid, 'SIGCONT');
      undone.push(`process ${pid} goes on`);
    }
    undone.push(...(await undoAll({ runId, name, run: runIn(name), processes, group: `${tagOf(runId)}-` })));
  }
  return undone;
}

const isOf = (name: string, runId: string): boolean => name === tagOf(runId) || name.startsWith(`${tagOf(runId)}-`);

async function sweep(runId: string | null): Promise<readonly string[]> {
  if (process.platform !== 'linux') return [];
  const belongs = (name: string) => (runId === null ? /^ordeal-[0-9a-f]{8}(-|$)/.test(name) : isOf(name, runId));
  const namespaces = (await readdir(namespaceFolder).catch(() => [])).filter(belongs);
  const processes = () => [
    ...new Set([...namespaces.flatMap((name) => processesInside(fileOf(name))), ...processesOfRun(runId)]),
  ];
  return takeAllSteps([
    async () => (await signalAll(processes, 'SIGKILL', 'gone')).map((pid) => `process ${pid}`),
    () => removeBeside(runId),
    ...namespaces.map((name) => () => removeNamespace(name)),
    async () => removeLinks((await readdir('/sys/class/net').catch(() => [])).filter(belongs)),
  ]);
}

async function removeNamespace(name: string): Promise<readonly string[]> {
  await runCommand(['ip', 'netns', 'delete', name]).catch((error: Error) => {
    throw new LeftBehind(
      `the network namespace ${name} could not be removed: ${error.message}`,
      `ip netns delete ${name}`,
    );
  });
  return [`network namespace ${name}`];
}

/** The end of a link goes with its other end, but a little later, or not at all if making it was cut short. */
async function removeLinks(names: readonly string[]): Promise<readonly string[]> {
  for (const name of names) await runCommand(['ip', 'link', 'delete', name]).catch(() => {});
  return names.map((name) => `network link ${name}`);
}
