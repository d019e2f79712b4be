/**
 * The rig's end of a disk (`disk-server.ts`). A disk is a mount that carries the run's id as its device's name, and a
 * process that carries it in its environment, so both are found again by anybody.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { LeftBehind } from '../../../rig/left-behind.ts';
import { searchPath } from '../executables.ts';
import { processesWith, signalProcess, titleOf } from '../process-table.ts';
import { ownProgram } from '../own-program.ts';
import { runCommand } from '../run-command.ts';
import type { DiskState, Order } from './disk-server.ts';
import { FAILING } from './disk-rules.ts';

const MOUNT_MS = 30_000;
const ANSWER_MS = 10_000;
const END_MS = 5_000;
const WHOSE = 'ORDEAL_DISK';
const MOUNTS = '/proc/self/mounts';

const nameOf = (runId: string, node: string): string => `ordeal-${runId}-${node}`;

/** Where a node keeps its data, and where its disk keeps them, below the directory of the run. */
export const foldersOf = (directory: string, node: string): { readonly data: string; readonly disk: string } => ({
  data: path.join(directory, 'nodes', node, 'data'),
  disk: path.join(directory, 'nodes', node, 'disk'),
});

type OrderBody = Order extends infer One ? (One extends Order ? Omit<One, 'id'> : never) : never;

export class Disk {
  readonly #server: ChildProcess;
  readonly #waiting = new Map<number, (state: DiskState) => void>();
  #next = 0;

  private constructor(server: ChildProcess) {
    this.#server = server;
    server.stdin?.on('error', () => {}); // An order that is not answered says so.
  }

  /** Mounts `folder` at `at`, both made where they are not there. Rejects with a sentence. */
  static async open(runId: string, node: string, folder: string, at: string): Promise<Disk> {
    for (const made of [folder, at]) await mkdir(made, { recursive: true });
    const { ORDEAL_RUN: _, ...environment } = process.env; // It must outlive the nodes.
    const program = ownProgram(new URL('./disk-server', import.meta.url));
    const server = spawn(process.execPath, [...program, nameOf(runId, node), folder, at], {
      detached: true,
      cwd: '/',
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...environment, PATH: searchPath(), [WHOSE]: runId },
    });
    server.unref();
    const disk = new Disk(server);
    const lines = createInterface({ input: server.stdout as NodeJS.ReadableStream });
    const late = AbortSignal.timeout(MOUNT_MS);
    const [first] = (await Promise.race([
      once(lines, 'line', { signal: late }).catch(() => [`nothing was heard of it within ${MOUNT_MS / 1000} s`]),
      once(server, 'error'),
    ])) as [string | Error];
    if (first !== 'mounted') {
      server.kill('SIGKILL');
      throw new Error(`${node} has no disk that could fail: ${first instanceof Error ? first.message : first}`);
    }
    lines.on('line', (line) => disk.#hear(JSON.parse(line) as DiskState));
    for (const end of [server.stdin, server.stdout]) (end as unknown as { unref(): void }).unref();
    return disk;
  }

  /** What the disk answers. Rejects if it says that something went wrong, or says nothing. */
  async order(order: OrderBody): Promise<DiskState> {
    const id = this.#next++;
    const answered = new Promise<DiskState>((resolve) => this.#waiting.set(id, resolve));
    this.#server.stdin?.write(`${JSON.stringify({ id, ...order })}\n`);
    const state = await Promise.race([answered, sleep(ANSWER_MS, null, { ref: false })]);
    this.#waiting.delete(id);
    if (state === null) throw new Error(`the disk does not answer within ${ANSWER_MS / 1000} s`);
    if (state.error !== undefined) throw new Error(`the disk could not do it: ${state.error}`);
    return state;
  }

  #hear(state: DiskState): void {
    this.#waiting.get(state.id)?.(state);
  }
}

/** Ends every fault of the disks of that run; a line for each disk that had any. */
export function healDisks(runId: string): readonly string[] {
  const healed: string[] = [];
  for (const pid of processesWith(WHOSE, runId)) {
    const title = titleOf(pid);
    if (!title.endsWith(FAILING)) continue;
    signalProcess(pid, 'SIGUSR2');
    healed.push(`faults of the disk ${title.slice(0, -FAILING.length)}`);
  }
  return healed;
}

/** Unmounts the disks of that run, or of all runs, and ends their processes; a line for each mount. */
export async function removeDisks(runId: string | null): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const at of await mountsOf(runId)) {
    await runCommand(['umount', '--lazy', at]).catch((error: Error) => {
      throw new LeftBehind(`the disk at ${at} could not be unmounted: ${error.message}`, `umount --lazy ${at}`);
    });
    removed.push(`mount ${at}`);
  }
  for (let waitedMs = 0; ; waitedMs += 20) {
    const servers = processesWith(WHOSE, runId);
    if (servers.length === 0) return removed;
    // Unmounted, they end by themselves; unless they hang.
    if (waitedMs > 500) for (const pid of servers) signalProcess(pid, 'SIGKILL');
    if (waitedMs > END_MS) throw new Error(`the process ${servers.join(', ')} of a disk does not end`);
    await sleep(20);
  }
}

/** Where the disks of that run, or of all runs, are mounted. */
export async function mountsOf(runId: string | null): Promise<readonly string[]> {
  const table = await readFile(MOUNTS, 'utf8').catch(() => '');
  const isOurs = (device: string) =>
    runId === null ? /^ordeal-[0-9a-f]{8}-/.test(device) : device.startsWith(`ordeal-${runId}-`);
  return table.split('\n').flatMap((line) => {
    const [device = '', at = '', kind] = line.split(' ');
    return kind === 'fuse' && isOurs(device) ? [unescaped(at)] : [];
  });
}

/** Blanks and the like stand there as octal numbers. */
const unescaped = (text: string): string =>
  text.replace(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
