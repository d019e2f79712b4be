/**
 * Packets that wait in user space, since few kernels outside of distributions have netem: rules hand them to a process in
 * the node's network namespace (`packet-queue.py`), which lets them go later. It ends with the rig; then, or if nobody
 * listens, the rules let all packets pass.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../../rig/package-root.ts';
import { searchPath } from './executables.ts';
import type { Impairment } from './impairment.ts';
import type { Command } from './run-command.ts';

const READY_MS = 10_000;
const END_MS = 2_000;
/** How much later a packet comes that is to be overtaken. */
const OVERTAKEN_MS = 50;

/** Processes of the rig that live in a node's namespace and are none of the node's own carry this in their environment. */
export const AIDE = 'ORDEAL_AIDE';
export const packetQueueFile = path.join(packageRoot, 'clusters', 'hosts', 'packet-queue.py');

/** Which queue each impairment that needs one has, and what it does, as the process is told. */
export function queuesFor(
  impairments: readonly Impairment[],
): ReadonlyMap<Impairment, { number: number; text: string }> {
  const queues = new Map<Impairment, { number: number; text: string }>();
  for (const impairment of impairments) {
    if (impairment.do !== 'delay' && impairment.do !== 'reorder' && impairment.do !== 'corrupt') continue;
    const number = queues.size + 1;
    // What is corrupted or overtaken is as late as all else that comes the same way.
    const delay = impairments.find((other) => other.from === impairment.from && other.do === 'delay');
    const { ms, jitterMs } = delay?.do === 'delay' ? delay : { ms: 0, jitterMs: 0 };
    const lateMs = impairment.do === 'reorder' ? ms + OVERTAKEN_MS : ms;
    queues.set(impairment, {
      number,
      text: `${number}:${lateMs}:${jitterMs}${impairment.do === 'corrupt' ? ':flip' : ''}`,
    });
  }
  return queues;
}

export class PacketQueue {
  readonly #child: ChildProcess;
  #isStopped = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @param enter what to put before a command so that it runs in the node's network namespace. */
  static async start(runId: string, enter: readonly string[], queues: readonly string[]): Promise<PacketQueue> {
    const [file = '', ...words] = [...enter, 'python3', packetQueueFile, ...queues];
    const child = spawn(file, words, {
      detached: true,
      cwd: '/',
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: searchPath(), [AIDE]: '1', ORDEAL_RUN: runId },
    });
    child.stdin.on('error', () => {});
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-500);
    });
    const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error));
    const ended = once(child, 'close').then(() => Promise.reject(new Error(said.trim() || 'it ended')));
    const ready = once(createInterface({ input: child.stdout }), 'line', { signal: AbortSignal.timeout(READY_MS) });
    try {
      await Promise.race([ready, ended, failed]);
    } catch (error) {
      child.kill('SIGKILL');
      throw new Error(`no process for waiting packets could be started: ${(error as Error).message}`, { cause: error });
    } finally {
      for (const promise of [ready, ended, failed]) promise.catch(() => {});
    }
    child.unref();
    for (const end of child.stdio) (end as unknown as { unref?(): void } | null)?.unref?.();
    return new PacketQueue(child);
  }

  /** Throws if packets that should wait have been let pass for some time. */
  mustBeAlive(): void {
    if (!this.#isStopped && (this.#child.exitCode !== null || this.#child.signalCode !== null))
      throw new Error('the process for waiting packets has ended by itself, and they all pass');
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    const late = setTimeout(() => this.#child.kill('SIGKILL'), END_MS);
    await ended;
    clearTimeout(late);
  }
}

/** What to try where nothing is to be changed: whether such a process could work. */
export const tryPacketQueue: Command = ['python3', '-c', 'import heapq, random, select, socket, struct'];
