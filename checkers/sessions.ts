/**
 * Does every session see each key in one order of its writes? Monotonic reads, monotonic writes, read your writes and
 * writes follow reads (D. Terry et al., "Session Guarantees for Weakly Consistent Replicated Data", 1994), judged key by
 * key for writes of unique values, without looking at real time. All four together are sequential consistency of each
 * key alone; of several keys together it is NP-hard to judge and is not judged here. Linear.
 */

import type { Budget, Json } from '../rig/contract.ts';
import { defineChecker } from '../rig/define.ts';
import { FAIL, OK } from '../rig/history.ts';
import { Anomalies, count } from './anomalies.ts';
import { componentsOf } from './isolation/components.ts';
import { EdgeList, type Graph } from './isolation/graph.ts';
import { ShortestPaths } from './isolation/shortest-path.ts';
import type { RegisterInput, RegisterOutput } from './models/register.ts';
import { isChange, type RegisterHistory, writtenBy } from './register/writes.ts';
import { said, Values } from './values.ts';
import { nameOf } from './wording.ts';

/** Kinds of edges: why a session puts one version of a key before another. */
const MONOTONIC_READS = 1;
const READ_YOUR_WRITES = 2;
const WRITES_FOLLOW_READS = 4;
const MONOTONIC_WRITES = 8;
const INITIAL = 16;

const guarantees: Readonly<Record<number, string>> = {
  [MONOTONIC_READS]: 'monotonic-reads',
  [READ_YOUR_WRITES]: 'read-your-writes',
  [WRITES_FOLLOW_READS]: 'writes-follow-reads',
  [MONOTONIC_WRITES]: 'monotonic-writes',
};
const ALL = MONOTONIC_READS | READ_YOUR_WRITES | WRITES_FOLLOW_READS | MONOTONIC_WRITES | INITIAL;

/** What a session did last with a key. */
type Last = { readonly version: number; readonly at: number; readonly isWrite: boolean };

/** Versions of keys and what sessions say about their order. A version is a key with a value of its own. */
class Versions {
  readonly keys: Json[] = [];
  readonly values: Json[] = [];
  /** By `reason` of an edge, the two operations of a session that it comes from. */
  readonly reasons: (readonly [earlier: number, later: number])[] = [];
  /** Keys of which a value was written twice: which of the writes a read saw is not known. */
  readonly ambiguous: boolean[] = [];
  readonly #keys = new Values();
  readonly #byKey: Values[] = [];
  readonly #numbers: number[][] = [];
  readonly #writers: number[] = [];

  keyOf(input: RegisterInput): number {
    return this.#keys.of(input.key ?? null);
  }

