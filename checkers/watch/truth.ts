/** What happened to the watched keys, put together from all watches and acknowledged writes; two tellings that differ are an anomaly. */

import type { Json } from '../../rig/contract.ts';
import type { History } from '../../rig/history.ts';
import type { Anomalies } from '../anomalies.ts';
import { said } from '../values.ts';
import { nameOf } from '../wording.ts';

interface Change {
  readonly key: string;
  readonly value: Json;
  readonly revision: number;
}

/** A change, and the position of an operation that tells of it. */
interface Known {
  readonly change: Change;
  readonly at: number;
}

/** The part of a watch that says what it should have been told. */
interface Watched {
  readonly prefix: string;
  readonly from: number;
  readonly messages: readonly { readonly revision: number; readonly changes: readonly Change[] }[];
}

export class Truth {
  readonly #history: History;
  readonly #found: Anomalies;
  readonly #known = new Map<string, Known>();
  /** By prefix, in order of revision. */
  readonly #ordered = new Map<string, readonly Known[]>();

  constructor(history: History, found: Anomalies) {
    this.#history = history;
    this.#found = found;
  }

  learn(change: Change, at: number): void {
    const name = `${change.revision} ${change.key}`;
    const known = this.#known.get(name);
    if (!known) this.#known.set(name, { change, at });
    else if (known.change.value !== change.value && JSON.stringify(known.change.value) !== JSON.stringify(change.value))
      this.#found.add('inconsistent-revision', () => ({
        subject: `key ${said(change.key)}`,
        explanation: `at revision ${change.revision}, ${said(change.key)} became ${said(known.change.value)} as ${nameOf(this.#history, known.at)} was told, and ${said(change.value)} as ${nameOf(this.#history, at)} was`,
        operations: [known.at, at],
      }));
  }

  /** What a watch should have been told from its first revision to `until`, and was not. */
  missing({ prefix, from }: Watched, told: ReadonlySet<string>, until: number): readonly Known[] {
    const all = this.#of(prefix);
    return all
      .slice(firstFrom(all, from), firstFrom(all, until + 1))
      .filter(({ change }) => !told.has(`${change.revision} ${change.key}`));
  }

  /** How many changes are in the range of no watch: from where it began to the last that it was told of. */
  unwatched(watches: readonly Watched[]): number {
    const ranges = watches.flatMap(({ prefix, from, messages }) => {
      const until = messages.reduce((last, { changes }) => Math.max(last, changes.at(-1)?.revision ?? -1), -1);
      return until < from ? [] : [{ prefix, from, until }];
    });
    const seen = new Set<Known>();
    for (const prefix of new Set(ranges.map((range) => range.prefix))) {
      const all = this.#of(prefix);
      let covered = 0;
      for (const range of ranges.filter((one) => one.prefix === prefix).sort((a, b) => a.from - b.from)) {
        const end = firstFrom(all, range.until + 1);
        for (let at = Math.max(covered, firstFrom(all, range.from)); at < end; at++) seen.add(all[at] as Known);
        covered = Math.max(covered, end);
      }
    }
    return this.#known.size - seen.size;
  }

  #of(prefix: string): readonly Known[] {
    let ordered = this.#ordered.get(prefix);
    if (!ordered) {
      ordered = [...this.#known.values()]
        .filter(({ change }) => change.key.startsWith(prefix))
        .sort((a, b) => a.change.revision - b.change.revision);
      this.#ordered.set(prefix, ordered);
    }
    return ordered;
  }
}

/** Where the first change of at least that revision stands. */
function firstFrom(ordered: readonly Known[], revision: number): number {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ordered[middle] as Known).change.revision < revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
