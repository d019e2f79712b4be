/**
 * The order of versions of registers that follows from what is taken for granted of each key by itself. Where that
 * contradicts itself the key did not keep to it: its versions are cyclic, and nothing more is concluded about them.
 */

import type { Budget, Json } from '../../rig/contract.ts';
import { OK } from '../../rig/history.ts';
import type { Assumption } from './options.ts';
import { componentsOf } from './components.ts';
import type { Findings } from './findings.ts';
import { Frontier } from './frontier.ts';
import { EdgeList, WW } from './graph.ts';
import { type MicroOperations, READ } from './micro-operations.ts';
import { timesOf } from './real-time.ts';
import { type ExternalReads, isInstalled, versionRead } from './register-reads.ts';
import { transactionText, valueText } from './wording.ts';

/** Of two versions of a key, in the numbering of `ExternalReads`, which is the older, and who met them in that order. */
export interface VersionPair {
  readonly older: number;
  readonly newer: number;
  readonly before: number;
  readonly after: number;
  /** `null`: that the initial state is older than all. */
  readonly assumed: Assumption | null;
}

/** A transaction's first and last version of a key. */
interface Touch {
  readonly at: number;
  readonly first: number;
  readonly last: number;
}

/** The pairs that follow, but for those of cyclic keys, which are reported. */
export function assumedPairs(
  micros: MicroOperations,
  external: ExternalReads,
  assumed: readonly Assumption[],
  findings: Findings,
  budget: Budget,
): readonly VersionPair[] {
  if (assumed.length === 0) return [];
  const touches = touchesByKey(micros, external);
  let pairs: readonly VersionPair[] = [...initialPairs(micros, touches)];
  for (const assumption of ['wfr-keys', 'sequential-keys', 'linearizable-keys'] as const)
    if (assumed.includes(assumption))
      pairs = withoutCycles(micros, [...pairs, ...sources[assumption](micros, touches)], assumption, findings, budget);
  return pairs;
}

type Source = (micros: MicroOperations, touches: readonly (readonly Touch[])[]) => Generator<VersionPair>;

const sources: Readonly<Record<Assumption, Source>> = {
  *'wfr-keys'(_, touches) {
    for (const own of touches)
      for (const { at, first, last } of own)
        if (first !== last) yield { older: first, newer: last, before: at, after: at, assumed: 'wfr-keys' };
  },

  *'sequential-keys'({ history }, touches) {
    for (const own of touches) {
      const latest = new Map<number, Touch>();
      for (const touch of own) {
        const process = history.process[touch.at] as number;
        const before = latest.get(process);
        if (before && before.last !== touch.first) yield pairOf(before, touch, 'sequential-keys');
        if (history.type[touch.at] === OK) latest.set(process, touch);
      }
    }
  },

  *'linearizable-keys'({ history }, touches) {
    const { invoked, completed } = timesOf(history);
    for (const own of touches) {
      const begun = Int32Array.from(own, ({ at }) => invoked[at] as number);
      const frontier = new Frontier(
        begun,
        Int32Array.from(own, ({ at }) => completed[at] as number),
      );
      for (const [number, touch] of own.entries()) {
        frontier.advance(begun[number] as number);
        for (let at = 0; at < frontier.count; at++) {
          const before = own[frontier.latest[at] as number] as Touch;
          if (before.last !== touch.first) yield pairOf(before, touch, 'linearizable-keys');
        }
        frontier.add(number);
      }
    }
  },
};

const pairOf = (before: Touch, after: Touch, assumed: Assumption): VersionPair => ({
  older: before.last,
  newer: after.first,
  before: before.at,
  after: after.at,
  assumed,
});

/** The initial state is older than everything. */
function* initialPairs({ writes }: MicroOperations, touches: readonly (readonly Touch[])[]): Generator<VersionPair> {
  for (const [key, own] of touches.entries())
    for (const { at, first, last } of own)
      for (const version of first === last ? [first] : [first, last])
        if (version < writes) yield { older: writes + key, newer: version, before: at, after: at, assumed: null };
}

/** By key, in the order of invocation, who read it from outside or wrote it. */
function touchesByKey(micros: MicroOperations, external: ExternalReads): Touch[][] {
  const { start, key, write, transactions } = micros;
  const touches: Touch[][] = micros.keys.values.map(() => []);
  for (let at = 0; at < transactions; at++) {
    for (let micro = start[at] as number; micro < (start[at + 1] as number); micro++) {
      const made = write[micro] as number;
      if (made === READ ? external.is[micro] === 0 : !isInstalled(micros, made)) continue;
      const version = made === READ ? versionRead(micros, micro) : made;
      const own = touches[key[micro] as number] as Touch[];
      const last = own.at(-1);
      if (last?.at === at) own[own.length - 1] = { ...last, last: version };
      else own.push({ at, first: version, last: version });
    }
  }
  return touches;
}

/** Drops what `assumption` adds for keys whose versions it makes cyclic. */
function withoutCycles(
  micros: MicroOperations,
  pairs: readonly VersionPair[],
  assumption: Assumption,
  findings: Findings,
  budget: Budget,
): readonly VersionPair[] {
  const edges = new EdgeList(micros.writes + micros.keys.values.length);
  for (const [at, { older, newer }] of pairs.entries()) edges.add(older, newer, WW, at);
  const { of, order, cyclic } = componentsOf(edges.toGraph(), -1, budget);
  const keys = new Set<number>();
  for (const [from] of cyclic) {
    const key = keyOf(micros, order[from] as number);
    if (keys.has(key)) continue;
    keys.add(key);
    const component = of[order[from] as number];
    const inside = pairs.filter(({ older, newer }) => of[older] === component && of[newer] === component);
    report(micros, key, inside.filter(({ before, after }) => before !== after).slice(0, 4), assumption, findings);
  }
  return pairs.filter(({ older, assumed }) => assumed !== assumption || !keys.has(keyOf(micros, older)));
}

function report(
  micros: MicroOperations,
  key: number,
  pairs: readonly VersionPair[],
  assumption: Assumption,
  findings: Findings,
): void {
  findings.add('cyclic-versions', () => {
    const involved = [...new Set(pairs.flatMap(({ before, after }) => [before, after]))];
    const name = (at: number) => `T${1 + involved.indexOf(at)}`;
    const told = pairs.map(
      ({ older, newer, before, after }) =>
        `${name(before)} met ${versionText(micros, older)} before ${name(after)} met ${versionText(micros, newer)}`,
    );
    const who = involved.map((at) => `${name(at)} is ${transactionText(micros, at)}.`);
    return {
      explanation: `key ${valueText(micros.keys.values[key] as Json)} does not keep to ${assumption}: ${told.join('; ')}. ${who.join(' ')}`,
      witnesses: involved.map((at) => micros.history.invokeIndex[at] as number),
    };
  });
}

/** The key of a version. */
export const keyOf = ({ writes, key, writeMicro }: MicroOperations, version: number): number =>
  version < writes ? (key[writeMicro[version] as number] as number) : version - writes;

/** What was read there, or written: `nothing` is the initial state. */
export const versionText = ({ writes, codes, value, writeMicro }: MicroOperations, version: number): string =>
  valueText(version < writes ? codes.valueOf(value[writeMicro[version] as number] as number) : null);
