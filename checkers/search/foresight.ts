/** What the answers that are still to come say about the state at hand: whether it is hopeless, and what they want next. */

import type { Input, Json } from '../../rig/contract.ts';
import type { Outstanding } from './outstanding.ts';
import type { Problem } from './problem.ts';
import { IMPOSSIBLE, type Transitions } from './transitions.ts';
import type { Unknowns } from './unknowns.ts';

/** Events among which the next answer is sought. */
const LOOK_AHEAD = 256;

export class Foresight {
  readonly #problem: Problem;
  readonly #transitions: Transitions<unknown, Input, Json>;
  readonly #left: Outstanding;
  readonly #unknowns: Unknowns;

  constructor(problem: Problem, transitions: Transitions<unknown, Input, Json>, left: Outstanding, unknowns: Unknowns) {
    this.#problem = problem;
    this.#transitions = transitions;
    this.#left = left;
    this.#unknowns = unknowns;
  }

  /**
   * True if the next read that is answered cannot become possible any more, not by any replacement that may come
   * before it either. Whether unknown ones are used up must not matter: a failure is remembered regardless of that.
   */
  isHopeless(state: number): boolean {
    const { kind, call } = this.#problem;
    if (!this.#transitions.looksAhead) return false;
    const replacements: number[] = [];
    let ahead = 0;
    for (let event = this.#left.first; event >= 0; event = this.#left.next[event] as number) {
      if (++ahead > LOOK_AHEAD) return false;
      const operation = this.#left.operationAt[event] as number;
      const its = kind[operation] as number;
      if (call[operation] === event) {
        replacements.push(its);
        continue;
      }
      if (this.#transitions.isRead[its] !== 1) continue;
      if (this.#transitions.leadsTo(state, its)) return false;
      for (const unknown of this.#unknowns.operations)
        if ((call[unknown] as number) < event) replacements.push(kind[unknown] as number);
      return !replacements.some((other) => {
        if (this.#transitions.isReplacement[other] !== 1) return false;
        const next = this.#transitions.step(state, other);
        return next !== IMPOSSIBLE && this.#transitions.leadsTo(next, its);
      });
    }
    return false;
  }

  /** The kind of the next answer after `rank` that depends on the state; −1 if none is near. */
  nextObserver(rank: number): number {
    const { kind, call } = this.#problem;
    const { isReplacement } = this.#transitions;
    const { operationAt, next } = this.#left;
    let event = next[rank] as number;
    for (let ahead = 0; event >= 0 && ahead < LOOK_AHEAD; ahead++) {
      const operation = operationAt[event] as number;
      const its = kind[operation] as number;
      if (call[operation] !== event && isReplacement[its] !== 1) return its;
      event = next[event] as number;
    }
    return -1;
  }

  /** True if `wanted` is possible once `kind` is placed; never for −1. */
  helps(state: number, kind: number, wanted: number): boolean {
    const next = this.#transitions.step(state, kind);
    return next !== IMPOSSIBLE && this.helpsAfter(next, wanted);
  }

  /** True if `wanted` is possible in `state`; never for −1. */
  helpsAfter(state: number, wanted: number): boolean {
    return wanted >= 0 && this.#transitions.step(state, wanted) !== IMPOSSIBLE;
  }
}
