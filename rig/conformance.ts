/**
 * What every nemesis owes the rig, asked of those that are shipped by a test and of a user's own by `ordeal nemesis
 * test`. Each duty is a sentence; what breaks it is told in another.
 */

import { whyNotOn } from './availability.ts';
import { deadline, VirtualClock, within } from './clock.ts';
import type { ChooseContext, Cluster, Controls, Json, Nemesis, Party } from './contract.ts';
import { spanOf } from './moments.ts';
import { sentenceOf } from './outcome.ts';
import { Random } from './random.ts';
import { reachOf, strangerIn } from './reach.ts';
import { clusterOptions, rehearsalSpec } from './rehearsal.ts';
import { refuse, requireJson } from './require-json.ts';

export interface Duty<Member = Nemesis> {
  /** What the member does, `chooses the same fault in the same circumstances`. */
  readonly says: string;
  /** It is seen on a cluster, which must offer what the member needs. */
  readonly onCluster?: true;
  /** Rejects with what is wrong. @param bench a cluster on virtual time. */
  check(member: Member, bench: Cluster): Promise<void>;
}

/** Clusters as a nemesis may find them: of one node, of many, with others at the table, with and without a leader. */
const circumstances: readonly Omit<ChooseContext, 'rng'>[] = [
  { nodes: ['n1'], parties: ['n1', 'clients'], primaries: [] },
  { nodes: ['n1', 'n2', 'n3'], parties: ['n1', 'n2', 'n3'], primaries: ['n2'] },
  { nodes: ['n1', 'n2', 'n3'], parties: ['n1', 'n2', 'n3', 'clients', 'store'], primaries: [] },
  {
    nodes: ['n1', 'n2', 'n3'],
    parties: ['n1', 'n2', 'n3', 'clients', 'store'],
    links: [
      ['n1', 'store'],
      ['n2', 'store'],
      ['n3', 'store'],
    ],
    primaries: [],
  },
  {
    nodes: ['n1', 'n2', 'n3', 'n4', 'n5'],
    parties: ['n1', 'n2', 'n3', 'n4', 'n5', 'clients'],
    primaries: ['n1', 'n4'],
  },
];
const SEEDS = 40;
const INJECT_MS = 5_000;
const RECOVERY_MS = 10_000;
const never = new AbortController().signal;

