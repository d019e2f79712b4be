/** Requests of which nobody knows how they ended, until a repeat of one is answered: what is asked for again after the heal. */

import type { Completion, Input } from './contract.ts';

/** Of all workers together; the oldest are forgotten first. */
const MOST = 1_000;

export class Unsettled {
  readonly #open = new Map<string, Input>();

  /** How a request ended. That one attempt was refused says nothing about the one before it. */
  saw(input: Input, { type }: Completion): void {
    if (type === 'fail' || (type === 'ok' && this.#open.size === 0)) return;
    const name = JSON.stringify(input);
    this.#open.delete(name);
    if (type === 'ok') return;
    this.#open.set(name, input);
    const [oldest] = this.#open.keys();
    if (this.#open.size > MOST && oldest !== undefined) this.#open.delete(oldest);
  }

  /** Each once, in the order in which they were last asked for. */
  get inputs(): readonly Input[] {
    return [...this.#open.values()];
  }
}
