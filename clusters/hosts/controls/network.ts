/**
 * The control `network`: what becomes of what parties send each other. What a hold did is told by the packets that met
 * its impairments, and by the connections that it broke.
 */

import type { Evidence, NetworkControl, NodeId, Party } from '../../../rig/contract.ts';
import { type Act, type Impairment, kindOf, NAME_SERVERS } from '../impairment.ts';
import { allSettled } from '../steps.ts';
import { type Bench, type Change, type Control, mustBeOneOf } from './control.ts';
import { Wishes } from './wishes.ts';

/** Packets of one kind: when a hold first wanted it, and when last looked at. */
interface Count {
  readonly listener: Party;
  readonly kind: string;
  readonly before: number;
  since: number;
}

export class Network implements Control<'network'> {
  readonly name = 'network';
  readonly isApart = true;
  /** By listener: what becomes of what comes to it. */
  readonly wishes = new Wishes<Impairment>();
  readonly #bench: Bench;
  readonly #counts = new Map<string, Count[]>();
  /** hold → connections that it broke. */
  readonly #broken = new Map<string, number>();
  /** hold → who comes back in which order when it is released. */
  readonly #comingBack = new Map<string, { readonly back: readonly NodeId[]; readonly gapMs: number }>();
  /** Holds of which nothing more is to be counted. */
  readonly #settled = new Set<string>();

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  levers(hold: string, change: Change): NetworkControl {
    const impair = async (from: readonly Party[], to: readonly Party[], what: Act) => {
      for (const party of [...from, ...to]) mustBeOneOf(party, this.#bench.parties, 'cut off');
      await change(to, () => this.#want(hold, from, to, what));
    };
    const withProbability =
      (act: 'lose' | 'reorder' | 'corrupt' | 'duplicate') =>
      async (from: readonly Party[], to: readonly Party[], probability: number) => {
        must(probability > 0 && probability < 1, `the probability ${probability} is not between 0 and 1`);
        await impair(from, to, { do: act, probability });
      };
    return {
      drop: (from, to) => impair(from, to, { do: 'drop' }),
      reject: (from, to) => impair(from, to, { do: 'reject' }),
      dropNew: (from, to) => impair(from, to, { do: 'drop-new' }),
      lose: withProbability('lose'),
      reorder: withProbability('reorder'),
      corrupt: withProbability('corrupt'),
      duplicate: withProbability('duplicate'),
      limit: async (from, to, bytesPerSecond) => {
        must(bytesPerSecond >= 1 && bytesPerSecond <= 1e9, `${bytesPerSecond} bytes per second is no limit to be had`);
        await impair(from, to, { do: 'limit', bytesPerSecond: Math.round(bytesPerSecond) });
      },
      delay: async (from, to, { ms, jitterMs }) => {
        must(ms >= 0 && jitterMs >= 0 && jitterMs <= ms && ms <= 60_000, `a delay of ${ms} ± ${jitterMs} ms is none`);
        await impair(from, to, { do: 'delay', ms, jitterMs });
      },
      swizzle: async (out, others, back, gapMs) => {
        for (const party of [...out, ...others, ...back]) mustBeOneOf(party, this.#bench.parties, 'cut off');
        must(gapMs >= 0 && gapMs <= 5_000, `nodes cannot be cut off ${gapMs} ms apart`);
        this.#comingBack.set(hold, { back, gapMs });
        for (const [at, node] of out.entries()) {
          if (at > 0) await this.#bench.clock.sleep(gapMs);
          await change([node, ...others], () => {
            this.#want(hold, others, [node], { do: 'drop' });
            this.#want(hold, [node], others, { do: 'drop' });
          });
        }
      },
      reset: async (from, to) => {
        for (const party of [...from, ...to]) mustBeOneOf(party, this.#bench.parties, 'reset');
        await change([], () => this.#broken.set(hold, this.#broken.get(hold) ?? 0));
        await this.#reset(hold, from, to);
      },
      failNames: async (nodes, by) => {
        for (const node of nodes) mustBeOneOf(node, this.#bench.members, 'kept from name servers');
        await change(nodes, () =>
          this.#want(hold, [NAME_SERVERS], nodes, { do: by === 'silence' ? 'drop' : 'reject' }),
        );
      },
    };
  }

  async agree(listener: Party): Promise<void> {
    const { lab, steps } = this.#bench;
    const isNew = this.wishes.holding(listener).flatMap((hold) => {
      const known = this.#counts.get(hold)?.filter((count) => count.listener === listener) ?? [];
      const kinds = new Set(this.wishes.under(hold, listener).map(kindOf));
      return [...kinds].filter((kind) => !known.some((count) => count.kind === kind)).map((kind) => ({ hold, kind }));
    });
    const counted = isNew.length > 0 ? await this.#impaired(listener) : new Map<string, number>();
    for (const { hold, kind } of isNew) {
      const before = counted.get(kind) ?? 0;
      this.#counts.set(hold, [...(this.#counts.get(hold) ?? []), { listener, kind, before, since: before }]);
    }
    await steps.step(`change the network of ${listener}`, lab.impair(listener, this.wishes.of(listener)));
  }

  /** Those that were cut off one by one come back one by one. */
  async unwind(hold: string, agree: (parties: ReadonlySet<Party>) => Promise<void>): Promise<void> {
    const { back, gapMs } = this.#comingBack.get(hold) ?? { back: [], gapMs: 0 };
    this.#comingBack.delete(hold);
    for (const [at, node] of back.entries()) {
      if (at > 0) await this.#bench.clock.sleep(gapMs);
      await agree(this.wishes.take(hold, (listener, { from }) => listener === node || from === node));
    }
  }

  /** What rules had counted is known when they have been taken back. */
  async settle(hold: string): Promise<void> {
    if (this.#settled.has(hold)) return;
    this.#settled.add(hold);
    await this.#look(hold).catch(() => {});
  }

  async evidence(hold: string): Promise<Evidence | null> {
    const counts = this.#counts.get(hold) ?? [];
    const broken = this.#broken.get(hold);
    if (counts.length === 0 && broken === undefined) return null;
    if (!this.#settled.has(hold)) await this.#look(hold);
    const observed = new Map<string, number>(broken ? [[`connections were broken`, broken]] : []);
    for (const { listener, kind, before, since } of counts) {
      const words = wordsFor(kind, listener);
      if (since > before) observed.set(words, (observed.get(words) ?? 0) + since - before);
    }
    const idle = counts.length > 0 ? 'no packet was stopped' : 'there was no connection to break';
    return { effective: observed.size > 0, observed: [...observed].map(inWords).join('; ') || idle };
  }

  #want(hold: string, from: readonly Party[], to: readonly Party[], what: Act): void {
    for (const listener of to)
      for (const sender of from) if (sender !== listener) this.wishes.add(hold, listener, { from: sender, ...what });
  }

  async #reset(hold: string, from: readonly Party[], to: readonly Party[]): Promise<void> {
    const { lab, members, steps } = this.#bench;
    const at = (nodes: readonly NodeId[], others: readonly Party[]) =>
      nodes
        .filter((node) => members.includes(node))
        .map(async (node) => {
          const broken = await steps.step(`reset connections of ${node}`, lab.reset(node, others));
          this.#broken.set(hold, (this.#broken.get(hold) ?? 0) + broken);
        });
    await allSettled([...at(to, from), ...at(from, to)]);
  }

  async #look(hold: string): Promise<void> {
    const counts = this.#counts.get(hold) ?? [];
    const look = async (listener: Party) => {
      const seen = await this.#impaired(listener);
      for (const count of counts) if (count.listener === listener) count.since = seen.get(count.kind) ?? count.since;
    };
    await allSettled([...new Set(counts.map(({ listener }) => listener))].map(look));
  }

  #impaired(listener: Party): Promise<ReadonlyMap<string, number>> {
    return this.#bench.steps.step(`count at ${listener}`, this.#bench.lab.impaired(listener));
  }
}

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new RangeError(otherwise);
}

/** What follows the number. */
function wordsFor(kind: string, listener: Party): string {
  const [from, act] = kind.split(':');
  if (from === NAME_SERVERS) return `packets from ${listener} to name servers were stopped`;
  if (act === 'reject') return `packets to ${listener} were refused`;
  if (act === 'delay' || act === 'reorder') return `packets reached ${listener} late`;
  if (act === 'corrupt') return `packets to ${listener} were corrupted`;
  return act === 'duplicate' ? `packets reached ${listener} twice` : `packets did not reach ${listener}`;
}

const inWords = ([words, count]: readonly [string, number]): string =>
  count === 1
    ? `1 ${words.replace(/^(packet|connection)s( were)?/, (_, one: string, were) => `${one}${were ? ' was' : ''}`)}`
    : `${count} ${words}`;
