/**
 * The watchdog of one run: a process of its own that knows only the undo. When the rig is silent for longer than its
 * lease, or one fault lasts longer than any may, it undoes all faults; when the rig is dead, or stays silent for a grace
 * on top, it takes down the whole cluster, which nobody can use any more. It does so at once where something was changed
 * that only the system itself could change back, such as its members. Tells the rig if that can still hear.
 *
 * Standard input, a line each: `.` beat · `+hold`, `!hold` that is beyond undo, `-hold` · `>group`, `<group` · `bye`.
 */

import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Audit } from './audit.ts';
import type { Patience } from './guard.ts';
import type { LabDriver } from './host.ts';
import { signalProcess } from './process-table.ts';

/** Looks within one lease. */
const LOOKS = 20;
const ROUNDS_MS = 100;
const RETRY_MS = 1_000;
const GIVE_UP_MS = 600_000;

class Guardian {
  readonly #driver: LabDriver;
  readonly #runId: string;
  readonly #patience: Patience;
  readonly #audit: Audit;
  /** hold → until when it may be in force. */
  readonly #holds = new Map<string, number>();
  /** Holds whose changes cannot be taken back from here. */
  readonly #beyondUndo = new Set<string>();
  readonly #groups = new Set<number>();
  #lastBeatMs = performance.now();
  #working: Promise<void> = Promise.resolve();
  #healed = false;
  #ended = false;

  constructor(driver: LabDriver, runId: string, patience: Patience, audit: Audit) {
    this.#driver = driver;
    this.#runId = runId;
    this.#patience = patience;
    this.#audit = audit;
  }

  watch(): void {
    process.stdout.on('error', () => {}); // The rig is gone; its input tells that too.
    const lines = createInterface({ input: process.stdin });
    lines.on('line', (line) => this.#hear(line));
    lines.on('close', () => this.#end('the rig is gone'));
    // What came while this process itself could not run is heard first.
    setInterval(() => setImmediate(() => this.#look()), this.#patience.leaseMs / LOOKS);
    process.stdout.write('armed\n');
  }

  #hear(line: string): void {
    this.#lastBeatMs = performance.now();
    const rest = line.slice(1);
    if (line === 'bye') process.exit(0);
    else if (line[0] === '+')
      this.#holds.set(rest, this.#holds.get(rest) ?? this.#lastBeatMs + this.#patience.longestFaultMs);
    else if (line[0] === '!') this.#beyondUndo.add(rest);
    else if (line[0] === '-') for (const holds of [this.#holds, this.#beyondUndo]) holds.delete(rest);
    else if (line[0] === '>') this.#groups.add(Number(rest));
    else if (line[0] === '<') this.#groups.delete(Number(rest));
  }

  #look(): void {
    const { leaseMs, graceMs, longestFaultMs } = this.#patience;
    const now = performance.now();
    const silentMs = now - this.#lastBeatMs;
    if (silentMs > leaseMs + graceMs) return this.#end(`the rig was silent for ${(silentMs / 1000).toFixed(1)} s`);
    if (this.#healed) return;
    if (silentMs > leaseMs) return this.#heal(`the rig was silent for longer than its lease of ${leaseMs / 1000} s`);
    for (const [hold, until] of this.#holds) {
      if (now > until) return this.#heal(`${hold} was in force for longer than ${longestFaultMs / 1000} s`);
    }
  }

  /** Undoes every fault; the cluster stays if it can. Says so first, so that a rig that wakes up meanwhile stops disturbing. */
  #heal(reason: string): void {
    this.#healed = true;
    if (this.#beyondUndo.size > 0) {
      const holds = [...this.#beyondUndo].join(', ');
      process.stdout.write(`${reason}: its cluster was taken down, for nothing else undoes ${holds}\n`);
      return this.#end(reason);
    }
    process.stdout.write(`${reason}: its faults have been undone\n`);
    this.#audit.note(`${reason}: undoing its faults`);
    this.#working = this.#untilClean(() => this.#driver.heal(this.#runId));
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#audit.note(`${reason}: undoing its faults and taking down its cluster`);
    void this.#working.then(async () => {
      await this.#untilClean(() => this.#takeDown());
      process.exit(0);
    });
  }

  /** What cannot be healed can often be removed; but where neither is to be had, nothing is known to be gone. */
  async #takeDown(): Promise<readonly string[]> {
    const healed = await this.#driver.heal(this.#runId).catch((error: Error) => error);
    const removed = await this.#removeAll();
    if (!(healed instanceof Error)) return [...healed, ...removed];
    if (removed.length === 0) throw healed;
    return removed;
  }

  async #removeAll(): Promise<readonly string[]> {
    // Where there is neither /proc nor the environment of others to look at, groups are all that is known.
    for (const group of this.#groups) {
      try {
        signalProcess(process.platform === 'win32' ? group : -group, 'SIGKILL');
      } catch {
        // It is somebody else's by now.
      }
    }
    this.#groups.clear();
    return this.#driver.sweep(this.#runId);
  }

  /** Again and again, until nothing was found twice: what the rig had begun may come into being after its death. */
  async #untilClean(undo: () => Promise<readonly string[]>): Promise<void> {
    const until = performance.now() + GIVE_UP_MS;
    for (let clean = 0; clean < 2 && performance.now() < until; ) {
      try {
        const undone = await this.#audit.change(null, ['guardian', 'undo', this.#runId], undo);
        if (undone.length > 0) this.#audit.note(undone.join('; '));
        clean = undone.length > 0 ? 0 : clean + 1;
        await sleep(ROUNDS_MS);
      } catch {
        await sleep(RETRY_MS);
      }
    }
  }
}

async function driverNamed(name: string | undefined): Promise<LabDriver> {
  if (name === 'netns') return (await import('./netns.ts')).netns;
  if (name === 'docker') return (await import('./docker.ts')).docker;
  if (name === 'loopback') return (await import('./loopback.ts')).loopback;
  throw new RangeError(`there is no host ${name} to guard`);
}

const [host, runId = '', directory = '', patience = ''] = process.argv.slice(2);
process.title = `ordeal guardian ${runId}`;
// It ends with the rig, not with the terminal of the rig.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
const audit = new Audit(directory, 'guardian');
new Guardian(await driverNamed(host), runId, JSON.parse(patience) as Patience, audit).watch();
