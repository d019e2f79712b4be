/**
 * The host `loopback`: nodes are plain processes on 127.0.0.1, and every link between them, and from the rig to
 * them, is a proxy in the rig's process. So partitions need no privilege and no particular operating system.
 */

import { mkdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Capability, Lacks, NodeId, Party } from '../../rig/contract.ts';
import { takeAllSteps } from '../../rig/left-behind.ts';
import { Random } from '../../rig/random.ts';
import { CappedLog } from './capped-log.ts';
import { removeBeside } from './controls/undo.ts';
import { Disk, foldersOf } from './disk/disk.ts';
import { missingExecutables } from './executables.ts';
import { FreePorts, noPort } from './free-ports.ts';
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
import { Guard } from './guard.ts';
import { type Act, type Impairment, NAME_SERVERS, nameOf, united } from './impairment.ts';
import { LinkProxy } from './link-proxy.ts';
import { nodeLacks } from './node-lacks.ts';
import { NodeProcess } from './node-process.ts';
import { processesInGroup } from './process-table.ts';
import { sweepProcesses } from './process-sweep.ts';
import { runCommand } from './run-command.ts';

const HOST = '127.0.0.1';
const END_MS = 5_000;
const NO_NAMES =
  'nodes ask the name service of this machine, which must not fail for others; use the host docker or netns';
const NO_PACKETS =
  'a proxy sees streams of bytes, of which TCP loses, repeats and mixes up none; use the host docker or netns';
const lacking: Readonly<Partial<Record<Act['do'], string>>> = {
  lose: NO_PACKETS,
  reorder: NO_PACKETS,
  corrupt: NO_PACKETS,
  duplicate: NO_PACKETS,
};
/** Of the rig's own environment, programs see no more than this. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ', 'LD_LIBRARY_PATH', 'SystemRoot', 'TEMP'];

export const loopback: LabDriver = {
  name: 'loopback',
  open,
  probe,
  lacks,
  heal: sweep,
  sweep,
};

interface Link {
  readonly from: Party;
  readonly to: NodeId;
  readonly port: number;
  readonly proxy: LinkProxy;
}

async function open(plan: LabPlan): Promise<Lab> {
  const missing = await missingExecutables(plan.nodes.flatMap((node) => node.executables ?? []));
  if (missing.length > 0) throw new Error(missing.join('; '));
  plan.progress('finding free ports');
  const ports = new FreePorts(HOST, plan.runId);
  const listening = new Map<string, Address>();
  const links: Link[] = [];
  let guard: Guard | undefined;
  try {
    for (const node of plan.nodes) {
      await mkdir(folderOf(plan, node.id), { recursive: true });
      for (const port of node.ports) {
        plan.signal.throwIfAborted();
        const target = { host: HOST, port: await ports.take() };
        listening.set(placeOf(node.id, port), target);
        for (const from of [CLIENTS, ...plan.nodes.map(({ id }) => id)]) {
          if (from !== node.id)
            links.push({ from, to: node.id, port, proxy: await openProxy(ports, target, plan.runId) });
        }
      }
    }
    guard = await Guard.arm('loopback', plan);
    return new LoopbackLab(plan, listening, links, ports, guard);
  } catch (error) {
    ports.free();
    await Promise.all(links.map(({ proxy }) => proxy.close()));
    await guard?.disarm();
    throw error;
  }
}

/** Without their rig its links stand still, and nodes are of no use. */
async function sweep(runId: string | null): Promise<readonly string[]> {
  return takeAllSteps([() => sweepProcesses(runId), () => removeBeside(runId)]);
}

const placeOf = (node: NodeId, port: number): string => `${node}:${port}`;
const folderOf = (plan: LabPlan, node: NodeId): string => path.join(plan.directory, 'nodes', node);

