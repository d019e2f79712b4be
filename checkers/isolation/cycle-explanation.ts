/** A cycle in words: who each transaction is, why each must come before the next, and the contradiction at the end. */

import type { Counterexample, Json } from '../../rig/contract.ts';
import type { History } from '../../rig/history.ts';
import { hasTimes } from '../wording.ts';
import { type Cycle, nameOf, REALTIME, rotated, type Step } from './cycle.ts';
import { type AnomalyName, refutedBy } from './consistency-models.ts';
import type { Finding } from './findings.ts';
import { PROCESS, RW, RW_IN_TIME, VISIBLE, VISIBLE_IN_TIME, WR, WW } from './graph.ts';
import type { Analysis } from './judgement.ts';
import { transactionText } from './wording.ts';

const KIND_NAMES: Readonly<Record<number, string>> = {
  [WW]: 'ww',
  [WR]: 'wr',
  [RW]: 'rw',
  [VISIBLE]: 'ww-visible',
  [PROCESS]: 'process',
  [VISIBLE_IN_TIME]: 'ww-realtime',
  [RW_IN_TIME]: 'rw-realtime',
  [REALTIME]: 'realtime',
};

/** What each kind of cycle is called outside the literature. */
const MEANINGS: readonly (readonly [base: string, meaning: string])[] = [
  ['G0', 'a write cycle, in which each transaction was overwritten by the next'],
  ['G1c', 'circular information flow, in which each transaction follows from the one before it'],
  ['G-single', 'read skew, in which one transaction missed a write that it must come after'],
  ['G-nonadjacent', 'a long fork, in which writes were seen in different orders'],
  ['G2', 'write skew, in which transactions missed what each other wrote'],
];

function meaningOf(name: AnomalyName): string {
  const meaning = MEANINGS.find(([base]) => name.startsWith(base))?.[1] ?? 'a cycle';
  if (name.endsWith('-realtime')) return `${meaning}, by the order of real time`;
  return name.endsWith('-process') ? `${meaning}, by the order of one process` : meaning;
}

export function explainCycle(analysis: Analysis, cycle: Cycle): Omit<Finding, 'name'> {
  const { micros } = analysis;
  const { history } = micros;
  const steps = rotated(cycle);
  const numbers = new Map(steps.map(({ from }, at) => [from, at + 1]));
  const name = (at: number) => `T${numbers.get(at)}`;
  const reasons = steps.map((step) => reasonOf(analysis, step, name));
  const index = (at: number) => history.invokeIndex[at] as number;
  const sentences = steps.map((step, at) => {
    const claim = `${name(step.from)} < ${name(step.to)}, because ${reasons[at]}`;
    return at < steps.length - 1 ? `${claim}.` : `However, ${claim}: a contradiction!`;
  });
  const who = steps.map(({ from }) => `${name(from)} is ${transactionText(micros, from)}.`);
  const { not } = refutedBy([nameOf(cycle)]);
  return {
    explanation: [`${meaningOf(nameOf(cycle))}.`, ...who, ...sentences].join(' '),
    witnesses: steps.map(({ from }) => index(from)),
    counterexample: counterexampleOf(history, steps, reasons),
    detail: {
      cycle: steps.map(({ from }) => index(from)),
      steps: steps.map(
        ({ from, to, kind }, at): Json => ({
          from: index(from),
          to: index(to),
          kind: KIND_NAMES[kind] ?? 'unknown',
          reason: reasons[at] as string,
        }),
      ),
      not,
    },
  };
}

/** What a report draws: the transactions, and why each must come before the next. */
function counterexampleOf(history: History, steps: readonly Step[], reasons: readonly string[]): Counterexample {
  const index = (at: number) => history.invokeIndex[at] as number;
  return {
    subject: `a cycle of ${steps.length} transactions`,
    operations: steps.map(({ from }) => index(from)).sort((a, b) => a - b),
    order: [],
    impossible: [],
    cycle: steps.map(({ from }, at) => ({ index: index(from), before: reasons[at] as string })),
  };
}

function reasonOf(analysis: Analysis, step: Step, name: (at: number) => string): string {
  const { history } = analysis.micros;
  if (step.kind === PROCESS)
    return `process ${history.process[step.from]} had completed ${name(step.from)} before it asked for ${name(step.to)}`;
  if (step.kind !== REALTIME) return analysis.reason(step, name);
  const gapNs = (history.invokedNs[step.to] as number) - (history.completedNs[step.from] as number);
  const gap = hasTimes(history) ? `, ${(gapNs / 1e6).toFixed(3)} ms` : '';
  return `${name(step.from)} completed (event ${history.completeIndex[step.from]})${gap} before ${name(step.to)} was invoked (event ${history.invokeIndex[step.to]})`;
}
