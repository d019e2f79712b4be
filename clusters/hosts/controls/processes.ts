/**
 * The control `processes`: who is killed, asked to end, or paused. Killed beats paused beats running. All other controls act on
 * nodes that are up, so this one goes in two steps: it takes nodes down before the others agree, and lets them up after.
 */

import type { Evidence, NodeId, Party, ProcessControl } from '../../../rig/contract.ts';
import type { ProcessState } from '../host.ts';
import { type Bench, type Change, type Control, evidenceOf, mustBeOneOf } from './control.ts';
import { Wishes } from './wishes.ts';

const SEEN_MS = 10_000;

/** What has not ended by itself so long after it was asked to is killed. */
const TERMINATE_MS = 5_000;
const LOOP_DOWN_MS = 300;

type Wish = 'killed' | 'paused' | 'terminated' | 'looping';
const stateOf = { killed: 'gone', paused: 'stopped', terminated: 'gone', looping: 'gone' } as const;

export class Processes implements Control<'processes'> {
  readonly name = 'processes';
  readonly wishes = new Wishes<Wish>();
  readonly #bench: Bench;
  /** hold → nodes seen in the state that this hold wanted them in. */
  readonly #seen = new Map<string, Map<NodeId, ProcessState>>();
  /** Nodes killed under some hold and not started again since. */
  readonly #downed = new Set<NodeId>();
  /** Holds whose nodes crash again and again: whether they are down just now, and how often they were. */
  readonly #loops = new Map<string, { isDown: boolean; crashes: number }>();

  /** Whether the fault of another control that is in force may have ended this node. */
  mayHaveEnded: (node: NodeId) => Promise<boolean> = async () => false;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  levers(hold: string, change: Change): ProcessControl {
    const halt = async (nodes: readonly NodeId[], how: Wish) => {
      for (const node of nodes) mustBeOneOf(node, this.#bench.members, how);
      await change(nodes, () => {
        for (const node of nodes) this.wishes.add(hold, node, how);
      });
      // What another hold has killed is paused as soon as that one lets it go.
      const isThere = (node: NodeId) => this.#seen.get(hold)?.has(node) || this.#downed.has(node);
      for (const node of nodes) {
        // Only what runs can be paused.
        if (!isThere(node) && (await this.mayHaveEnded(node))) await this.#bench.revive(node);
        if (!isThere(node)) throw new Error(`${node} has ended, it cannot be ${how}`);
      }
    };
    return {
      kill: (nodes) => halt(nodes, 'killed'),
      pause: (nodes) => halt(nodes, 'paused'),
      terminate: (nodes) => halt(nodes, 'terminated'),
      loop: async (nodes, upMs) => {
        const loop = { isDown: true, crashes: 1 };
        this.#loops.set(hold, loop);
        await halt(nodes, 'looping');
        void this.#goRound(loop, upMs, (isDown) => change(nodes, () => void (loop.isDown = isDown))).catch(() => {});
      },
    };
  }

  /** Until the hold is released: then `set` rejects. */
  async #goRound(loop: { crashes: number }, upMs: number, set: (isDown: boolean) => Promise<void>): Promise<void> {
    for (;;) {
      await this.#bench.clock.sleep(LOOP_DOWN_MS);
      await set(false);
      await this.#bench.clock.sleep(upMs);
      await set(true);
      loop.crashes++;
    }
  }

