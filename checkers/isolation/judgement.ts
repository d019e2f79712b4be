/** From anomalies and cycles to a verdict: which consistency models fall, and whether the one asked for is among them. */

import type { Anomaly, Budget, Json, Verdict } from '../../rig/contract.ts';
import { invalid, unknown, valid } from '../../rig/define.ts';
import { type AnomalyName, clockworkOf, type ConsistencyModel, forbids, refutedBy } from './consistency-models.ts';
import { explainCycle } from './cycle-explanation.ts';
import { type Cycles, findCycles } from './cycle-search.ts';
import { nameOf, type Step } from './cycle.ts';
import type { Findings } from './findings.ts';
import type { Graph } from './graph.ts';
import { type MicroOperations, NotTransactions } from './micro-operations.ts';
import { transactionText, valueText } from './wording.ts';

/** Transactions that were read and whose dependencies are known. */
export interface Analysis {
  readonly micros: MicroOperations;
  readonly graph: Graph;
  readonly findings: Findings;
  /** Why the one must come before the other, as the end of a sentence. */
  reason(step: Step, name: (at: number) => string): string;
  readonly statistics: Readonly<Record<string, Json>>;
  /** Looks, where no cycle says that there is none, for an order of all transactions, and reports if there is none. True if there is one. */
  seekOrder?(): boolean;
}

/** Judges the analysis that `analyse` makes of a history by `model`. */
export function judgeBy(checker: string, model: ConsistencyModel, analyse: () => Analysis, budget: Budget): Verdict {
  let analysis: Analysis;
  try {
    analysis = analyse();
  } catch (error) {
    if (error instanceof NotTransactions) return unknown(checker, error.message);
    throw error;
  }
  const { micros, graph, findings } = analysis;
  if (micros.transactions === 0) return unknown(checker, 'no transaction was asked for, so there was nothing to judge');
  if (micros.succeeded === 0) return unknown(checker, 'no transaction succeeded, so there was nothing to judge');
  const ambiguity = ambiguityOf(micros);
  if (ambiguity) return unknown(checker, ambiguity);
  const found = findCycles(graph, micros.history, clockworkOf(model), budget);
  for (const cycle of found.cycles) findings.add(nameOf(cycle), () => explainCycle(analysis, cycle));
  const isForbidden = [...findings.counts.keys()].some((name) => forbids(model, name));
  const hasOrder = !isForbidden && analysis.seekOrder?.() === true;
  return conclude(checker, model, analysis, { ...found, hasOrder }, budget);
}

function conclude(
  checker: string,
  model: ConsistencyModel,
  analysis: Analysis,
  { complete, hasOrder }: Cycles & { readonly hasOrder: boolean },
  budget: Budget,
): Verdict {
  const { micros, graph, findings, statistics } = analysis;
  const names = [...findings.counts.keys()];
  const { not, alsoNot } = refutedBy(names);
  const facts = {
    transactions: micros.transactions,
    succeeded: micros.succeeded,
    keys: micros.keys.values.length,
    dependencies: graph.target.length,
    ...statistics,
    anomalies: Object.fromEntries(findings.counts),
    not,
    alsoNot,
  };
  const isForbidden = (name: AnomalyName) => forbids(model, name);
  const [first, ...rest] = findings.all.filter(({ name }) => isForbidden(name)) as Anomaly[];
  if (first) {
    const forbidden = names.filter(isForbidden).map((name) => `${findings.counts.get(name)} ${name}`);
    return invalid(checker, `not ${model}: ${forbidden.join(', ')}; ${ruledOut(not)}`, [first, ...rest], facts);
  }
  const doubt = doubtOf(analysis, complete || hasOrder, hasOrder, budget);
  if (doubt) return unknown(checker, doubt, facts);
  const others = names.length === 0 ? '' : `; there was ${names.join(', ')}, which ${model} allows (${ruledOut(not)})`;
  return valid(
    checker,
    `${micros.succeeded} transactions over ${micros.keys.values.length} keys show no anomaly that ${model} forbids${others}`,
    facts,
  );
}

const ruledOut = (not: readonly string[]): string => `it breaks ${not.join(', ')} and all that is stronger`;

/** Which value was written twice, so that a read of it does not tell whose it is. */
function ambiguityOf(micros: MicroOperations): string | null {
  const [again] = micros.repeated;
  if (again === undefined) return null;
  const micro = micros.writeMicro[again] as number;
  const key = micros.keys.values[micros.key[micro] as number] as Json;
  const value = micros.codes.valueOf(micros.value[micro] as number);
  const writer = transactionText(micros, micros.writeTransaction[again] as number);
  return `${valueText(value)} was written to key ${valueText(key)} more than once (${writer}), so reads cannot tell which write they saw: values must be unique`;
}

/** Why nothing can be said though no anomaly was found. */
function doubtOf(
  { micros, graph, findings }: Analysis,
  complete: boolean,
  hasOrder: boolean,
  budget: Budget,
): string | null {
  if (!complete)
    return `${budget.reason() || 'the search'} ran out before all cycles were looked for; none was found so far`;
  if (micros.reads === 0) return 'no transaction that succeeded read anything, so there was nothing to judge';
  if (graph.target.length === 0 && findings.counts.size === 0 && !hasOrder)
    return 'no two transactions had to do with each other, so there was nothing to judge';
  return null;
}
