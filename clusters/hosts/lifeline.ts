/**
 * Ends the programs of a run when the rig is gone, however it went: a process beside the rig reads a pipe that the
 * rig holds; at its end it kills every process group it was told of. It is not stopped with the nodes, so it also
 * ends those that are.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Lines `+group` and `-group` come in; end of file means that nobody looks after them any more. */
const KEEPER = `
  const groups = new Set();
  require('node:readline').createInterface({ input: process.stdin })
    .on('line', (line) => (line[0] === '+' ? groups.add(line.slice(1)) : groups.delete(line.slice(1))))
    .on('close', () => {
      for (const group of groups) try { process.kill(-Number(group), 'SIGKILL'); } catch {}
      process.exit(0);
    });
`;
const CLOSE_MS = 5_000;

export class Lifeline {
  readonly #keeper: ChildProcess;

  private constructor(keeper: ChildProcess) {
    this.#keeper = keeper;
  }

  /** `environment` marks it as the run's own, like the programs it looks after. */
  static async open(environment: Readonly<Record<string, string>>): Promise<Lifeline> {
    const keeper = spawn(process.execPath, ['-e', KEEPER], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { ...environment },
    });
    await once(keeper, 'spawn');
    keeper.stdin?.on('error', () => {}); // It was killed; the programs still end with the lab.
    return new Lifeline(keeper);
  }

  /** From now on this process group ends with the rig. */
  hold(group: number): void {
    this.#keeper.stdin?.write(`+${group}\n`);
  }

  /** That group has ended; its number may be somebody else's soon. */
  letGo(group: number): void {
    this.#keeper.stdin?.write(`-${group}\n`);
  }

  /** Ends whatever it still holds, and itself. */
  async close(): Promise<void> {
    if (this.#keeper.exitCode !== null || this.#keeper.signalCode !== null) return;
    const ended = once(this.#keeper, 'exit');
    this.#keeper.stdin?.end();
    const late = setTimeout(() => this.#keeper.kill('SIGKILL'), CLOSE_MS);
    await ended;
    clearTimeout(late);
  }
}
