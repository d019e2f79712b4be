/**
 * The control `clocks`: what time it is to a node's programs. They are started with libfaketime, which reads the difference
 * from a file at every question; the clock of the machine is never touched, and neither is monotonic time. The file is
 * named in the environment of each process, by which a watchdog finds it.
 */

import { existsSync, closeSync, openSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { ClockControl, ClockShift, Evidence, NodeId, Party } from '../../../rig/contract.ts';
import { whyTimeless } from '../elf.ts';
import type { Program } from '../host.ts';
import { variableOf } from '../process-table.ts';
import { messageOf } from '../steps.ts';
import { type Bench, type Change, type Control, evidenceOf, mustBeOneOf } from './control.ts';
import { Wishes } from './wishes.ts';

const FILE = 'FAKETIME_TIMESTAMP_FILE';
/** `$LIB` is for the dynamic linker of whatever system the program runs on. */
const LIBRARY = '/usr/$LIB/faketime/libfaketimeMT.so.1';
const RIGHT = '+0000000000.000000\n';
const MOVE_MS = 50;
const STARTED_MS = 5_000;
/** Less than that is not told apart from how long asking takes. */
const NOTICEABLE_MS = 100;
/** Of an engine, the first process of every container; it does nothing that depends on time. */
const INIT = 'docker-init';

type Wish = ClockShift & { readonly sinceNs: number };

export class Clocks implements Control<'clocks'> {
  readonly name = 'clocks';
  readonly wishes = new Wishes<Wish>();
  readonly #bench: Bench;
  readonly #reached = new Set<NodeId>();
  /** hold → node → the difference that was seen to be the largest, in milliseconds. */
  readonly #seen = new Map<string, Map<NodeId, number>>();
  /** Where its programs read the time, found when it last was made to agree. */
  readonly #files = new Map<NodeId, ReadonlySet<string>>();
  #moving: NodeJS.Timeout | undefined;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  dress(node: NodeId, program: Program): Program {
    if (!this.#bench.needed.has('clocks') || !this.#bench.subjects('clocks').includes(node)) return program;
    return { ...program, env: { ...program.env, ...this.#environment(node) } };
  }

  #environment(node: NodeId): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: LIBRARY,
      [FILE]: path.posix.join(this.#bench.lab.data(node), '..', 'clock'),
      FAKETIME_NO_CACHE: '1',
      // Newer versions then share no memory between processes, which belongs to the user who came first.
      FAKETIME_DISABLE_SHM: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** Rejects, by name and with the reason, if one of its programs would not notice. */
  async started(node: NodeId): Promise<void> {
    if (!this.#bench.subjects('clocks').includes(node)) return;
    const processes = await this.#soonProcesses(node);
    if (processes.length === 0)
      throw new Error(`the clock of ${node} cannot be moved: its processes cannot be seen from here`);
    for (const pid of processes) {
      const program = attempt(() => readlinkSync(`/proc/${pid}/exe`));
      if (program === undefined || path.basename(program) === INIT) continue;
      const why = whyTimeless(`/proc/${pid}/exe`);
      if (why !== null) throw new Error(`the clock of ${node} cannot be moved: its program ${program} ${why}`);
      if (!(await this.#soonPreloaded(pid)))
        throw new Error(
          `the clock of ${node} cannot be moved: ${program} was not started with libfaketime; is the package libfaketime installed where it runs?`,
        );
    }
    this.#reached.add(node);
  }

  /** What has just been started has not loaded its libraries at once; what is gone needs none. */
  async #soonPreloaded(pid: number): Promise<boolean> {
    for (let waitedMs = 0; waitedMs < STARTED_MS; waitedMs += 50) {
      if (!existsSync(`/proc/${pid}`)) return true;
      if (attempt(() => readFileSync(`/proc/${pid}/maps`, 'latin1'))?.includes('libfaketime')) return true;
      await this.#bench.clock.sleep(50);
    }
    return false;
  }

  /** What has just been started may still be on its way into the node's place. */
  async #soonProcesses(node: NodeId): Promise<readonly number[]> {
    for (let waitedMs = 0; waitedMs < STARTED_MS; waitedMs += 50) {
      const processes = await this.#bench.lab.processes(node);
      if (processes.length > 0) return processes;
      await this.#bench.clock.sleep(50);
    }
    return [];
  }

  levers(hold: string, change: Change): ClockControl {
    return {
      shift: async (nodes, shift) => {
        for (const node of nodes) mustBeOneOf(node, [...this.#reached], 'given another time');
        const wish = { ...shift, sinceNs: this.#bench.clock.nowNs() };
        await change(nodes, () => {
          for (const node of nodes) this.wishes.add(hold, node, wish);
        });
      },
    };
  }

  async agree(node: Party): Promise<void> {
    if (!this.#reached.has(node)) return;
    const { guard } = this.#bench.lab;
    const wanted = this.wishes.of(node).length > 0;
    if (!wanted && !this.#files.has(node)) return; // Its clock was never moved.
    const set = () => this.#set(node);
    const argv = ['faketime', JSON.stringify(this.wishes.of(node))];
    await (wanted ? guard.disturb(node, argv, set) : guard.mend(node, argv, set));
    this.#keepMoving();
    if (wanted) await this.#look(node);
  }

  async #set(node: NodeId): Promise<void> {
    const files = new Set((await this.#bench.lab.processes(node)).flatMap((pid) => fileOf(pid) ?? []));
    this.#files.set(node, files);
    const text = textOf(this.#differenceMs(node));
    for (const file of files) {
      write(file, text);
      const found = readFileSync(file, 'latin1');
      if (found !== text) throw new Error(`the clock of ${node} was to be ${text.trim()}, but is ${found.trim()}`);
    }
  }

  /** What all holds together want just now. */
  #differenceMs(node: NodeId): number {
    const nowNs = this.#bench.clock.nowNs();
    return this.wishes.of(node).reduce((sum, { byMs, driftPerMille = 0, everyMs, sinceNs }) => {
      const sinceMs = (nowNs - sinceNs) / 1e6;
      const isBack = everyMs !== undefined && Math.floor(sinceMs / everyMs) % 2 === 1;
      return sum + (isBack ? 0 : byMs) + (sinceMs * driftPerMille) / 1000;
    }, 0);
  }

  #keepMoving(): void {
    const moves = ({ driftPerMille, everyMs }: Wish) => driftPerMille !== undefined || everyMs !== undefined;
    const moving = () => [...this.#reached].filter((node) => this.wishes.of(node).some(moves));
    if (moving().length === 0 || this.#moving) return;
    this.#moving = setInterval(() => {
      const nodes = moving();
      if (nodes.length === 0) return this.#stopMoving();
      // What cannot be written now is written the next time, or found when the node is made to agree.
      for (const node of nodes) this.#move(node);
    }, MOVE_MS);
    this.#moving.unref();
  }

  #move(node: NodeId): void {
    if (this.#bench.lab.guard.lost.aborted) return;
    for (const file of this.#files.get(node) ?? []) attempt(() => write(file, textOf(this.#differenceMs(node))));
  }

  #stopMoving(): void {
    clearInterval(this.#moving);
    this.#moving = undefined;
  }

  /** What time it is to a program that is started there as the node's own are. */
  async #look(node: NodeId): Promise<void> {
    const environment = Object.entries(this.#environment(node)).map(([name, value]) => `${name}=${value}`);
    const told = await this.#bench.lab.execute(node, ['env', ...environment, 'date', '+%s%3N']).catch(() => null);
    if (told === null) return; // It is down.
    const differenceMs = Number(told) - Date.now();
    for (const hold of this.wishes.holding(node)) {
      const seen = this.#seen.get(hold) ?? new Map<NodeId, number>();
      this.#seen.set(hold, seen);
      if (Math.abs(differenceMs) > Math.abs(seen.get(node) ?? 0)) seen.set(node, differenceMs);
    }
  }

  async evidence(hold: string): Promise<Evidence | null> {
    const touched = [...this.wishes.touched(hold)];
    if (touched.length === 0) return null;
    for (const node of touched) if (this.wishes.holding(node).includes(hold)) await this.#look(node);
    const seen = [...(this.#seen.get(hold) ?? [])].filter(([, ms]) => Math.abs(ms) >= NOTICEABLE_MS);
    const observed = seen.map(
      ([node, ms]) =>
        `a program on ${node} saw a clock ${Math.abs(ms / 1000).toFixed(1)} s ${ms > 0 ? 'ahead' : 'behind'}`,
    );
    return evidenceOf(observed, 'no program saw another time');
  }

  async close(): Promise<void> {
    this.#stopMoving();
  }
}

/** Always of the same length, so that it is never seen half-written. */
function textOf(differenceMs: number): string {
  const seconds = (Math.abs(differenceMs) / 1000).toFixed(6).padStart(RIGHT.length - 2, '0');
  return `${differenceMs < 0 ? '-' : '+'}${seconds}\n`;
}

function write(file: string, text: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r+');
  } catch {
    descriptor = openSync(file, 'w', 0o644);
  }
  try {
    writeSync(descriptor, text, 0);
  } finally {
    closeSync(descriptor);
  }
}

/** The file that tells this process the time, as it is found from here. */
function fileOf(pid: number): string | undefined {
  const file = variableOf(pid, FILE);
  return file === undefined ? undefined : path.join(`/proc/${pid}/root`, file);
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** Sets the clocks of these processes right; a line for each file that said otherwise. */
export function rightClocks(processes: readonly number[]): readonly string[] {
  const undone: string[] = [];
  for (const file of new Set(processes.flatMap((pid) => fileOf(pid) ?? []))) {
    const found = attempt(() => readFileSync(file, 'latin1'));
    if (found === undefined || found === RIGHT) continue;
    try {
      write(file, RIGHT);
    } catch (error) {
      if (attempt(() => readFileSync(file, 'latin1')) === undefined) continue; // Its process has ended meanwhile.
      throw new Error(`the clock ${file} cannot be set right: ${messageOf(error)}`, { cause: error });
    }
    undone.push(`the clock ${file}`);
  }
  return undone;
}
