/**
 * Finds for each answer the question that it belongs to, in histories that do not say which process asked: the first
 * open one of the same function and value, or else one that asked for no value, or else any of that function.
 */

import type { Json } from './contract.ts';

/** Numbers in the order in which they came, each taken at most once. */
class Waiting {
  readonly #numbers: number[] = [];
  #next = 0;

  add(number: number): void {
    this.#numbers.push(number);
  }

  /** The first that is still open. */
  take(open: Set<number>): number | undefined {
    for (; this.#next < this.#numbers.length; this.#next++) {
      const number = this.#numbers[this.#next] as number;
      if (open.delete(number)) return number;
    }
    return undefined;
  }
}

/** Gives every question a process of its own: of what a session does one after the other nothing is known. */
export class Unnamed {
  readonly #open = new Set<number>();
  readonly #waiting = new Map<string, Waiting>();
  #count = 0;

  asks(f: string, value: Json): number {
    const number = this.#count++;
    this.#open.add(number);
    for (const name of [f, `${f} ${askedIn(value)}`]) this.#waitingFor(name).add(number);
    return number;
  }

  /** Who asked. Nobody did if it is a number that no question had. */
  isAnswered(f: string, value: Json): number {
    for (const name of [`${f} ${askedIn(value)}`, `${f} null`, f]) {
      const number = this.#waiting.get(name)?.take(this.#open);
      if (number !== undefined) return number;
    }
    return this.#count++;
  }

  #waitingFor(name: string): Waiting {
    const known = this.#waiting.get(name) ?? new Waiting();
    this.#waiting.set(name, known);
    return known;
  }
}

/** A value as it was asked for: of a transaction without what it read. */
const askedIn = (value: Json): string =>
  JSON.stringify(Array.isArray(value) && (value as readonly Json[]).every(Array.isArray) ? value.map(askedOf) : value);

/** A micro-operation as it was asked for: of a read nobody knew the value then. */
export function askedOf(micro: Json): Json {
  const [f = null, key = null, value = null] = micro as readonly Json[];
  return [f, key, typeof f === 'string' && /^:?r/.test(f) ? null : value];
}
