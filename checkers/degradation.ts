/**
 * Does a system fail as it was declared to? For every outage a table says which requests are refused, which are answered
 * from copies that say so, and which go on. Judged by requests that lie within an outage, at a node that has it.
 */

import type { Checker, FaultEvent, Input, Json, NodeId } from '../rig/contract.ts';
import { defineChecker } from '../rig/define.ts';
import { type History, OK } from '../rig/history.ts';
import { Anomalies, count } from './anomalies.ts';
import { nameOf } from './wording.ts';

/**
 * - `closed`: never acknowledged. - `marked`: answered, if at all, with its age in `staleMs`, which has a bound.
 * - `open`: goes on as if nothing had happened, as long as nothing else has.
 */
export type Behaviour = 'closed' | 'marked' | 'open';

/** Nemesis → function → what becomes of it. A nemesis without `nodes` in its faults strikes them all. */
export type OutageTable = Readonly<Record<string, Readonly<Record<string, Behaviour>>>>;

export interface DegradationTerms {
  readonly table: OutageTable;
  /** The greatest age that an answer may have. */
  readonly oldestMs: number;
  /** Classes of error that are answers all the same: the request was served, and the answer is no. */
  readonly answers: readonly string[];
  /** Nemeses that may give nodes another store, and which outages (told by their faults) that ends: those beside it are not judged. */
  readonly blurredBy: Readonly<Record<string, (outage: Json) => boolean>>;
}

/** Of requests that are to go on, at least this share of that in calm must, if there were enough of them. */
const OPEN_SHARE = 0.9;
const FEWEST_OPEN = 20;

export const degradation = <In extends Input, Out extends Json>(terms: DegradationTerms): Checker<In, Out> =>
  defineChecker<In, Out>({
    name: 'degradation',
    check(history) {
      const anomalies = new Anomalies(history);
      const faults = faultsOf(history);
      const outages = faults.filter(({ nemesis }) => Object.hasOwn(terms.table, nemesis));
      const clear = outages.filter((outage) => !faults.some((other) => blurs(other, outage, terms)));
      const seen: Record<string, number> = {};
      for (const outage of clear) judgeOutage(history, outage, faults, terms, anomalies, seen);
      const judged = Object.values(seen).reduce((sum, one) => sum + one, 0);
      return anomalies.conclude({
        checker: 'degradation',
        guarantee: 'in every outage requests are refused, marked or served as declared',
        seen: `${count(judged, 'request')} in ${count(clear.length, 'outage')}`,
        missing: judged === 0 ? ['no request was made in an outage that the table speaks of'] : [],
        statistics: { outages: outages.length, blurred: outages.length - clear.length, requests: seen },
      });
    },
  });

/** From its injection to its being gone, and, within that, while it certainly was in force. */
interface Fault {
  readonly nemesis: string;
  readonly hold: string;
  readonly sentence: string;
  readonly fault: Json;
  /** `null`: all. */
  readonly nodes: readonly NodeId[] | null;
  readonly injectNs: number;
  readonly injectedNs: number;
  readonly releaseNs: number;
  readonly releasedNs: number;
}

function faultsOf({ faults }: History): readonly Fault[] {
  const timeOf = (hold: string, action: FaultEvent['action']) =>
    faults.find((one) => one.hold === hold && one.action === action)?.timeNs ?? Infinity;
  return faults
    .filter(({ action }) => action === 'inject')
    .map(({ nemesis, hold, sentence, fault, timeNs }) => ({
      nemesis,
      hold,
      sentence,
      fault,
      nodes: nodesOf(fault),
      injectNs: timeNs,
      injectedNs: timeOf(hold, 'injected'),
      releaseNs: timeOf(hold, 'release'),
      releasedNs: timeOf(hold, 'released'),
    }));
}

function nodesOf(fault: Json): readonly NodeId[] | null {
  const nodes = typeof fault === 'object' && fault !== null && 'nodes' in fault ? fault['nodes'] : null;
  return Array.isArray(nodes) ? nodes.filter((node): node is NodeId => typeof node === 'string') : null;
}

/** Longer than a node takes to serve again after a fault. */
const MENDING_NS = 3e9;

/** Whether something of that time may be the work of this fault, or of what it has left to mend. */
const touches = ({ injectNs, releasedNs }: Fault, fromNs: number, untilNs: number): boolean =>
  injectNs <= untilNs && fromNs <= releasedNs + MENDING_NS;

