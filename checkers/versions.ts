/**
 * Do versions and epochs only go up? What a session sees of a key never gets older, a later write has a higher version,
 * and one version is one value; no node goes back to an earlier epoch, and no epoch has two leaders. One pass.
 */

import type { Input, Json } from '../rig/contract.ts';
import { defineChecker } from '../rig/define.ts';
import { type History, OK } from '../rig/history.ts';
import { Anomalies, count } from './anomalies.ts';
import { said } from './values.ts';
import { nameOf } from './wording.ts';

/** Functions of any names; `write` is one that makes a version, every other sees one. */
export type VersionsInput = Input & { readonly f: string; readonly key?: Json; readonly value?: Json };

/** `{ version }`, and the `value` that was seen; or `{ epoch }`, of the node that was asked, and its `leader`. */
export type VersionsOutput = Json;

interface Observed {
  readonly version?: number;
  readonly value?: Json;
  readonly epoch?: number;
  readonly leader?: Json;
}

function observed(output: Json | undefined): Observed {
  if (typeof output !== 'object' || output === null || Array.isArray(output)) return {};
  const { version, value, epoch, leader } = output as { readonly [field: string]: Json };
  return {
    ...(typeof version === 'number' ? { version } : {}),
    ...(value === undefined ? {} : { value }),
    ...(typeof epoch === 'number' ? { epoch } : {}),
    ...(leader === undefined || leader === null ? {} : { leader }),
  };
}

type Mark = { readonly at: number; readonly number: number; readonly value?: Json | undefined };

class Judge {
  readonly found: Anomalies;
  readonly totals = { versions: 0, epochs: 0 };
  readonly #history: History<VersionsInput, VersionsOutput>;
  /** By session and key; by node; by key and version; by epoch. */
  readonly #sessions = new Map<string, Mark>();
  readonly #nodes = new Map<string, Mark>();
  readonly #values = new Map<string, Mark>();
  readonly #written = new Map<string, Mark>();
  readonly #leaders = new Map<number, Mark>();

  constructor(history: History<VersionsInput, VersionsOutput>) {
    this.#history = history;
    this.found = new Anomalies(history);
  }

  judge(at: number): void {
    const input = this.#history.input(at);
    const { version, value, epoch, leader } = observed(this.#history.output(at));
    if (version !== undefined) {
      this.totals.versions++;
      const isWrite = input.f === 'write';
      const key = JSON.stringify(input.key ?? null);
      this.#judgeSession(at, key, version, isWrite);
      this.#judgeValue(at, key, version, isWrite ? (input.value ?? value) : value, isWrite);
    }
    if (epoch === undefined) return;
    this.totals.epochs++;
    this.#judgeEpoch(at, epoch);
    if (leader !== undefined) this.#judgeLeader(at, epoch, leader);
  }

  #judgeSession(at: number, key: string, version: number, isWrite: boolean): void {
    const process = this.#history.process[at] as number;
    const name = `${process} ${key}`;
    const last = this.#sessions.get(name);
    if (!last || version > last.number) this.#sessions.set(name, { at, number: version });
    if (!last || version > last.number || (version === last.number && !isWrite)) return;
    this.#tell(
      'nonmonotonic-version',
      `key ${key}`,
      last.at,
      at,
      () =>
        `process ${process} knew key ${key} at version ${last.number} (${nameOf(this.#history, last.at)}), and then ${isWrite ? 'wrote' : 'saw'} version ${version} (${nameOf(this.#history, at)})`,
    );
  }

  #judgeValue(at: number, key: string, version: number, value: Json | undefined, isWrite: boolean): void {
    const name = `${version} ${key}`;
    const written = this.#written.get(name);
    if (isWrite) {
      if (!written) this.#written.set(name, { at, number: version });
      else
        this.#tell(
          'duplicate-version',
          `key ${key}`,
          written.at,
          at,
          () =>
            `two writes of key ${key} made version ${version}: ${nameOf(this.#history, written.at)} and ${nameOf(this.#history, at)}`,
        );
    }
    if (value === undefined) return;
    const known = this.#values.get(name);
    if (!known) this.#values.set(name, { at, number: version, value });
    else if (JSON.stringify(known.value) !== JSON.stringify(value) && !(isWrite && written))
      this.#tell(
        'inconsistent-version',
        `key ${key}`,
        known.at,
        at,
        () =>
          `version ${version} of key ${key} is ${said(known.value)} by ${nameOf(this.#history, known.at)}, and ${said(value)} by ${nameOf(this.#history, at)}`,
      );
  }

  #judgeEpoch(at: number, epoch: number): void {
    const node = this.#history.nodes[this.#history.node[at] as number] as string;
    const last = this.#nodes.get(node);
    // Of requests that overlapped, either may have been answered from the earlier state.
    const isLater =
      last && (this.#history.completeIndex[last.at] as number) < (this.#history.invokeIndex[at] as number);
    if (!last || epoch > last.number) this.#nodes.set(node, { at, number: epoch });
    else if (epoch < last.number && isLater)
      this.#tell(
        'nonmonotonic-epoch',
        `node ${node}`,
        last.at,
        at,
        () =>
          `${node} was in epoch ${last.number} (${nameOf(this.#history, last.at)}), and after that in epoch ${epoch} (${nameOf(this.#history, at)})`,
      );
  }

  #judgeLeader(at: number, epoch: number, leader: Json): void {
    const known = this.#leaders.get(epoch);
    if (!known) this.#leaders.set(epoch, { at, number: epoch, value: leader });
    else if (JSON.stringify(known.value) !== JSON.stringify(leader))
      this.#tell(
        'two-leaders',
        `epoch ${epoch}`,
        known.at,
        at,
        () =>
          `epoch ${epoch} was led by ${said(known.value)} (${nameOf(this.#history, known.at)}) and by ${said(leader)} (${nameOf(this.#history, at)})`,
      );
  }

  #tell(name: string, subject: string, first: number, second: number, what: () => string): void {
    this.found.add(name, () => ({ subject, explanation: what(), operations: [first, second] }));
  }
}

export const versions = defineChecker<VersionsInput, VersionsOutput>({
  name: 'versions',
  check(history) {
    const judge = new Judge(history);
    for (let at = 0; at < history.length; at++) if (history.type[at] === OK) judge.judge(at);
    const { totals } = judge;
    return judge.found.conclude({
      checker: 'versions',
      guarantee: 'versions and epochs only go up, and one of them is one thing',
      seen: `${count(totals.versions, 'version')} and ${count(totals.epochs, 'epoch')} seen`,
      missing: totals.versions + totals.epochs < 2 ? ['fewer than two versions or epochs were seen'] : [],
      statistics: totals,
    });
  },
});
