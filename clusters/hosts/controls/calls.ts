/**
 * The control `calls`: a tracer (strace) at a node's processes lets a system call fail, or kills whoever makes it for the
 * n-th time. A tracer that dies, or is killed by anybody, lets its processes go on as they were; it carries the run's id
 * in its environment. All processes are slower while they are traced.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import os from 'node:os';
import { createInterface } from 'node:readline';
import type { CallControl, Evidence, NodeId, Party } from '../../../rig/contract.ts';
import { searchPath } from '../executables.ts';
import { processesWith, signalProcess, stateOf, tracerOf } from '../process-table.ts';
import { type Bench, type Change, type Control, evidenceOf, mustBeOneOf } from './control.ts';
import { Wishes } from './wishes.ts';

const ATTACH_MS = 10_000;
const LOOK_MS = 10;
const WHOSE = 'ORDEAL_TRACER';
const CALL = /^[a-z][a-z0-9_]{1,31}$/;

type Wish = { readonly call: string } & (
  | { readonly crashAt: number }
  | { readonly error: string; readonly every: number }
);

interface Tracer {
  readonly process: ChildProcess;
  /** What it was told to inject. */
  readonly told: string;
}

export class Calls implements Control<'calls'> {
  readonly name = 'calls';
  readonly mayEndNodes = true;
  readonly wishes = new Wishes<Wish>();
  readonly #bench: Bench;
  readonly #tracers = new Map<NodeId, Tracer>();
  /** hold → node → calls that failed, or of which it died. */
  readonly #struck = new Map<string, Map<NodeId, number>>();

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  levers(hold: string, change: Change): CallControl {
    const want = async (nodes: readonly NodeId[], wish: Wish) => {
      if (!CALL.test(wish.call)) throw new RangeError(`"${wish.call}" is no system call, such as fdatasync`);
      for (const node of nodes) {
        mustBeOneOf(node, this.#bench.members, 'traced');
        const other = this.#holderOf(node, wish.call);
        if (other !== undefined) throw new Error(`the call ${wish.call} of ${node} is already struck by ${other}`);
      }
      await change(nodes, () => {
        for (const node of nodes) this.wishes.add(hold, node, wish);
      });
    };
    return {
      crashAt: async (nodes, call, number) => want(nodes, { call, crashAt: mustBeCount(number) }),
      fail: async (nodes, call, error, every) => {
        if (!(error in os.constants.errno)) throw new RangeError(`there is no error "${error}", such as EIO`);
        await want(nodes, { call, error, every: mustBeCount(every) });
      },
    };
  }

  async agree(node: Party): Promise<void> {
    const told = this.wishes.of(node).map(injection).join(' ');
    const { lab, steps } = this.#bench;
    const { guard } = lab;
    const tracer = this.#tracers.get(node);
    if (!tracer && told === '') return;
    const processes = await lab.processes(node);
    const isTraced =
      tracer?.process.exitCode === null && processes.every((pid) => tracerOf(pid) === tracer.process.pid);
    if (tracer?.told === told && isTraced) return;
    const stop = async () => this.#stop(node, processes);
    if (tracer) await guard.mend(node, ['kill', 'strace'], () => steps.step(`let ${node} go untraced`, stop()));
    if (told === '' || processes.length === 0) return;
    const start = () => steps.step(`trace ${node}`, this.#start(node, processes, told));
    await guard.disturb(node, ['strace', ...told.split(' ')], start);
  }

  async #start(node: NodeId, processes: readonly number[], told: string): Promise<void> {
    const { ORDEAL_RUN: _, ...environment } = process.env;
    const wishes = this.wishes.of(node);
    const trace = `trace=${wishes.map(({ call }) => call).join(',')}`;
    const injections = wishes.flatMap((wish) => ['-e', `inject=${injection(wish)}`]);
    const whom = processes.flatMap((pid) => ['-p', String(pid)]);
    const child = spawn('strace', ['-f', '-q', '-s', '0', '-e', trace, ...injections, ...whom], {
      detached: true,
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...environment, PATH: searchPath(), [WHOSE]: this.#bench.runId },
    });
    child.unref();
    (child.stderr as unknown as { unref(): void }).unref();
    this.#tracers.set(node, { process: child, told });
    let said = '';
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      said = line;
      this.#hear(node, line);
    });
    await once(child, 'spawn');
    for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
      // One that is gone by now has made the call already.
      if (processes.every((pid) => tracerOf(pid) === child.pid || stateOf(pid) === 'gone')) return;
      if (child.exitCode !== null) throw new Error(`${node} cannot be traced: ${said}`);
      if (waitedMs > ATTACH_MS) throw new Error(`${node} is not traced after ${ATTACH_MS / 1000} s: ${said}`);
      await this.#bench.clock.sleep(LOOK_MS);
    }
  }

  async #stop(node: NodeId, processes: readonly number[]): Promise<void> {
    const tracer = this.#tracers.get(node)?.process;
    if (tracer?.exitCode === null && tracer.signalCode === null) {
      const ended = once(tracer, 'exit');
      tracer.kill('SIGKILL');
      await ended;
    }
    this.#tracers.delete(node);
    const left = processes.filter((pid) => tracerOf(pid) !== 0 && tracerOf(pid) === tracer?.pid);
    if (left.length > 0) throw new Error(`the processes ${left.join(', ')} of ${node} are still traced`);
  }

  /** `[pid 7] fsync(3) = -1 EIO (Input/output error) (INJECTED)`, `[pid 7] +++ killed by SIGKILL +++`. */
  #hear(node: NodeId, line: string): void {
    const died = line.includes('+++ killed by SIGKILL');
    const call = died ? null : /(?:^|\] |<\.\.\. )([a-z]\w*)(?:\(| resumed).*\(INJECTED/.exec(line)?.[1];
    if (!died && call === undefined) return;
    for (const hold of this.wishes.holding(node)) {
      const isMeant = (wish: Wish) => ('crashAt' in wish ? died : wish.call === call);
      if (!this.wishes.under(hold, node).some(isMeant)) continue;
      const counts = this.#struck.get(hold) ?? new Map<NodeId, number>();
      this.#struck.set(hold, counts.set(node, (counts.get(node) ?? 0) + 1));
    }
  }

  #holderOf(node: NodeId, call: string): string | undefined {
    const wants = (hold: string) => this.wishes.under(hold, node).some((wish) => wish.call === call);
    return this.wishes.holding(node).find(wants);
  }

  async evidence(hold: string): Promise<Evidence | null> {
    const touched = [...this.wishes.touched(hold)];
    if (touched.length === 0) return null;
    const observed = touched.flatMap((node) => {
      const count = this.#struck.get(hold)?.get(node) ?? 0;
      const [wish] = this.wishes.under(hold, node);
      if (count === 0 || !wish) return [];
      if ('crashAt' in wish) return [`${node} died as it called ${wish.call}`];
      return [`${count} call${count === 1 ? '' : 's'} of ${wish.call} failed at ${node}`];
    });
    return evidenceOf(observed, 'the call was not made');
  }

  async close(): Promise<void> {
    for (const node of this.#tracers.keys()) await this.#stop(node, []);
  }
}

const injection = (wish: Wish): string =>
  'crashAt' in wish
    ? `${wish.call}:signal=SIGKILL:when=${wish.crashAt}`
    : `${wish.call}:error=${wish.error}:when=1+${wish.every}`;

function mustBeCount(count: number): number {
  if (!Number.isInteger(count) || count < 1 || count > 65_535)
    throw new RangeError(`${count} is no number of calls; it must be from 1 to 65535`);
  return count;
}

/** Ends the tracers of that run, or of all runs; a line for each. */
export function endTracers(runId: string | null): readonly string[] {
  const tracers = processesWith(WHOSE, runId);
  for (const pid of tracers) signalProcess(pid, 'SIGKILL');
  return tracers.map((pid) => `tracer ${pid}`);
}