  /** Version 0 of each key is its absence. */
  of(key: number, value: Json): number {
    const values = (this.#byKey[key] ??= new Values());
    const numbers = (this.#numbers[key] ??= []);
    if (numbers.length === 0 && value !== null) this.of(key, null);
    const place = values.of(value);
    numbers[place] ??= this.#add(key, value);
    return numbers[place];
  }

  writes(version: number, key: number): void {
    const times = (this.#writers[version] ?? 0) + 1;
    this.#writers[version] = times;
    if (times > 1 || this.values[version] === null) this.ambiguous[key] = true;
  }

  /** Whether it is the absence of a value, or somebody may have written it. */
  isKnown(version: number): boolean {
    return this.values[version] === null || (this.#writers[version] as number) > 0;
  }

  #add(key: number, value: Json): number {
    this.keys.push(this.#keys.all[key] as Json);
    const version = this.values.push(value) - 1;
    this.#writers.push(0);
    return version;
  }
}

/** Makes every version known, and which keys cannot be judged. */
function gather(history: RegisterHistory, versions: Versions): void {
  for (let at = 0; at < history.length; at++) {
    const input = history.input(at);
    if (history.type[at] === FAIL) continue;
    const key = versions.keyOf(input);
    if (input.f === 'cas') versions.of(key, input.from ?? null);
    if (input.f === 'read') versions.of(key, history.output(at) ?? null);
    else if (isChange(input) && !isRefused(history, at)) versions.writes(versions.of(key, writtenBy(input)), key);
  }
}

const isRefused = (history: RegisterHistory, at: number): boolean => history.output(at) === false;

/** Walks each session; what it saw or wrote comes not before what it had seen or written. */
function connect(history: RegisterHistory, versions: Versions, edges: EdgeList, found: Anomalies): number {
  const add = (from: number, to: number, kind: number, earlier: number, later: number) =>
    edges.add(from, to, kind, versions.reasons.push([earlier, later]) - 1);
  const lasts = new Map<number, Map<number, Last>>();
  let compared = 0;
  const step = (at: number, key: number, value: Json, isWrite: boolean) => {
    const process = history.process[at] as number;
    const sessions = lasts.get(process) ?? new Map<number, Last>();
    lasts.set(process, sessions);
    const version = versions.of(key, value);
    if (!versions.isKnown(version)) tellThinAir(history, versions, found, version, at);
    const last = sessions.get(key);
    sessions.set(key, { version, at, isWrite });
    if (!last) return;
    compared++;
    if (last.version === version) {
      if (isWrite) tellEarly(history, versions, found, last, at);
      return;
    }
    const kind = isWrite
      ? last.isWrite
        ? MONOTONIC_WRITES
        : WRITES_FOLLOW_READS
      : last.isWrite
        ? READ_YOUR_WRITES
        : MONOTONIC_READS;
    add(last.version, version, kind, last.at, at);
    if (value === null) add(version, last.version, INITIAL, last.at, at);
  };
  for (let at = 0; at < history.length; at++) {
    const input = history.input(at);
    const key = versions.keyOf(input);
    if (versions.ambiguous[key] || history.type[at] === FAIL || isRefused(history, at)) continue;
    if (input.f === 'read') {
      if (history.type[at] === OK) step(at, key, history.output(at) ?? null, false);
      continue;
    }
    if (!isChange(input)) continue;
    if (input.f === 'cas' && history.type[at] === OK) step(at, key, input.from ?? null, false);
    step(at, key, writtenBy(input), true);
  }
  return compared;
}

function tellThinAir(
  history: RegisterHistory,
  versions: Versions,
  found: Anomalies,
  version: number,
  at: number,
): void {
  const subject = `key ${said(versions.keys[version])}`;
  found.add('thin-air-read', () => ({
    subject,
    explanation: `${subject} was read as ${said(versions.values[version])} by ${nameOf(history, at)}, which nobody wrote`,
    operations: [at],
  }));
}

function tellEarly(history: RegisterHistory, versions: Versions, found: Anomalies, last: Last, at: number): void {
  found.add('writes-follow-reads', () => ({
    subject: `key ${said(versions.keys[last.version])}`,
    explanation: `process ${history.process[at]} read ${said(versions.values[last.version])} from key ${said(versions.keys[last.version])} (${nameOf(history, last.at)}) before it wrote it itself (${nameOf(history, at)}), and nobody else did`,
    operations: [last.at, at],
  }));
}

/** One short contradiction for each set of versions that contradict each other, by a single guarantee if there is one. */
function findCycles(
  history: RegisterHistory,
  versions: Versions,
  graph: Graph,
  found: Anomalies,
  budget: Budget,
): void {
  const paths = new ShortestPaths(graph, budget);
  const told = new Set<number>();
  for (const kinds of [...Object.keys(guarantees).map((kind) => Number(kind) | INITIAL), ALL]) {
    const { cyclic, order } = componentsOf(graph, kinds, budget);
    for (const [from, until] of cyclic) {
      const start = order[from] as number;
      if (order.subarray(from, until).some((version) => told.has(version))) continue;
      const cycle = paths.find(start, (version) => version === start, kinds, graph.size);
      if (!cycle) continue;
      for (const edge of cycle) told.add(graph.target[edge] as number);
      tellCycle(history, versions, found, graph, cycle);
    }
  }
}

function tellCycle(
  history: RegisterHistory,
  versions: Versions,
  found: Anomalies,
  graph: Graph,
  cycle: readonly number[],
): void {
  const kinds = new Set(cycle.map((edge) => graph.kind[edge] as number).filter((kind) => kind !== INITIAL));
  const [kind = 0, ...others] = kinds;
  found.add(others.length === 0 ? (guarantees[kind] as string) : 'coherence', () => {
    const steps = cycle.map((edge) => {
      const [earlier, later] = versions.reasons[graph.reason[edge] as number] as readonly [number, number];
      const to = graph.target[edge] as number;
      return { earlier, later, to, kind: graph.kind[edge] as number };
    });
    const key = said(versions.keys[(steps[0] as { to: number }).to]);
    const told = steps.map(({ earlier, later, to, kind: one }, number) => {
      const before = said(versions.values[(steps.at(number - 1) as { to: number }).to]);
      const after = said(versions.values[to]);
      if (one === INITIAL) return `${before} is the absence of any value, and so before ${after}`;
      const did = (at: number) => (history.input(at).f === 'read' ? 'read' : 'wrote');
      return `by ${(guarantees[one] as string).replaceAll('-', ' ')} ${before} is before ${after}, for process ${history.process[earlier]} ${did(earlier)} ${before} (${nameOf(history, earlier)}) and then ${did(later)} ${after} (${nameOf(history, later)})`;
    });
    return {
      subject: `key ${key}`,
      explanation: `the sessions contradict each other about key ${key}: ${told.join('; but ')}`,
      operations: steps.flatMap(({ earlier, later }) => [earlier, later]),
    };
  });
}

export const sessions = defineChecker<RegisterInput, RegisterOutput>({
  name: 'sessions',
  check(history, budget) {
    const found = new Anomalies(history);
    const versions = new Versions();
    gather(history, versions);
    const edges = new EdgeList(versions.values.length);
    const compared = connect(history, versions, edges, found);
    findCycles(history, versions, edges.toGraph(), found, budget);
    const ambiguous = versions.ambiguous.filter(Boolean).length;
    const missing: string[] = [];
    if (budget.exhausted()) missing.push(`${budget.reason()} ran out`);
    if (ambiguous > 0)
      missing.push(`${count(ambiguous, 'key')} could not be judged, of which a value or \`null\` was written twice`);
    if (compared === 0) missing.push('no session asked twice of one key');
    return found.conclude({
      checker: 'sessions',
      guarantee:
        'every session sees each key in one order of its writes (monotonic reads, monotonic writes, read your writes, writes follow reads)',
      seen: `${count(compared, 'pair')} of requests on ${count(versions.values.length, 'version')}`,
      missing,
      statistics: { versions: versions.values.length, compared, ambiguousKeys: ambiguous },
    });
  },
});
