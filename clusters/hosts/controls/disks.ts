/**
 * The control `disks`: nodes keep their data on file systems of the rig's own (`disk/`), which fail as they are told.
 * Whoever loses power, or has its files damaged, is down meanwhile, and is started again on what is left.
 */

import type { DiskControl, Evidence, NodeId, Party } from '../../../rig/contract.ts';
import type { Damage } from '../disk/damage.ts';
import type { Disk } from '../disk/disk.ts';
import type { DiskRule } from '../disk/disk-rules.ts';
import type { DiskState } from '../disk/disk-server.ts';
import { type Bench, type Change, type Control, evidenceOf, mustBeOneOf } from './control.ts';
import { Wishes } from './wishes.ts';

/** What is done once, to a node that is down. */
type Blow = { readonly do: 'lose' } | { readonly do: 'damage'; readonly damage: Damage };
type Wish = DiskRule | Blow;

const isBlow = (wish: Wish): wish is Blow => wish.do === 'lose' || wish.do === 'damage';

export class Disks implements Control<'disks'> {
  readonly name = 'disks';
  readonly mayEndNodes = true;
  readonly #bench: Bench;
  readonly #disks = new Map<NodeId, Disk>();
  readonly wishes = new Wishes<Wish>();
  /** hold → node → what its blows did. */
  readonly #blows = new Map<string, Map<NodeId, string[]>>();
  /** node → what its disk has done by hold, when it was last looked at. */
  readonly #struck = new Map<NodeId, DiskState['struck']>();

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  async prepare(node: NodeId): Promise<void> {
    if (!this.#bench.subjects('disks').includes(node)) return;
    this.#disks.set(node, await this.#bench.lab.ownDisk(node));
  }

  levers(hold: string, change: Change): DiskControl {
    const want = async (nodes: readonly NodeId[], wish: Wish) => {
      for (const node of nodes) mustBeOneOf(node, [...this.#disks.keys()], 'given trouble with its disk');
      await change(nodes, () => {
        for (const node of nodes) this.wishes.add(hold, node, wish);
      });
    };
    return {
      fill: (nodes) => want(nodes, { do: 'full' }),
      makeReadOnly: (nodes) => want(nodes, { do: 'read-only' }),
      slow: (nodes, ms) => want(nodes, { do: 'slow', ms }),
      fail: (nodes, calls, chance, seed) => want(nodes, { do: 'fail', calls, chance, seed }),
      losePower: (nodes) => want(nodes, { do: 'lose' }),
      damage: (nodes, how, seed) => want(nodes, { do: 'damage', damage: { how, seed } }),
    };
  }

  wantsDown(node: NodeId): 'killed' | null {
    return this.wishes.of(node).some(isBlow) ? 'killed' : null;
  }

  async agree(node: Party): Promise<void> {
    const disk = this.#disks.get(node);
    if (!disk) return;
    const holds = this.wishes.holding(node).map((hold) => [hold, this.wishes.under(hold, node)] as const);
    const rules = Object.fromEntries(
      holds.map(([hold, wishes]) => [hold, wishes.filter((wish) => !isBlow(wish))] as const),
    ) as Readonly<Record<string, readonly DiskRule[]>>;
    const argv = ['disk', JSON.stringify(rules)];
    const order = () => this.#bench.steps.step(`change the disk of ${node}`, disk.order({ do: 'rule', rules }));
    const { guard } = this.#bench.lab;
    const seen = await (holds.length > 0 ? guard.disturb(node, argv, order) : guard.mend(node, argv, order));
    this.#struck.set(node, seen.struck);
    for (const [hold, wishes] of holds) await this.#strike(hold, node, disk, wishes.filter(isBlow));
  }

  /** Each blow once, however often the node is made to agree. */
  async #strike(hold: string, node: NodeId, disk: Disk, blows: readonly Blow[]): Promise<void> {
    const byNode = this.#blows.get(hold) ?? new Map<NodeId, string[]>();
    this.#blows.set(hold, byNode);
    const done = byNode.get(node) ?? [];
    byNode.set(node, done);
    for (const blow of blows.slice(done.length)) {
      const strike = () => this.#bench.steps.step(`strike the disk of ${node}`, disk.order(blow));
      const seen = await this.#bench.lab.guard.disturb(node, ['disk', JSON.stringify(blow)], strike);
      done.push(blow.do === 'lose' ? `${node} lost ${seen.done}` : `${node}: ${seen.done}`);
    }
  }

  async evidence(hold: string): Promise<Evidence | null> {
    const touched = [...this.wishes.touched(hold)];
    if (touched.length === 0) return null;
    await Promise.all(
      touched.map(async (node) => {
        const state = await this.#disks.get(node)?.order({ do: 'look' });
        if (state) this.#struck.set(node, state.struck);
      }),
    );
    const observed = touched.flatMap((node) => {
      const { refused = 0, delayed = 0 } = this.#struck.get(node)?.[hold] ?? {};
      return [
        ...(this.#blows.get(hold)?.get(node) ?? []),
        ...(refused > 0 ? [`the disk of ${node} refused ${refused} calls`] : []),
        ...(delayed > 0 ? [`the disk of ${node} delayed ${delayed} calls`] : []),
      ];
    });
    return evidenceOf(observed, 'no call came to a disk');
  }
}
