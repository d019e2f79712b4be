/** Values as they stand in the sentences of models, and the sentences themselves. */

import type { Inconsistent, Json } from '../../rig/contract.ts';

const LONGEST = 60;

/** A text as it is, anything else as JSON; cut where it is long. */
export function text(value: Json | undefined): string {
  if (typeof value === 'number') return String(value);
  const whole = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return whole.length > LONGEST ? `${whole.slice(0, LONGEST)}…` : whole;
}

export const same = (left: Json, right: Json): boolean =>
  left === right || (typeof left === 'object' && left !== null && JSON.stringify(left) === JSON.stringify(right));

class Impossible implements Inconsistent {
  readonly #why: () => string;

  constructor(why: () => string) {
    this.#why = why;
  }

  get inconsistent(): string {
    return this.#why();
  }
}

/** A step that is impossible. A search tries many, and few are ever asked why: only then is it put into words. */
export const impossible = (why: () => string): Inconsistent => new Impossible(why);