export const nemesisDuties: readonly Duty[] = [
  {
    says: 'chooses the same fault in the same circumstances',
    async check(nemesis) {
      for (const { context, seed, fault } of faultsOf(nemesis))
        refuse(
          text(nemesis.choose({ ...context, rng: new Random(seed) })) !== text(fault),
          `choose gave two different faults for one seed: it must take all chance from rng (first: ${text(fault)})`,
        );
    },
  },
  {
    says: 'chooses what survives JSON unchanged',
    async check(nemesis) {
      for (const { fault } of faultsOf(nemesis)) requireJson(fault, 'the fault');
    },
  },
  {
    says: 'waits only for moments that are told of, and for the same ones in the same circumstances',
    async check(nemesis) {
      for (const { fault, context } of faultsOf(nemesis))
        refuse(
          text(spanOf(nemesis, fault, context)) !== text(spanOf(nemesis, fault, context)),
          `span gave two different answers for ${text(fault)}`,
        );
    },
  },
  {
    says: 'describes a fault by a sentence that names everybody it strikes',
    async check(nemesis) {
      for (const { fault, context } of faultsOf(nemesis)) {
        const sentence: unknown = nemesis.describe(fault);
        refuse(
          typeof sentence !== 'string' || !/^\S.*\S$/.test(sentence),
          `describe gave ${text(sentence)}, which is no sentence`,
        );
        const words = String(sentence).split(/[^\w-]+/);
        for (const party of partiesIn(fault, context.parties))
          refuse(
            !words.includes(party),
            `the sentence "${String(sentence)}" does not name ${party}, which the fault strikes`,
          );
      }
    },
  },
  {
    says: 'asks its controls, and nobody who is not there, and comes to an end',
    async check(nemesis) {
      for (const { fault, context } of faultsOf(nemesis)) {
        const { calls } = await reachOf(nemesis, fault, context, new VirtualClock());
        refuse(
          calls.length === 0 && context.nodes.length > 1,
          `inject asked nothing of ${nemesis.controls.join(', ')} for ${text(fault)}, or never came to it`,
        );
        for (const call of calls) {
          const stranger = strangerIn(call, context);
          refuse(
            stranger !== undefined,
            `${call.control}.${call.method} was asked for ${stranger}, which is not there; there are ${context.parties.join(', ')}`,
          );
        }
      }
    },
  },
  {
    onCluster: true,
    says: 'has an effect, and leaves nothing behind when it is released, twice and out of order',
    async check(nemesis, bench) {
      const clock = new VirtualClock();
      await using cluster = await bench.up(clusterOptions(rehearsalSpec, '/nonexistent', clock));
      const { nodes, parties, links } = cluster;
      const holds = ['first', 'second', 'third'];
      for (const hold of holds) {
        const primaries = await cluster.primaries(never);
        const fault = nemesis.choose({ rng: new Random(hold), nodes, parties, links, primaries });
        await bounded(clock, INJECT_MS, (signal) => nemesis.inject(fault, cluster.controls(hold) as Controls, signal));
      }
      await clock.sleep(1000);
      for (const hold of ['second', 'first', 'second', 'never held', 'third', 'first']) await cluster.release(hold);
      await cluster.recovered(deadline(clock, RECOVERY_MS).signal);
      const seen = await Promise.all(holds.map((hold) => cluster.inspect(hold)));
      await clock.sleep(1000);
      const later = await Promise.all(holds.map((hold) => cluster.inspect(hold)));
      refuse(text(later) !== text(seen), `something is still in force after the release: ${text(later)}`);
      for (const { effective, observed } of seen)
        refuse(!effective, `a fault had no effect: ${observed || 'nothing was seen'}`);
    },
  },
  {
    onCluster: true,
    says: 'has what it did undone when it is cut short',
    async check(nemesis, bench) {
      const clock = new VirtualClock();
      await using cluster = await bench.up(clusterOptions(rehearsalSpec, '/nonexistent', clock));
      const { nodes, parties, links } = cluster;
      const primaries = await cluster.primaries(never);
      for (let seed = 1; seed <= 5; seed++) {
        const fault = nemesis.choose({ rng: new Random(seed), nodes, parties, links, primaries });
        const hold = `cut-${seed}`;
        const failing = failingAfterOne(cluster.controls(hold) as Controls);
        await bounded(clock, INJECT_MS, (signal) => nemesis.inject(fault, failing, signal)).catch(() => {});
        await cluster.release(hold);
        await cluster.recovered(deadline(clock, RECOVERY_MS).signal);
      }
    },
  },
];

/** Those that can be asked for on this cluster, a simulated one. */
export async function dutiesOn(bench: Cluster, nemesis: Nemesis): Promise<readonly Duty[]> {
  const isAvailable = (await whyNotOn(bench, 'memory', nemesis)) === null;
  return nemesisDuties.filter((duty) => !duty.onCluster || isAvailable);
}

/** `null`, or what is wrong, as a sentence. */
export async function tryDuty<Member>(duty: Duty<Member>, member: Member, bench: Cluster): Promise<string | null> {
  try {
    await duty.check(member, bench);
    return null;
  } catch (error) {
    return sentenceOf(error);
  }
}

function* faultsOf(nemesis: Nemesis): Generator<{ context: Omit<ChooseContext, 'rng'>; seed: number; fault: Json }> {
  for (const context of circumstances)
    for (let seed = 0; seed < SEEDS; seed++)
      yield { context, seed, fault: nemesis.choose(Object.freeze({ ...context, rng: new Random(seed) })) };
}

/** The parties named anywhere in a fault. */
function partiesIn(fault: Json, parties: readonly Party[]): Party[] {
  const words = text(fault).split(/[^\w-]+/);
  return parties.filter((party) => words.includes(party));
}

/** Controls of which only the first call works, as when a node is lost halfway. */
function failingAfterOne(controls: Controls): Controls {
  let count = 0;
  const failing = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(from, name) {
        const part: unknown = Reflect.get(from, name);
        if (typeof part === 'object' && part !== null) return failing(part);
        if (typeof part !== 'function') return part;
        return async (...given: unknown[]): Promise<unknown> => {
          if (++count > 1) throw new Error('the node was lost halfway');
          return Reflect.apply(part, from, given) as unknown;
        };
      },
    });
  return failing(controls);
}

async function bounded(clock: VirtualClock, ms: number, act: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const limit = deadline(clock, ms);
  try {
    await within(limit.signal, Promise.resolve(act(limit.signal)));
  } catch (error) {
    throw new Error(`inject: ${sentenceOf(error)}`, { cause: error });
  } finally {
    limit.cancel();
  }
}

/** As JSON, for comparisons and messages. */
export const text = (value: unknown): string => JSON.stringify(value) ?? String(value);
