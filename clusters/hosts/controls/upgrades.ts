/**
 * The control `upgrades`: which of its two versions a node runs. It changes while the node is down, which for that is asked
 * to end; whoever starts it again, for whatever reason, starts the version that is wanted.
 */

import type { Evidence, NodeId, Party, UpgradeControl } from '../../../rig/contract.ts';
import type { Program } from '../host.ts';
import { type Bench, type Change, type Control, evidenceOf, mustBeOneOf } from './control.ts';
import { Wishes } from './wishes.ts';

const SERVES_MS = 15_000;

/** What a system offers of this. */
export interface UpgradeHooks {
  /** The other version's program; `null`: the system has no other. */
  upgraded(node: NodeId): Program | null;
  /** Resolves once the node serves. */
  serves(node: NodeId, signal: AbortSignal): Promise<void>;
}

export class Upgrades implements Control<'upgrades'> {
  readonly name = 'upgrades';
  readonly isBeyondUndo = true;
  readonly #bench: Bench;
  readonly #hooks: UpgradeHooks;
  readonly wishes = new Wishes<'upgraded'>();
  /** Nodes that run the other version, or will as soon as they are started. */
  readonly #upgraded = new Set<NodeId>();
  /** hold → what was seen. */
  readonly #seen = new Map<string, string[]>();

  constructor(bench: Bench, hooks: UpgradeHooks) {
    this.#bench = bench;
    this.#hooks = hooks;
  }

  dress(node: NodeId, program: Program): Program {
    if (!this.#bench.needed.has('upgrades')) return program;
    const other = this.#upgraded.has(node) ? this.#hooks.upgraded(node) : null;
    return { ...program, ...other, env: { ...program.env, ...other?.env }, onItsData: true };
  }

  levers(hold: string, change: Change): UpgradeControl {
    return {
      roll: async (nodes) => {
        const able = this.#bench.members.filter((node) => this.#hooks.upgraded(node) !== null);
        for (const node of nodes) mustBeOneOf(node, able, 'upgraded');
        for (const node of nodes) {
          await change([node], () => this.wishes.add(hold, node, 'upgraded'));
          await this.#serves(node);
          this.#note(hold, node);
        }
      },
    };
  }

  wantsDown(node: NodeId): 'ended' | null {
    // Without a lease a watchdog takes it down, if need be.
    const stays = this.#isWanted(node) === this.#upgraded.has(node) || this.#bench.lab.guard.lost.aborted;
    return stays ? null : 'ended';
  }

  /** Comes when the node was taken down, if it has to change. */
  async agree(node: Party): Promise<void> {
    if (this.wantsDown(node) === null) return;
    const { guard } = this.#bench.lab;
    if (this.#isWanted(node)) await guard.disturb(node, ['upgrade'], async () => void this.#upgraded.add(node));
    else await guard.mend(node, ['go back'], async () => void this.#upgraded.delete(node));
  }

  async unwind(hold: string, agree: (parties: ReadonlySet<Party>) => Promise<void>): Promise<void> {
    for (const node of this.wishes.touched(hold)) {
      if (this.wishes.take(hold, (party) => party === node).size === 0) continue;
      await agree(new Set([node]));
      await this.#serves(node);
    }
  }

  async evidence(hold: string): Promise<Evidence | null> {
    if (this.wishes.touched(hold).size === 0) return null;
    const seen = this.#seen.get(hold) ?? [];
    return evidenceOf(seen, 'no node was seen to run another version');
  }

  #isWanted(node: NodeId): boolean {
    return this.wishes.of(node).length > 0;
  }

  #note(hold: string, node: NodeId): void {
    const end = this.#hooks.upgraded(node)?.command.slice(-4).join(' ') ?? '';
    const observed = `${node} serves as its other version (… ${end})`;
    this.#seen.set(hold, [...(this.#seen.get(hold) ?? []), observed]);
  }

  /** One that somebody else keeps down, or paused, need not. */
  async #serves(node: NodeId): Promise<void> {
    const { clock, lab } = this.#bench;
    if ((await lab.state(node)) !== 'running') return;
    const limit = new AbortController();
    const disarm = clock.after(SERVES_MS, () => limit.abort());
    try {
      await this.#hooks.serves(node, limit.signal);
    } finally {
      disarm();
    }
  }
}
