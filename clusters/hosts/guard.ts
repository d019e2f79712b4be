/**
 * The rig's end of the watchdog (`guardian.ts`), and the gate for every change to nodes. A guardian is armed before
 * anything is made; the rig beats on its standard input, under a lease. Whoever was silent for longer must take it that
 * the faults have been undone: then `lost` aborts, and nothing more is disturbed.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { HostName } from '../../rig/contract.ts';
import { Audit } from './audit.ts';
import { searchPath } from './executables.ts';
import { ownProgram } from './own-program.ts';
import { type Command, runCommand } from './run-command.ts';

/** How long the rig may be silent; how much longer its cluster stands; how long one fault may be in force. */
export interface Patience {
  readonly leaseMs: number;
  readonly graceMs: number;
  readonly longestFaultMs: number;
}

const ARM_MS = 60_000;
const DISARM_MS = 5_000;
/** Beats within one lease, so that one that comes late costs nothing. */
const BEATS = 5;

/** From the environment: `ORDEAL_LEASE_MS`, `ORDEAL_GRACE_MS`, `ORDEAL_LONGEST_FAULT_MS`. */
export function patienceHere(): Patience {
  const read = (name: string, otherwise: number) => {
    const value = Number(process.env[name] ?? otherwise);
    if (!(value >= 100 && value <= 86_400_000))
      throw new RangeError(`${name} is ${process.env[name]}; it must be milliseconds from 100 to 86400000`);
    return value;
  };
  return {
    leaseMs: read('ORDEAL_LEASE_MS', 5_000),
    graceMs: read('ORDEAL_GRACE_MS', 30_000),
    longestFaultMs: read('ORDEAL_LONGEST_FAULT_MS', 600_000),
  };
}

export class Guard {
  readonly #guardian: ChildProcess;
  readonly #audit: Audit;
  readonly #leaseMs: number;
  readonly #lost = new AbortController();
  readonly #beat: NodeJS.Timeout;
  #lastBeatMs = performance.now();
  #disarmed: Promise<void> | null = null;

  private constructor(guardian: ChildProcess, audit: Audit, leaseMs: number) {
    this.#guardian = guardian;
    this.#audit = audit;
    this.#leaseMs = leaseMs;
    this.#beat = setInterval(() => this.#say('.'), leaseMs / BEATS);
    this.#beat.unref();
    guardian.stdin?.on('error', () => {}); // Its end is noticed below.
    guardian.once('exit', () => this.#lose('the watchdog of this run has ended, so nobody would undo its faults'));
  }

  /** Resolves once the guardian has said that it is armed; rejects with what it said instead. */
  static async arm(host: HostName, plan: { readonly runId: string; readonly directory: string }): Promise<Guard> {
    const patience = patienceHere();
    const audit = new Audit(plan.directory, 'rig');
    const { ORDEAL_RUN: _, ...environment } = process.env; // It must not be swept like a node.
    const guardian = spawn(
      process.execPath,
      [
        ...ownProgram(new URL('./guardian', import.meta.url)),
        host,
        plan.runId,
        plan.directory,
        JSON.stringify(patience),
      ],
      {
        detached: true,
        cwd: '/',
        stdio: ['pipe', 'pipe', 'ignore'],
        env: { ...environment, PATH: searchPath(), ORDEAL_GUARDS: plan.runId },
      },
    );
    const guard = new Guard(guardian, audit, patience.leaseMs);
    guardian.unref();
    await guard.#armed();
    return guard;
  }

  /** Aborts, its reason a sentence, when the faults can no longer be taken to be in force, or to be undone in the end. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Throws if the lease is lost; looks at the time itself, since a rig that stood still has not heard of it yet. */
  mustHold(): void {
    this.#look();
    this.#lost.signal.throwIfAborted();
    if (this.#audit.problem !== null) throw new Error(`${this.#audit.problem}; nothing more is disturbed`);
  }

  /** A change that must not be made without a guardian. Written to the audit. */
  async disturb<T>(node: string | null, argv: readonly string[], act: () => Promise<T>): Promise<T> {
    this.mustHold();
    return this.#audit.change(node, argv, act);
  }

  /** A change that takes another one back, with or without a lease. Written to the audit. */
  mend<T>(node: string | null, argv: readonly string[], act: () => Promise<T>): Promise<T> {
    return this.#audit.change(node, argv, act);
  }

  /** Runs a command of this machine that changes something. */
  run(node: string | null, command: Command, input = ''): Promise<string> {
    return this.disturb(node, input ? [...command, input] : command, () => runCommand(command, input));
  }

  /**
   * From now on a fault is in force, and must not be for longer than the longest. @param isBeyondUndo whether a watchdog
   * cannot take it back from outside.
   */
  hold(name: string, isBeyondUndo: boolean): void {
    this.#say(`+${JSON.stringify(name)}`);
    if (isBeyondUndo) this.#say(`!${JSON.stringify(name)}`);
  }

  letGo(name: string): void {
    this.#say(`-${JSON.stringify(name)}`);
  }

  /** This process group of this machine is to end with the rig; `forget` it when it has ended. */
  endWithRig(group: number): void {
    this.#say(`>${group}`);
  }

  forget(group: number): void {
    this.#say(`<${group}`);
  }

  /** Lets the guardian go: nothing is left that it would have to undo. */
  disarm(): Promise<void> {
    this.#disarmed ??= this.#disarm();
    return this.#disarmed;
  }

  async #disarm(): Promise<void> {
    clearInterval(this.#beat);
    this.#audit.close();
    if (this.#guardian.exitCode !== null || this.#guardian.signalCode !== null) return;
    const ended = once(this.#guardian, 'exit');
    this.#guardian.stdin?.end('bye\n');
    const late = setTimeout(() => this.#guardian.kill('SIGKILL'), DISARM_MS);
    await ended;
    clearTimeout(late);
  }

  async #armed(): Promise<void> {
    const lines = createInterface({ input: this.#guardian.stdout as NodeJS.ReadableStream });
    const late = AbortSignal.timeout(ARM_MS);
    try {
      const [first] = (await Promise.race([once(lines, 'line', { signal: late }), once(this.#guardian, 'error')])) as [
        string | Error,
      ];
      if (first !== 'armed') throw new Error(String(first));
    } catch (error) {
      this.#guardian.kill('SIGKILL');
      clearInterval(this.#beat);
      const reason = late.aborted ? `nothing was heard of it within ${ARM_MS / 1000} s` : (error as Error).message;
      throw new Error(`the watchdog could not be armed, so nothing is touched: ${reason}`, { cause: error });
    }
    lines.on('line', (line) => this.#lose(line));
    for (const end of [this.#guardian.stdin, this.#guardian.stdout]) (end as unknown as { unref(): void }).unref();
  }

  #say(line: string): void {
    if (this.#disarmed) return;
    this.#look();
    this.#guardian.stdin?.write(`${line}\n`);
    this.#lastBeatMs = performance.now();
  }

  #look(): void {
    const silentMs = performance.now() - this.#lastBeatMs;
    if (silentMs < this.#leaseMs || this.#disarmed) return;
    const silent = (silentMs / 1000).toFixed(1);
    this.#lose(
      `the rig stood still for ${silent} s, longer than its lease of ${this.#leaseMs / 1000} s: its faults have been undone meanwhile`,
    );
  }

  #lose(reason: string): void {
    if (this.#disarmed || this.#lost.signal.aborted) return;
    this.#audit.note(`the lease is lost: ${reason}`);
    this.#lost.abort(new Error(reason));
  }
}
