/**
 * How old a key was whenever it was used, as far as that is certain. While it is kept, it must be known; once it is over,
 * what the service declared must become of it: it is refused, or it begins another life. Where its age leaves both open,
 * or an answer was lost and the request may be done at any later time, the key is left out.
 */

import type { ServiceRequest, ServiceTerms, WireEntry } from '../../rig/contract.ts';
import { FAIL, type History, INFO, OK } from '../../rig/history.ts';

/** One use of a key. */
export interface Use {
  readonly at: number;
  readonly request: ServiceRequest;
  /** The service's name for the effect that it answered with; `null`: none, or no answer of acceptance. */
  readonly id: string | null;
}

/** What a key's age shows to be wrong. */
export interface AgeFinding {
  readonly name: 'key-forgotten' | 'key-not-forgotten' | 'expired-key-applied';
  readonly key: string;
  readonly what: string;
}

export interface Lifetime {
  /** By use, which life of the key it belongs to: 0, 1, …; `null`: the key cannot be judged. */
  readonly lives: readonly number[] | null;
  /** Uses in the second half of the time for which keys are kept, and uses after they are over. */
  readonly whileKept: number;
  readonly whenOver: number;
  readonly findings: readonly AgeFinding[];
}

type Age = 'kept' | 'over' | 'unclear';

/** One life: the first use that may have begun it, the first answer by which it had begun, and what was answered then. */
interface Life {
  beganNs: number;
  settledNs: number;
  first: Use | null;
}

const newLife = (): Life => ({ beganNs: Infinity, settledNs: Infinity, first: null });
const seconds = (ns: number): string => `${(ns / 1e9).toFixed(1)} s`;

/** @param wire of this key, if there is a wire log. */
export function lifetimeOf(
  history: History,
  uses: readonly Use[],
  wire: readonly WireEntry[],
  declared: ServiceTerms,
): Lifetime {
  const judge = new Judge(history, wire, declared, uses.length === 1 && wire.length <= 1);
  const lives: number[] = [];
  for (const use of uses) {
    if (!judge.see(use)) return { lives: null, whileKept: 0, whenOver: 0, findings: [] };
    lives.push(judge.life);
  }
  const { whileKept, whenOver, findings } = judge;
  return { lives: judge.hasLateRequest() ? null : lives, whileKept, whenOver, findings };
}

class Judge {
  readonly findings: AgeFinding[] = [];
  whileKept = 0;
  whenOver = 0;
  life = 0;
  #now = newLife();
  readonly #began: number[] = [];
  readonly #history: History;
  readonly #wire: readonly WireEntry[];
  readonly #keptNs: number;
  readonly #overNs: number;
  readonly #becomes: 'new' | 'refused' | null;
  readonly #expired: ReadonlySet<string>;

  /** Whether it was sent once at most, and so done once at most, whenever that was. */
  readonly #isAlone: boolean;

  constructor(
    history: History,
    wire: readonly WireEntry[],
    { retentionMs, expiry, expired }: ServiceTerms,
    isAlone: boolean,
  ) {
    this.#isAlone = isAlone;
    this.#history = history;
    this.#wire = wire;
    this.#keptNs = (retentionMs ?? Infinity) * 1e6;
    this.#overNs = (expiry?.afterMs ?? Infinity) * 1e6;
    this.#becomes = expiry?.becomes ?? null;
    this.#expired = new Set(expired);
  }

