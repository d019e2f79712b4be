/**
 * Where nodes live, as one small interface. A driver opens a *lab*: a place with a network of its own for the
 * nodes of one run. Controls, holds and recovery are written once on it, in `hosted.ts`.
 */

import type { HostDriver, NodeId, Party } from '../../rig/contract.ts';
import type { Disk } from './disk/disk.ts';
import type { Guard } from './guard.ts';
import type { Impairment } from './impairment.ts';

/** The rig's own clients, as a party of the network. */
export const CLIENTS: Party = 'clients';

/** A driver that can also make labs. `memory` is the one host that is not of this kind. */
export interface LabDriver extends HostDriver {
  /** Builds what is needed (images, network, namespaces), starts nothing. Undoes its part when it fails. */
  open(plan: LabPlan): Promise<Lab>;
  /**
   * Undoes every fault of that run, found by its tag alone, and leaves its nodes where they are; on a host whose nodes are
   * of no use without their rig, ends them. Returns what was undone, a line each. Safe at any time, any number of times.
   */
  heal(runId: string): Promise<readonly string[]>;
}

export interface LabPlan {
  readonly runId: string;
  /** The system's name, for images and labels: `etcd`. */
  readonly system: string;
  readonly nodes: readonly NodePlan[];
  /** The run's directory, absolute: programs keep their data and logs below `nodes/<id>/` where the host has no disk of its own. */
  readonly directory: string;
  progress(message: string): void;
  readonly signal: AbortSignal;
}

/** What a host must know of a node before anything is started. */
export interface NodePlan {
  readonly id: NodeId;
  /** The TCP ports it serves, as the node itself numbers them. */
  readonly ports: readonly number[];
  /** Used by `docker` alone. */
  readonly image?: ImagePlan;
  /** Others that its programs may ask for by name. */
  readonly otherImages?: readonly ImagePlan[];
  /** Executables it needs, and the Debian package of each; used where nodes are processes of this machine. */
  readonly executables?: readonly { readonly name: string; readonly install: string }[];
}

/** An image, by a folder with its Dockerfile, absolute. */
export interface ImagePlan {
  readonly name: string;
  readonly directory: string;
  /** More files for its Dockerfile to copy: path in the folder → absolute path here. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A program to run on a node. It is the node: when it ends, the node is down. */
export interface Program {
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** The name of the image that it is in, where that is not the node's first. */
  readonly image?: string;
  /** It goes on with the data of the program that ran on the node before it. */
  readonly onItsData?: true;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export type Signal = 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT';

export type ProcessState = 'running' | 'stopped' | 'gone';

/** The place of one run. Disposing it removes every trace outside the run's directory. */
export interface Lab extends AsyncDisposable {
  /** Where `from` finds `port` of `to`: a node asks for its peers, `clients` is the rig. Known before anything is started. */
  address(from: Party, to: NodeId, port: number): Address;
  /** Where nodes find what the rig itself serves; `null`: they cannot reach it. */
  readonly rig: string | null;
  /** Where the node itself listens for `port`. */
  listen(node: NodeId, port: number): Address;
  /** The node's own folder for data and logs, as the node sees it. Its content survives `SIGKILL`. */
  data(node: NodeId): string;
  /**
   * Starts the node's program, or starts it again on the same data; with another program than before, perhaps on an
   * empty disk. Resolves when the process exists.
   */
  start(node: NodeId, program: Program): Promise<void>;
  /** To the node's whole process tree. No error if it is already gone. */
  signal(node: NodeId, signal: Signal): Promise<void>;
  state(node: NodeId): Promise<ProcessState>;
  /** Its processes as this machine numbers them; none where they are not processes of this machine, or it is down. */
  processes(node: NodeId): Promise<readonly number[]>;
  /** Puts the node's data folder on a disk of its own, before its first start. Rejects with the reason where it cannot. */
  ownDisk(node: NodeId): Promise<Disk>;
  /**
   * What comes to `listener`, a node or `clients`, is impaired in exactly these ways: the whole state, not a change. In
   * force, and read back, once it resolves. A node that is gone is called for again right after its `start`.
   */
  impair(listener: Party, impairments: readonly Impairment[]): Promise<void>;
  /** Packets (or, through proxies, chunks and connections) to `listener` that met each kind of impairment since the lab was opened. */
  impaired(listener: Party): Promise<ReadonlyMap<string, number>>;
  /** Breaks the connections that this node has with these parties, at both ends; says how many. */
  reset(node: NodeId, parties: readonly Party[]): Promise<number>;
  /** Output of a short command on the node; rejects with its exit code and standard error. */
  execute(node: NodeId, command: readonly [string, ...string[]]): Promise<string>;
  /** Writes each node's log to `<directory>/<node>.log`, the newest 8 MiB. */
  collect(directory: string): Promise<void>;
  /** Armed before anything was made; every change goes through it. */
  readonly guard: Guard;
  /** Image digests, kernel, network. */
  readonly facts: Readonly<Record<string, string>>;
}
