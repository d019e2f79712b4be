/** What a disk does to the calls of its node instead of its work: the union of what all holds want, worst first. */

import type { DiskCall } from '../../../rig/contract.ts';
import { Random } from '../../../rig/random.ts';

export type DiskRule =
  | { readonly do: 'full' }
  | { readonly do: 'read-only' }
  | { readonly do: 'slow'; readonly ms: number }
  | { readonly do: 'fail'; readonly calls: readonly DiskCall[]; readonly chance: number; readonly seed: number };

/** What the process of a disk adds to its title while any rule is in force, so that everybody can see it. */
export const FAILING = ' fails as told';

/** By hold, in the order in which they were asked for. */
export type RulesByHold = Readonly<Record<string, readonly DiskRule[]>>;

/** What comes of one call. */
export interface Ruling {
  /** `EIO`, or `null`: it is done. */
  readonly error: 'EIO' | 'ENOSPC' | 'EROFS' | null;
  readonly delayMs: number;
}

const freely: Ruling = { error: null, delayMs: 0 };

export class DiskRules {
  #rules: RulesByHold = {};
  readonly #streams = new Map<string, Random>();
  /** By hold, how many calls were refused and how many delayed, since the disk was made. */
  readonly struck = new Map<string, { refused: number; delayed: number }>();

  get inForce(): RulesByHold {
    return this.#rules;
  }

  /** The whole state, not a change. */
  replace(rules: RulesByHold): void {
    this.#rules = rules;
  }

  /** @param makesRoom it needs none, as when a name is removed. */
  rule(call: DiskCall, makesRoom = false): Ruling {
    let ruling = freely;
    for (const [hold, rules] of Object.entries(this.#rules))
      for (const [index, rule] of rules.entries()) {
        const error = this.#error(rule, call, makesRoom, `${hold} ${index}`);
        const delayMs = rule.do === 'slow' ? rule.ms : 0;
        if (error === null && delayMs === 0) continue;
        this.#count(hold, error !== null);
        ruling = { error: ruling.error ?? error, delayMs: ruling.delayMs + delayMs };
      }
    return ruling;
  }

  #error(rule: DiskRule, call: DiskCall, makesRoom: boolean, stream: string): Ruling['error'] {
    const changes = call === 'write' || call === 'name';
    if (rule.do === 'full') return changes && !makesRoom ? 'ENOSPC' : null;
    if (rule.do === 'read-only') return changes ? 'EROFS' : null;
    if (rule.do !== 'fail' || !rule.calls.includes(call)) return null;
    const rng = this.#streams.get(stream) ?? new Random(rule.seed);
    this.#streams.set(stream, rng);
    return rng.chance(rule.chance) ? 'EIO' : null;
  }

  #count(hold: string, isRefused: boolean): void {
    const count = this.struck.get(hold) ?? { refused: 0, delayed: 0 };
    this.struck.set(hold, count);
    count[isRefused ? 'refused' : 'delayed']++;
  }
}
