/**
 * What is shown of an anomaly: which operations, in which order, and what the model made of each. The terminal and
 * the page draw the same scene; it is bounded however many witnesses there are.
 */

import type { Anomaly, Operation, Verdict } from '../rig/contract.ts';
import type { History } from '../rig/history.ts';
import { answered, asked, subjectOf, transacted } from './phrases.ts';

export interface SceneStep {
  readonly operation: Operation;
  /** When the client stopped waiting; `invokedNs` or later, always finite. */
  readonly endNs: number;
  /** In a few words, `read` and `4`; the subject is left out where it is the same for all. */
  readonly ask: string;
  readonly answer: string;
  /** Its place in the legal order, from 1, and the state after it. */
  readonly place?: { readonly number: number; readonly state: string };
  /** Why no legal order can place it next. */
  readonly impossible?: string;
  /** Its name in a cycle: `T1`. */
  readonly label?: string;
}

export interface Scene {
  readonly anomaly: Anomaly;
  readonly checker: string;
  /** Whose anomaly it is, in words: `key 3`. */
  readonly subject: string | null;
  /** In order of invocation. */
  readonly steps: readonly SceneStep[];
  /** Operations that matter too, but did not fit. */
  readonly omitted: number;
  /** Whether a model gave the steps a legal order; without one they are told as they happened. */
  readonly ordered: boolean;
  /** Of a cycle, each edge in a sentence; the last is the contradiction. */
  readonly edges: readonly string[];
}

/**
 * The scenes of at most `limit` anomalies. Checkers give the worst first, and that order is kept; but the first of each
 * kind comes before the second of any, and what can be drawn before words alone.
 */
export function scenesOf(verdicts: readonly Verdict[], history: History, limit: number, stepLimit = 24): Scene[] {
  const seen = new Map<string, number>();
  const found = verdicts.flatMap(({ checker, anomalies }) =>
    anomalies.map((anomaly) => {
      const earlier = seen.get(anomaly.name) ?? 0;
      seen.set(anomaly.name, earlier + 1);
      return { anomaly, checker, rank: drawn(anomaly).length > 0 ? earlier : earlier + 1e9 };
    }),
  );
  return found
    .sort((a, b) => a.rank - b.rank)
    .slice(0, limit)
    .map(({ anomaly, checker }) => sceneOf(anomaly, checker, history, stepLimit));
}

const drawn = (anomaly: Anomaly): readonly number[] => anomaly.counterexample?.operations ?? anomaly.witnesses;

function sceneOf(anomaly: Anomaly, checker: string, history: History, stepLimit: number): Scene {
  const reasons = new Map(anomaly.counterexample?.impossible.map(({ index, reason }) => [index, reason]));
  const places = new Map(
    anomaly.counterexample?.order.map(({ index, state }, at) => [index, { number: at + 1, state }]),
  );
  const cycle = anomaly.counterexample?.cycle ?? [];
  const labels = new Map(cycle.map(({ index }, at) => [index, `T${at + 1}`]));
  const wanted = [...new Set([...drawn(anomaly), ...reasons.keys()])].filter((index) => history.at(index) >= 0);
  const kept = nearest(wanted, [...reasons.keys()], stepLimit);
  const operations = kept.map((index) => history.operation(history.at(index)));
  const shared = subjectsOf(operations).size === 1;
  const steps = operations.map((operation): SceneStep => {
    const place = places.get(operation.index);
    const impossible = reasons.get(operation.index);
    return {
      operation,
      endNs: endOf(operation, history),
      ...wordsOf(operation, !shared),
      ...(place && { place }),
      ...(impossible !== undefined && { impossible }),
      ...(labels.has(operation.index) && { label: labels.get(operation.index) as string }),
    };
  });
  return {
    anomaly,
    checker,
    subject: subjectWords(anomaly, operations),
    steps,
    omitted: wanted.length - kept.length,
    ordered: places.size > 0,
    edges: edgesOf(cycle.map(({ before }) => before)),
  };
}

/** A transaction is told as a whole, with what it read. */
function wordsOf(
  { input, completion }: Operation,
  subject: boolean,
): { readonly ask: string; readonly answer: string } {
  const transaction = transacted(input, completion);
  if (transaction === null) return { ask: asked(input, { subject }), answer: answered(input, completion) };
  return { ask: transaction, answer: completion.type === 'ok' ? '' : answered(input, completion) };
}

const edgesOf = (reasons: readonly string[]): string[] =>
  reasons.map((reason, at) => {
    const isLast = at === reasons.length - 1;
    return `T${at + 1} < T${isLast ? 1 : at + 2}, because ${reason}${isLast ? ': a contradiction!' : '.'}`;
  });

/** Of the operations that are about something. */
const subjectsOf = (operations: readonly Operation[]): ReadonlySet<string> =>
  new Set(operations.map(({ input }) => subjectOf(input)).filter((subject) => subject !== undefined));

function subjectWords(anomaly: Anomaly, operations: readonly Operation[]): string | null {
  const shared = subjectsOf(operations);
  const [only] = shared;
  const subject = anomaly.counterexample?.subject ?? (shared.size === 1 ? only : undefined);
  if (subject === undefined) return null;
  const isKey = operations.length > 0 && operations.every(({ input }) => String(input['key']) === subject);
  return isKey ? `key ${subject}` : subject;
}

/** At most `limit` of the indices: `must` first, then those that come closest before them; ascending. */
function nearest(indices: readonly number[], must: readonly number[], limit: number): number[] {
  const last = must.length > 0 ? Math.max(...must) : Math.max(0, ...indices);
  return [...indices]
    .sort((a, b) => Number(must.includes(b)) - Number(must.includes(a)) || Math.abs(last - a) - Math.abs(last - b))
    .slice(0, limit)
    .sort((a, b) => a - b);
}

function endOf(operation: Operation, history: History): number {
  const ended = history.endedNs(history.at(operation.index));
  return Number.isNaN(ended) ? Math.max(operation.invokedNs, history.lastNs) : Math.max(operation.invokedNs, ended);
}
