/**
 * The control `membership`: who belongs to the system, through what the system itself offers. Whoever leaves ends; whoever
 * joins does so on an empty disk. Each change is found and compared with what the members say, and seen to be made.
 */

import type { Evidence, MembershipControl, NodeId } from '../../../rig/contract.ts';
import { messageOf } from '../steps.ts';
import { type Bench, type Change, type Control, mustBeOneOf } from './control.ts';
import { Wishes } from './wishes.ts';

/** A system that is asked again and again for a change, which it may refuse for a while after the one before. */
const CHANGE_MS = 20_000;
const TRY_MS = 6_000;
const RETRY_MS = 500;
/** How long a member that left may take to end by itself. */
const END_MS = 3_000;

/** Who belongs to the system, and how often each node joined it: every time on another disk. */
export class Roster {
  readonly members: Set<NodeId>;
  readonly #joins = new Map<NodeId, number>();
  readonly #first: readonly NodeId[];
  readonly #found = new Map<NodeId, readonly NodeId[]>();

  constructor(members: readonly NodeId[]) {
    this.members = new Set(members);
    this.#first = members;
  }

  /** The members when it joined last, itself among them: what it is started with, then and whenever it is started again. */
  whenJoined(node: NodeId): readonly NodeId[] {
    return this.#found.get(node) ?? this.#first;
  }

  /** 0 for a node that is there from the start. */
  joins(node: NodeId): number {
    return this.#joins.get(node) ?? 0;
  }

  renew(node: NodeId): void {
    this.#joins.set(node, this.joins(node) + 1);
    this.#found.set(node, [...new Set([...this.members, node])].sort());
  }
}

/** What a system offers of this; each may be refused for a while, and is then asked for again. */
export interface MembershipHooks {
  /** Who belongs to it, as its members say. */
  members(signal: AbortSignal): Promise<readonly NodeId[]>;
  /** It is told that the node leaves, or joins. */
  leave(node: NodeId, signal: AbortSignal): Promise<void>;
  join(node: NodeId, signal: AbortSignal): Promise<void>;
  /** Resolves once the node serves. */
  serves(node: NodeId, signal: AbortSignal): Promise<void>;
}

export class Membership implements Control<'membership'> {
  readonly name = 'membership';
  readonly isBeyondUndo = true;
  readonly #bench: Bench;
  readonly #hooks: MembershipHooks;
  readonly #roster: Roster;
  readonly #spares: readonly NodeId[];
  readonly wishes = new Wishes<'away' | 'here'>();
  /** hold → what was seen. */
  readonly #seen = new Map<string, string[]>();

  constructor(
    bench: Bench,
    hooks: MembershipHooks,
    { roster, spares }: { readonly roster: Roster; readonly spares: readonly NodeId[] },
  ) {
    this.#bench = bench;
    this.#hooks = hooks;
    this.#roster = roster;
    this.#spares = spares;
  }

  levers(hold: string, change: Change): MembershipControl {
    const { members } = this.#bench;
    const become = async (node: NodeId, wish: 'away' | 'here') => {
      await change([node], () => this.wishes.add(hold, node, wish));
      if (this.#roster.members.has(node) !== (wish === 'here'))
        throw new Error(`${node} is down: it can neither leave nor join`);
      this.#note(hold, `${node} ${wish === 'here' ? 'joined' : 'left'}: the members are ${this.#listed()}`);
    };
    return {
      remove: async (nodes) => {
        for (const node of nodes) mustBeOneOf(node, members, 'removed');
        for (const node of nodes) await become(node, 'away');
      },
      add: async (nodes) => {
        for (const node of nodes) mustBeOneOf(node, this.#spares, 'added');
        for (const node of nodes) await become(node, 'here');
      },
      replace: async (nodes) => {
        for (const node of nodes) mustBeOneOf(node, members, 'replaced');
        for (const node of nodes) {
          await become(node, 'away');
          await change([node], () => this.wishes.take(hold, (party) => party === node));
          this.#note(hold, `it joined again on an empty disk`);
        }
      },
    };
  }

  async agree(): Promise<void> {
    // It comes between taking processes down and letting them up: `admits`.
  }

  /** Makes the node a member, or not; says whether it is one. */
  async admits(node: NodeId): Promise<boolean> {
    // A watchdog has taken the others down, or is about to.
    if (this.#bench.lab.guard.lost.aborted) return this.#roster.members.has(node);
    const wishes = this.wishes.of(node);
    const isWanted = this.#spares.includes(node) ? wishes.includes('here') : !wishes.includes('away');
    if (isWanted !== this.#roster.members.has(node)) await (isWanted ? this.#join(node) : this.#leave(node));
    return isWanted;
  }

  async evidence(hold: string): Promise<Evidence | null> {
    const seen = this.#seen.get(hold);
    if (!seen) return null;
    return { effective: true, observed: seen.join('; ') };
  }

  async #leave(node: NodeId): Promise<void> {
    const { lab } = this.#bench;
    await this.#untilDone(`have ${node} leave`, async (signal) => {
      if ((await this.#hooks.members(signal)).includes(node))
        await lab.guard.disturb(node, ['leave'], () => this.#hooks.leave(node, signal));
      if ((await this.#hooks.members(signal)).includes(node)) throw new Error(`${node} is still a member`);
    });
    this.#roster.members.delete(node);
    if (!(await this.#hasEnded(node))) await lab.signal(node, 'SIGKILL');
  }

  async #join(node: NodeId): Promise<void> {
    const { lab, program } = this.#bench;
    await this.#untilDone(`have ${node} join`, async (signal) => {
      if (!(await this.#hooks.members(signal)).includes(node)) {
        // What it knew when it left would only mislead it.
        await lab.signal(node, 'SIGKILL');
        this.#roster.renew(node);
        await lab.guard.mend(node, ['join'], () => this.#hooks.join(node, signal));
      }
      this.#roster.members.add(node);
      try {
        if ((await lab.state(node)) === 'gone') await lab.start(node, program(node));
        await this.#hooks.serves(node, signal);
      } catch (error) {
        this.#roster.members.delete(node);
        throw error;
      }
    });
  }

  async #hasEnded(node: NodeId): Promise<boolean> {
    const { clock, lab } = this.#bench;
    for (let waitedMs = 0; waitedMs < END_MS; waitedMs += RETRY_MS) {
      if ((await lab.state(node)) === 'gone') return true;
      await clock.sleep(RETRY_MS);
    }
    return false;
  }

  /** Tries until it works, or rejects with the last reason. */
  async #untilDone(what: string, act: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { clock, steps } = this.#bench;
    const untilNs = clock.nowNs() + CHANGE_MS * 1e6;
    for (;;) {
      const limit = new AbortController();
      const disarm = clock.after(TRY_MS, () => limit.abort(new Error(`nothing within ${TRY_MS / 1000} s`)));
      try {
        return await steps.step(what, act(limit.signal));
      } catch (error) {
        if (clock.nowNs() > untilNs) throw new Error(`could not ${what}: ${messageOf(error)}`, { cause: error });
      } finally {
        disarm();
        limit.abort();
      }
      await clock.sleep(RETRY_MS);
    }
  }

  #note(hold: string, observed: string): void {
    this.#seen.set(hold, [...(this.#seen.get(hold) ?? []), observed]);
  }

  #listed(): string {
    return [...this.#roster.members].sort().join(', ');
  }
}
