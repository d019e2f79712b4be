/**
 * The traffic between clients and nodes, under the control of rules that belong to holds: a proxy for each node, in
 * this process. Opened before the nodes are started, closed after they have ended.
 */

import type { Clock } from '../../rig/clock.ts';
import type { Evidence, NodeId, TrafficRule } from '../../rig/contract.ts';
import { FreePorts } from '../hosts/free-ports.ts';
import type { Address } from '../hosts/host.ts';
import { Copies } from './copies.ts';
import { evidenceOf, type RequestTraits, RuleInForce } from './rules.ts';
import { TrafficProxy } from './traffic-proxy.ts';
import { WireLog } from './wire-log.ts';

export interface TrafficOptions {
  readonly runId: string;
  readonly clock: Clock;
  /** Where the wire log is written. */
  readonly wireFile: string;
  /** Where each node serves. */
  readonly targets: ReadonlyMap<NodeId, Address>;
  /** The name of the field with the idempotency key, in lower case. */
  readonly keyField: string;
}

export class Traffic {
  readonly #clock: Clock;
  readonly #log: WireLog;
  readonly #copies: Copies;
  readonly #targets: ReadonlyMap<NodeId, Address>;
  readonly #proxies = new Map<NodeId, TrafficProxy>();
  readonly #ports: FreePorts;
  /** In force, the oldest first. */
  #rules: readonly RuleInForce[] = [];
  /** Kept after the release too, as evidence. */
  readonly #held = new Map<string, RuleInForce[]>();
  readonly #released = new Set<string>();

  private constructor({ runId, clock, wireFile, targets }: TrafficOptions) {
    this.#ports = new FreePorts('127.0.0.1', `${runId}/traffic`);
    this.#clock = clock;
    this.#targets = targets;
    this.#log = new WireLog(wireFile, clock);
    this.#copies = new Copies(targets, this.#log, clock);
  }

  static async open(options: TrafficOptions): Promise<Traffic> {
    const traffic = new Traffic(options);
    try {
      for (const [node, target] of options.targets) {
        const { clock, keyField } = options;
        const pick = (request: RequestTraits) => traffic.#pick(request);
        const place = { node, target, clock, keyField, log: traffic.#log, copies: traffic.#copies, pick };
        traffic.#proxies.set(node, await TrafficProxy.open(place, traffic.#ports.candidates()));
      }
      return traffic;
    } catch (error) {
      await traffic.close();
      throw error;
    }
  }

  /** Where clients find the node. */
  address(node: NodeId): Address {
    const proxy = this.#proxies.get(node);
    if (!proxy)
      throw new RangeError(`there is no way to ${node}; there is one to ${[...this.#proxies.keys()].join(', ')}`);
    return proxy.address;
  }

  /** Under `hold` the rule is in force from now on. Throws if it is impossible, or the hold already released. */
  apply(hold: string, rule: TrafficRule): void {
    if (this.#released.has(hold))
      throw new Error(`the hold ${hold} is already released; nothing more is changed under it`);
    mustBePossible(rule, this.#targets);
    const inForce = new RuleInForce(hold, rule, this.#clock);
    this.#held.set(hold, [...(this.#held.get(hold) ?? []), inForce]);
    this.#rules = [...this.#rules, inForce];
  }

  /** What the rules under `hold` have done; `null` if there never was one. */
  evidence(hold: string): Evidence | null {
    const rules = this.#held.get(hold);
    return rules ? evidenceOf(rules) : null;
  }

  /** Ends the rules under `hold`; what they kept back is delivered first, or given up. Any number of times. */
  async release(hold: string): Promise<void> {
    this.#released.add(hold);
    const rules = this.#held.get(hold) ?? [];
    this.#rules = this.#rules.filter((rule) => !rules.includes(rule));
    await Promise.all(rules.map((rule) => rule.release()));
  }

  /** Ends every rule there is. */
  async releaseAll(): Promise<void> {
    await Promise.all([...this.#held.keys()].map((hold) => this.release(hold)));
  }

  async close(): Promise<void> {
    for (const rule of this.#rules) rule.abandon();
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.close()));
    this.#ports.free();
    this.#copies.close();
    await this.#log.close();
  }

  #pick(request: RequestTraits): RuleInForce | null {
    for (const rule of this.#rules) if (rule.picks(request)) return rule;
    return null;
  }
}

const MOST_COPIES = 100;
const LONGEST_MS = 60_000;
const SLOWEST = 1;

/** A rule may come from a file that somebody wrote by hand. */
function mustBePossible({ nodes, chance = 1, every = 1, act }: TrafficRule, known: ReadonlyMap<NodeId, unknown>): void {
  const must = (holds: boolean, what: string) => {
    if (!holds) throw new RangeError(`a traffic rule ${what}`);
  };
  for (const node of nodes) must(known.has(node), `names ${node}; there are ${[...known.keys()].join(', ')}`);
  must(chance >= 0 && chance <= 1, `has the chance ${chance}; it must be from 0 to 1`);
  must(Number.isInteger(every) && every > 0, `picks every ${every}th request; it must be a whole number above 0`);
  const ms = act.do === 'delay' ? act.ms : act.do === 'swap' ? act.withinMs : act.do === 'repeat' ? act.gapMs : 0;
  must(ms >= 0 && ms <= LONGEST_MS, `waits for ${ms} ms; it must be from 0 to ${LONGEST_MS}`);
  const pace = act.do === 'slow' ? act.bytesPerSecond : SLOWEST;
  must(pace >= SLOWEST, `lets ${pace} bytes a second pass; it must be ${SLOWEST} or more`);
  const copies = act.do === 'repeat' ? act.copies : 1;
  must(
    Number.isInteger(copies) && copies > 0 && copies <= MOST_COPIES,
    `makes ${copies} copies; it must be from 1 to ${MOST_COPIES}`,
  );
}