  /** Ends the node if it is to be down, for this control or another; says whether it is. */
  async takeDown(node: NodeId, forAnother: 'killed' | 'ended' | null): Promise<boolean> {
    const wishes = this.wishes.of(node);
    const isLooping = this.wishes.holding(node).some((hold) => this.#loops.get(hold)?.isDown);
    const kills = wishes.includes('killed') || isLooping || forAnother === 'killed';
    if (!kills && !wishes.includes('terminated') && forAnother === null) return false;
    this.#downed.add(node);
    if (!kills && (await this.#ends(node))) {
      this.#saw(node, 'gone');
      return true;
    }
    await this.#step(`kill ${node}`, this.#bench.lab.signal(node, 'SIGKILL'));
    this.#saw(node, await this.#see(node, 'gone', (state) => state === 'gone'));
    return true;
  }

  /** Asks the node to end; says whether it did so in time. */
  async #ends(node: NodeId): Promise<boolean> {
    const { clock, lab } = this.#bench;
    if ((await this.#state(node)) === 'gone') return true;
    await this.#step(`terminate ${node}`, lab.signal(node, 'SIGTERM'));
    const limit = clock.nowNs() + TERMINATE_MS * 1e6;
    while (clock.nowNs() < limit) {
      if ((await this.#state(node)) === 'gone') return true;
      await clock.sleep(20);
    }
    return false;
  }

  /** A node that ended of a fault is as if it had been taken down. */
  async mourn(node: NodeId): Promise<void> {
    if ((await this.#state(node)) === 'gone') this.#downed.add(node);
  }

  /** Starts the node if it was taken down and may be up again; says whether it did. */
  async letUp(node: NodeId): Promise<boolean> {
    const { lab } = this.#bench;
    // Without a lease nothing is started that might then stay.
    const isDown = this.#downed.has(node) && !lab.guard.lost.aborted && (await this.#state(node)) === 'gone';
    if (isDown) await this.#step(`start ${node} again`, lab.start(node, this.#bench.program(node)));
    this.#downed.delete(node);
    return isDown;
  }

  /** Starts a node that has ended by itself; one that is to be down stays so. */
  async revive(node: NodeId): Promise<void> {
    const { lab } = this.#bench;
    if (this.#downed.has(node) || lab.guard.lost.aborted || (await this.#state(node)) !== 'gone') return;
    await this.#step(`start ${node} again`, lab.start(node, this.#bench.program(node)));
  }

  /** Pauses the node, or lets it go on. */
  async agree(node: Party): Promise<void> {
    const signal = (name: 'SIGSTOP' | 'SIGCONT', what: string) => () =>
      this.#step(`${what} ${node}`, this.#bench.lab.signal(node, name));
    if (this.wishes.of(node).includes('paused')) {
      // What has ended by itself cannot be paused; whoever asked for it finds out.
      this.#saw(node, await this.#see(node, 'stopped', (now) => now !== 'running', signal('SIGSTOP', 'pause')));
    } else await this.#see(node, 'running', (now) => now !== 'stopped', signal('SIGCONT', 'resume'));
  }

  async evidence(hold: string): Promise<Evidence | null> {
    if (this.wishes.touched(hold).size === 0) return null;
    const seen = [...(this.#seen.get(hold) ?? [])].map(([node, state]) => `the process of ${node} was seen ${state}`);
    const loop = this.#loops.get(hold);
    if (loop) seen.push(`killed ${loop.crashes} time${loop.crashes === 1 ? '' : 's'}`);
    return evidenceOf(seen, 'no process was seen to be halted');
  }

  #saw(node: NodeId, state: ProcessState): void {
    for (const hold of this.wishes.holding(node)) {
      if (!this.wishes.under(hold, node).some((wish) => stateOf[wish] === state)) continue;
      this.#seen.set(hold, (this.#seen.get(hold) ?? new Map<NodeId, ProcessState>()).set(node, state));
    }
  }

  /** Until it is so, `act` is done again and again: an engine that is busy may not do what it was asked for. */
  async #see(
    node: NodeId,
    wanted: ProcessState,
    holds: (state: ProcessState) => boolean,
    act: () => Promise<void> = async () => {},
  ): Promise<ProcessState> {
    const { clock } = this.#bench;
    const limit = clock.nowNs() + SEEN_MS * 1e6;
    for (let waitMs = 5; ; waitMs = Math.min(2 * waitMs, 200)) {
      const state = await this.#state(node);
      if (holds(state)) return state;
      if (clock.nowNs() > limit) {
        throw new Error(`${node} was to be ${wanted}, but ${SEEN_MS / 1000} s later it is still ${state}`);
      }
      await act();
      await clock.sleep(waitMs);
    }
  }

  #state(node: NodeId): Promise<ProcessState> {
    return this.#step(`look at ${node}`, this.#bench.lab.state(node));
  }

  #step<T>(what: string, step: Promise<T>): Promise<T> {
    return this.#bench.steps.step(what, step);
  }
}