async function openProxy(ports: FreePorts, target: Address, runId: string): Promise<LinkProxy> {
  try {
    return await LinkProxy.open(HOST, ports.candidates(), target, new Random(`${runId} ${target.port}`));
  } catch (error) {
    throw noPort(HOST, error);
  }
}

function inherited(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    INHERITED.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

class LoopbackLab implements Lab {
  readonly rig = HOST;
  readonly facts: Readonly<Record<string, string>> = {
    kernel: `${os.type()} ${os.release()}`,
    network: `a proxy for each link, on ${HOST}`,
  };
  readonly #plan: LabPlan;
  readonly #listening: ReadonlyMap<string, Address>;
  readonly #links: readonly Link[];
  readonly #ports: FreePorts;
  readonly guard: Guard;
  readonly #processes = new Map<NodeId, NodeProcess>();
  readonly #logs = new Map<NodeId, CappedLog>();
  readonly #wanted = new Map<Party, readonly Impairment[]>();

  constructor(
    plan: LabPlan,
    listening: ReadonlyMap<string, Address>,
    links: readonly Link[],
    ports: FreePorts,
    guard: Guard,
  ) {
    this.#plan = plan;
    this.#listening = listening;
    this.#links = links;
    this.#ports = ports;
    this.guard = guard;
  }

  address(from: Party, to: NodeId, port: number): Address {
    if (from === to) return this.listen(to, port);
    const link = this.#links.find((each) => each.from === from && each.to === to && each.port === port);
    if (!link) throw new RangeError(`there is no link from ${from} to port ${port} of ${to} in this lab`);
    return link.proxy.address;
  }

  listen(node: NodeId, port: number): Address {
    const address = this.#listening.get(placeOf(node, port));
    if (!address) throw new RangeError(`${node} serves no port ${port} in this lab`);
    return address;
  }

  data(node: NodeId): string {
    const folder = path.join(folderOf(this.#plan, node), 'data');
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  start(node: NodeId, program: Program): Promise<void> {
    return this.guard.disturb(node, program.command, () => this.#start(node, program));
  }

  async #start(node: NodeId, program: Program): Promise<void> {
    const earlier = this.#processes.get(node);
    earlier?.signal('SIGKILL');
    await earlier?.ended;
    const log = this.#log(node);
    const env = { ...inherited(), ...program.env, ORDEAL_RUN: this.#plan.runId, ORDEAL_NODE: node };
    const started = await NodeProcess.start(program, { cwd: this.data(node), env, log });
    this.guard.endWithRig(started.pid);
    void started.ended.then(() => this.guard.forget(started.pid));
    this.#processes.set(node, started);
  }

  signal(node: NodeId, signal: Signal): Promise<void> {
    const send = async () => this.#processes.get(node)?.signal(signal);
    return signal === 'SIGCONT' ? this.guard.mend(node, [signal], send) : this.guard.disturb(node, [signal], send);
  }

  async state(node: NodeId): Promise<ProcessState> {
    return (await this.#processes.get(node)?.state()) ?? 'gone';
  }

  /** All of its group. */
  async processes(node: NodeId): Promise<readonly number[]> {
    const leader = this.#processes.get(node)?.pid;
    return leader === undefined ? [] : processesInGroup(leader);
  }

  ownDisk(node: NodeId): Promise<Disk> {
    const { data, disk } = foldersOf(this.#plan.directory, node);
    return this.guard.disturb(node, ['mount', data], () => Disk.open(this.#plan.runId, node, disk, data));
  }

  async impair(listener: Party, impairments: readonly Impairment[]): Promise<void> {
    const impossible = impairments.find((one) => one.from === NAME_SERVERS || lacking[one.do]);
    if (impossible) throw new Error(`${nameOf(impossible)}: ${lacking[impossible.do] ?? NO_NAMES}`);
    const argv = ['impair', listener, ...impairments.map(nameOf)];
    const act = async () => this.#impair(listener, impairments);
    await (impairments.length > 0 ? this.guard.disturb(listener, argv, act) : this.guard.mend(listener, argv, act));
  }

  #impair(listener: Party, impairments: readonly Impairment[]): void {
    this.#wanted.set(listener, united(impairments));
    for (const { from, to, proxy } of this.#links) {
      if (from === listener || to === listener) proxy.impair(this.#acts(from, to), this.#acts(to, from));
    }
  }

  async impaired(listener: Party): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const { from, to, proxy } of this.#links) {
      if (from !== listener && to !== listener) continue;
      const [sender, way] = to === listener ? [from, proxy.forth] : [to, proxy.back];
      for (const [act, count] of way.counts) {
        const kind = `${sender}:${act}`;
        counts.set(kind, (counts.get(kind) ?? 0) + count);
      }
    }
    return counts;
  }

  reset(node: NodeId, parties: readonly Party[]): Promise<number> {
    const between = this.#links.filter(
      ({ from, to }) => (from === node && parties.includes(to)) || (to === node && parties.includes(from)),
    );
    return this.guard.disturb(node, ['reset', ...parties], async () =>
      between.reduce((count, { proxy }) => count + proxy.reset(), 0),
    );
  }

  execute(_node: NodeId, command: readonly [string, ...string[]]): Promise<string> {
    return runCommand(command);
  }

  async collect(directory: string): Promise<void> {
    for (const { id } of this.#plan.nodes)
      await writeFile(path.join(directory, `${id}.log`), await this.#log(id).read());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.guard.mend(null, ['take down'], () => this.#takeDown());
    await this.guard.disarm();
  }

  async #takeDown(): Promise<void> {
    const processes = [...this.#processes.values()];
    for (const process of processes) process.signal('SIGKILL');
    const ended = Promise.all(processes.map((process) => process.ended)).then(() => true);
    const inTime = await Promise.race([ended, sleep(END_MS, false)]);
    await Promise.all(this.#links.map(({ proxy }) => proxy.close()));
    this.#ports.free();
    for (const log of this.#logs.values()) log.close();
    await removeBeside(this.#plan.runId);
    for (const { id } of this.#plan.nodes)
      await rm(foldersOf(this.#plan.directory, id).disk, { recursive: true, force: true });
    if (!inTime) throw new Error(`not every node has ended ${END_MS / 1000} s after SIGKILL; run \`ordeal heal\``);
  }

  #acts(sender: Party, listener: Party): readonly Impairment[] {
    return (this.#wanted.get(listener) ?? []).filter(({ from }) => from === sender);
  }

  #log(node: NodeId): CappedLog {
    const log = this.#logs.get(node) ?? new CappedLog(path.join(folderOf(this.#plan, node), 'log'));
    this.#logs.set(node, log);
    return log;
  }
}

async function lacks(): Promise<Lacks> {
  const packets = Object.keys(lacking).map((act) => [`network.${act}`, NO_PACKETS]);
  return { ...Object.fromEntries([...packets, ['network.failNames', NO_NAMES]]), ...(await nodeLacks('here')) };
}

async function probe(): Promise<readonly Capability[]> {
  const windows = process.platform === 'win32';
  return [
    {
      name: 'processes',
      available: true,
      needed: true,
      reason: 'plain processes of this machine, without privilege',
    },
    {
      name: 'partitions',
      available: true,
      needed: false,
      reason: `each link is a proxy on ${HOST}; bytes stall as behind a packet filter, but a new connection is accepted and then silent`,
    },
    {
      name: 'watchdog',
      available: true,
      needed: false,
      reason:
        'a process of its own ends the nodes when the rig is gone or hangs, since their links stand still with it',
    },
    {
      name: 'pause',
      available: !windows,
      needed: false,
      reason: windows
        ? 'Windows has no SIGSTOP; use the host docker to pause nodes'
        : 'SIGSTOP and SIGCONT to process groups',
    },
  ];
}
