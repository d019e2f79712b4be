/**
 * Which rule, if any, has a request. What it depends on is the request and how many like it came before, never the
 * time: the same requests are picked again in another run of the same seed.
 */

import type { Clock } from '../../rig/clock.ts';
import type { Evidence, NodeId, TrafficAct, TrafficRule } from '../../rig/contract.ts';
import { Random } from '../../rig/random.ts';

/** A request, as far as rules can tell requests apart. */
export interface RequestTraits {
  readonly node: NodeId;
  readonly method: string;
  readonly path: string;
  readonly key: string | null;
}

/** Requests of one kind whose number is remembered, for `chance`; those that come later are taken for new. */
const MOST_REMEMBERED = 100_000;

/** What a rule keeps back, requests and copies together; beyond that it lets pass. */
const MOST_PENDING = 128;
const MOST_PENDING_BYTES = 16 * 1024 * 1024;
/** When a rule is released, what it kept back is let go so many at a time, and for no longer. */
const FLUSHED_AT_ONCE = 8;
const MOST_FLUSH_NS = 10e9;

/** What a rule did to requests, after their number and a verb that fits it. */
const DEEDS: { readonly [Do in TrafficAct['do']]: (requests: string, were: string) => string } = {
  'lose-answer': (requests) => `the answers to ${requests} were lost after the work was done`,
  repeat: (requests, were) => `${requests} ${were} delivered again`,
  delay: (requests, were) => `${requests} ${were} delayed`,
  swap: (requests) => `${requests} changed places`,
  tear: (requests, were) => `${requests} ${were} torn`,
  slow: (requests, were) => `${requests} ${were} slowed down`,
};

interface Pending {
  act(): Promise<void>;
  disarm(): void;
}

/** A rule in force, with what it has done. */
export class RuleInForce {
  readonly hold: string;
  readonly rule: TrafficRule;
  released = false;
  touched = 0;
  copies = 0;
  /** Lets the request go that waits for another to change places with. */
  waiting: (() => void) | null = null;
  readonly #clock: Clock;
  readonly #pending = new Set<Pending>();
  /** No longer pending, and on the way. */
  readonly #acting = new Set<Promise<void>>();
  #pendingBytes = 0;
  #matched = 0;
  #picked = 0;
  readonly #seen = new Map<string, number>();

  constructor(hold: string, rule: TrafficRule, clock: Clock) {
    this.#clock = clock;
    this.hold = hold;
    this.rule = rule;
  }

  /** Whether it has this request; asked once for each. */
  picks(request: RequestTraits): boolean {
    const { nodes, methods, path, key, every = 1, most = Infinity } = this.rule;
    if (this.released || !nodes.includes(request.node)) return false;
    if (methods && !methods.includes(request.method)) return false;
    if (path !== undefined && !request.path.startsWith(path)) return false;
    if (key !== undefined && (key === '*' ? request.key === null : request.key !== key)) return false;
    if (!this.#isDrawn(request)) return false;
    if (this.#matched++ % every !== 0) return false;
    return this.#picked++ < most;
  }

  /**
   * Acts after `ms`, or with `null` not before the rule is released, or as soon as the returned function is called:
   * once. Returns `null`, and never acts, if too much is kept back already.
   */
  later(ms: number | null, bytes: number, act: () => Promise<void> | void): (() => void) | null {
    const isFull = this.#pending.size >= MOST_PENDING || this.#pendingBytes + bytes > MOST_PENDING_BYTES;
    if (this.released || isFull) return null;
    const pending: Pending = {
      act: async () => {
        if (!this.#pending.delete(pending)) return;
        this.#pendingBytes -= bytes;
        pending.disarm();
        const acting = Promise.resolve(act());
        this.#acting.add(acting);
        await acting;
        this.#acting.delete(acting);
      },
      disarm: ms === null ? () => {} : this.#clock.after(ms, () => void pending.act()),
    };
    this.#pending.add(pending);
    this.#pendingBytes += bytes;
    return () => void pending.act();
  }

  /** Nothing more is picked, and what was kept back is never let go. */
  abandon(): void {
    this.released = true;
    for (const { disarm } of this.#pending) disarm();
    this.#pending.clear();
  }

  /** Nothing more is picked; what was kept back is let go. Resolves when it has arrived, or was given up. */
  async release(): Promise<void> {
    this.released = true;
    const untilNs = this.#clock.nowNs() + MOST_FLUSH_NS;
    while (this.#pending.size > 0 && this.#clock.nowNs() < untilNs)
      await Promise.all([...this.#pending].slice(0, FLUSHED_AT_ONCE).map((pending) => pending.act()));
    this.#pending.clear();
    await Promise.all(this.#acting);
  }

  #isDrawn({ node, method, path, key }: RequestTraits): boolean {
    const { chance, seed = 0 } = this.rule;
    if (chance === undefined) return true;
    const name = `${node} ${method} ${path} ${key}`;
    const count = this.#seen.get(name) ?? 0;
    if (count > 0 || this.#seen.size < MOST_REMEMBERED) this.#seen.set(name, count + 1);
    return new Random(`${seed}/${name}/${count}`).chance(chance);
  }
}

export function evidenceOf(rules: readonly RuleInForce[]): Evidence {
  const touched = rules.reduce((sum, rule) => sum + rule.touched, 0);
  const told = rules.map(({ rule, touched: count, copies }) => {
    const made = copies > 0 ? `, in ${copies} ${copies === 1 ? 'copy' : 'copies'}` : '';
    const isOne = count === 1;
    return `${DEEDS[rule.act.do](`${count} request${isOne ? '' : 's'}`, isOne ? 'was' : 'were')}${made}`;
  });
  return { effective: touched > 0, observed: told.join('; ') };
}