  /** False if it cannot be told of which life of the key it is. */
  see(use: Use): boolean {
    const { type, errors, error } = this.#history;
    const isExpired = type[use.at] === FAIL && this.#expired.has(errors[error[use.at] as number] as string);
    // What was refused for another reason did nothing, at whatever age.
    if (type[use.at] === FAIL && !isExpired) return true;
    const age = this.#ageOf(use);
    if (age === 'over' && this.#becomes === 'new' && type[use.at] === OK && use.id === null) return false;
    if (age === 'kept') this.#seeKept(use, isExpired);
    else if (age === 'over') this.#seeOver(use, isExpired);
    else if (this.#becomes !== 'refused') return false;
    if (!isExpired) this.#begin(use);
    return true;
  }

  /** Where old keys are new again, what was held up somewhere does what was done already, and rightly. */
  hasLateRequest(): boolean {
    if (this.#becomes === 'refused' || this.#isAlone) return false;
    return this.#wire.some(({ sentNs, endedNs, status }) => {
      const beganNs = this.#began.findLast((ns) => ns <= sentNs) ?? Infinity;
      const doneNs = status === null ? this.#history.lastNs : endedNs;
      return doneNs - beganNs > this.#keptNs;
    });
  }

  #ageOf({ at }: Use): Age {
    const invokedNs = this.#history.invokedNs[at] as number;
    const beganNs = Math.min(this.#now.beganNs, invokedNs);
    if (this.#isAlone || this.#doneNs(at) - beganNs <= this.#keptNs) return 'kept';
    return invokedNs - this.#now.settledNs > this.#overNs ? 'over' : 'unclear';
  }

  /** When the service had certainly done with it. */
  #doneNs(at: number): number {
    const { type, invokedNs, completedNs, lastNs } = this.#history;
    if (type[at] !== INFO) return completedNs[at] as number;
    const gaveUpNs = this.#history.endedNs(at);
    const sent = this.#wire.filter(
      ({ origin, sentNs }) => origin === 'client' && sentNs >= (invokedNs[at] as number) && sentNs <= gaveUpNs,
    );
    if (sent.length === 0 || sent.some(({ status }) => status === null)) return lastNs;
    return Math.max(...sent.map(({ endedNs: ended }) => ended));
  }

  #seeKept(use: Use, isExpired: boolean): void {
    const { first, settledNs } = this.#now;
    const agoNs = (this.#history.invokedNs[use.at] as number) - settledNs;
    if (!first || !(agoNs >= 0)) return;
    if (agoNs >= this.#keptNs / 2) this.whileKept++;
    if (isExpired) this.#find('key-forgotten', use, agoNs, 'and refused as expired');
    else if (isAnotherId(use, first) && isSameRequest(use, first))
      this.#find('key-forgotten', use, agoNs, `and taken for new, as ${use.id} instead of ${first.id}`);
  }

  #seeOver(use: Use, isExpired: boolean): void {
    const { first, settledNs } = this.#now;
    if (!first) return;
    this.whenOver++;
    const agoNs = (this.#history.invokedNs[use.at] as number) - settledNs;
    const isNew = isAnotherId(use, first);
    const isOk = this.#history.type[use.at] === OK;
    if (isOk && !isNew) {
      this.#find('key-not-forgotten', use, agoNs, `and accepted as ${first.id ?? 'it was'} all the same`);
      // It was asked for anew: what was sent for it was not held up.
      this.#began.push(this.#history.invokedNs[use.at] as number);
    } else if (isOk && this.#becomes === 'refused')
      this.#find('expired-key-applied', use, agoNs, `and done as ${use.id}`);
    if (this.#becomes !== 'new' || (isOk && !isNew) || isExpired) return;
    this.life++;
    this.#now = newLife();
  }

  #begin(use: Use): void {
    const { invokedNs, completedNs, type } = this.#history;
    if (this.#now.beganNs === Infinity) this.#began.push(invokedNs[use.at] as number);
    this.#now.beganNs = Math.min(this.#now.beganNs, invokedNs[use.at] as number);
    if (type[use.at] !== OK) return;
    this.#now.first ??= use;
    this.#now.settledNs = Math.min(this.#now.settledNs, completedNs[use.at] as number);
  }

  #find(name: AgeFinding['name'], { at, request: { key } }: Use, agoNs: number, what: string): void {
    const declared =
      name === 'key-forgotten'
        ? `keys are kept for ${seconds(this.#keptNs)}`
        : `keys are ${this.#becomes === 'new' ? 'forgotten' : 'refused'} after ${seconds(this.#overNs)}`;
    const index = this.#history.invokeIndex[at];
    this.findings.push({
      name,
      key,
      what: `asked for again ${seconds(agoNs)} after it was done (operation ${index}), ${what}, although ${declared}`,
    });
  }
}

const isAnotherId = ({ id }: Use, first: Use): boolean => id !== null && first.id !== null && id !== first.id;

const isSameRequest = ({ request: one }: Use, { request: other }: Use): boolean =>
  one.operation === other.operation && JSON.stringify(one.values) === JSON.stringify(other.values);