const blurs = (other: Fault, outage: Fault, { blurredBy }: DegradationTerms): boolean =>
  (blurredBy[other.nemesis]?.(outage.fault) ?? false) && touches(other, outage.injectNs, outage.releasedNs);

function judgeOutage(
  history: History,
  outage: Fault,
  faults: readonly Fault[],
  { table, oldestMs, answers }: DegradationTerms,
  anomalies: Anomalies,
  seen: Record<string, number>,
): void {
  const others = faults.filter((other) => other !== outage && touches(other, outage.injectNs, outage.releasedNs));
  const open = new Map<string, { asked: number[]; refused: number[] }>();
  for (let at = firstSince(history, outage.injectedNs); at < history.length; at++) {
    const beganNs = history.invokedNs[at] as number;
    if (beganNs > outage.releaseNs) break;
    const endedNs = history.endedNs(at);
    if (!(endedNs < outage.releaseNs)) continue;
    if (outage.nodes !== null && !outage.nodes.includes(history.nodes[history.node[at] as number] as string)) continue;
    const f = history.functions[history.f[at] as number] as string;
    const behaviour = table[outage.nemesis]?.[f];
    if (behaviour === undefined) continue;
    if (behaviour === 'open') {
      if (others.some((other) => touches(other, beganNs, endedNs))) continue;
      const group = open.get(f) ?? { asked: [], refused: [] };
      open.set(f, group);
      group.asked.push(at);
      if (!isServed(history, at, answers)) group.refused.push(at);
    } else judgeOne(history, at, f, behaviour, outage, oldestMs, anomalies);
    seen[`${outage.nemesis} ${f}`] = (seen[`${outage.nemesis} ${f}`] ?? 0) + 1;
  }
  for (const [f, { asked, refused }] of open) {
    const calmShare = shareInCalm(history, f, faults, answers);
    if (asked.length < FEWEST_OPEN || asked.length - refused.length >= OPEN_SHARE * calmShare * asked.length) continue;
    anomalies.add('needless-refusal', () => ({
      subject: outage.hold,
      explanation: `while ${outage.sentence}, ${f} is to go on, but ${refused.length} of ${asked.length} were refused or lost`,
      operations: refused.slice(0, 20),
    }));
  }
}

const isServed = (history: History, at: number, answers: readonly string[]): boolean =>
  history.type[at] === OK || answers.includes(history.errors[history.error[at] as number] ?? '');

/** How much of that function was served while no fault was in force; 1 if too little of it was asked then. */
function shareInCalm(history: History, name: string, faults: readonly Fault[], answers: readonly string[]): number {
  const f = history.functions.indexOf(name);
  let [asked, served] = [0, 0];
  for (let at = 0; at < history.length; at++) {
    if (history.f[at] !== f) continue;
    const [beganNs, endedNs] = [history.invokedNs[at] as number, history.endedNs(at)];
    if (faults.some((fault) => touches(fault, beganNs, endedNs))) continue;
    asked++;
    if (isServed(history, at, answers)) served++;
  }
  return asked < FEWEST_OPEN ? 1 : served / asked;
}

function judgeOne(
  history: History,
  at: number,
  f: string,
  behaviour: Behaviour,
  outage: Fault,
  oldestMs: number,
  anomalies: Anomalies,
): void {
  if (history.type[at] !== OK) return;
  const complain = (name: string, what: string) =>
    anomalies.add(name, () => ({
      subject: outage.hold,
      explanation: `while ${outage.sentence}, ${nameOf(history, at)} ${what}`,
      operations: [at],
    }));
  if (behaviour === 'closed') return complain('fail-open', `was acknowledged, although ${f} is to be refused then`);
  const output = history.output(at);
  const staleMs = typeof output === 'object' && output !== null && 'staleMs' in output ? output['staleMs'] : undefined;
  if (typeof staleMs !== 'number') complain('unmarked-stale-read', 'was answered as if it were fresh');
  else if (staleMs > oldestMs)
    complain('too-stale', `was answered with what is ${staleMs} ms old, more than ${oldestMs}`);
}

/** The first operation that was invoked after that time. */
function firstSince({ invokedNs, length }: History, timeNs: number): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((invokedNs[middle] as number) <= timeNs) low = middle + 1;
    else high = middle;
  }
  return low;
}
