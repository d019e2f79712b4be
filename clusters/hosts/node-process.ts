/**
 * A program as a process group of this machine: started on its own, signalled as a whole, looked at where the
 * operating system tells the truth.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type { CappedLog } from './capped-log.ts';
import type { ProcessState, Program, Signal } from './host.ts';
import { stateOf } from './process-table.ts';

const PS_MS = 5_000;

export class NodeProcess {
  /** Also the number of its group. */
  readonly pid: number;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    this.ended = once(child, 'exit').then(() => {});
  }

  /** Resolves when the process exists; rejects with a sentence when it cannot be started. */
  static async start(
    { command: [file, ...parameters] }: Program,
    options: { readonly cwd: string; readonly env: Readonly<Record<string, string>>; readonly log: CappedLog },
  ): Promise<NodeProcess> {
    const child = spawn(file, parameters, {
      cwd: options.cwd,
      env: { ...options.env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (chunk: Buffer) => options.log.write(chunk));
    child.stderr.on('data', (chunk: Buffer) => options.log.write(chunk));
    try {
      await once(child, 'spawn');
    } catch (error) {
      throw new Error(`${file} cannot be started: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
    return new NodeProcess(child, child.pid as number);
  }

  /** To the whole group. No error if it has ended. */
  signal(signal: Signal): void {
    if (this.#hasEnded()) return;
    try {
      // Windows has no process groups.
      process.kill(process.platform === 'win32' ? this.pid : -this.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  async state(): Promise<ProcessState> {
    if (this.#hasEnded()) return 'gone';
    if (process.platform === 'win32') return 'running';
    return process.platform === 'linux' ? stateOf(this.pid) : stateFromPs(this.pid);
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

/** Where there is no /proc. */
async function stateFromPs(pid: number): Promise<ProcessState> {
  const ps = promisify(execFile)('ps', ['-o', 'stat=', '-p', String(pid)], { timeout: PS_MS });
  const { stdout } = await ps.catch(() => ({ stdout: '' }));
  const letter = stdout.trim()[0] ?? 'Z';
  return letter === 'T' ? 'stopped' : letter === 'Z' ? 'gone' : 'running';
}
