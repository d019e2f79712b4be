/**
 * Transactions that select, insert, update and delete SQL rows by primary key, without predicates: as registers whose
 * versions are rows, in which every statement also tells whether it found a row. Rows must be unique for each key.
 */

import type { Budget, Checker } from '../../rig/contract.ts';
import { defineChecker } from '../../rig/define.ts';
import type { History } from '../../rig/history.ts';
import { clockworkOf, type ConsistencyModel } from './consistency-models.ts';
import { Findings } from './findings.ts';
import { type Analysis, judgeBy } from './judgement.ts';
import { MicroOperations, type TransactionInput, type TransactionOutput } from './micro-operations.ts';
import { nameWith, STRICT } from './options.ts';
import { findRegisterAnomalies } from './register-anomalies.ts';
import { registerGraph, registerReason } from './register-graph.ts';
import { absencesInTime, insertedFirst, resolveRows, rowReads } from './row-reads.ts';
import { rows, seekOrder } from './serial-order.ts';

/** Judges by this model; its name is `sql-rows:` and the model's. */
export function sqlRowsBy(model: ConsistencyModel): Checker<TransactionInput, TransactionOutput> {
  const name = nameWith('sql-rows', { ...STRICT, model });
  return defineChecker<TransactionInput, TransactionOutput>({
    name,
    check: (history, budget) =>
      judgeBy(name, model, () => analyse(history as unknown as History, model, budget), budget),
  });
}

function analyse(history: History, model: ConsistencyModel, budget: Budget): Analysis {
  const micros = new MicroOperations(history, rowReads, budget);
  resolveRows(micros);
  const findings = new Findings();
  findRegisterAnomalies(micros, findings);
  const inTime = clockworkOf(model) === 'realtime';
  const { graph, evidence } = registerGraph(micros, inTime, [], findings, budget, (edges, external) => {
    insertedFirst(micros, external, edges);
    if (inTime) absencesInTime(micros, edges, findings);
  });
  return {
    micros,
    graph,
    findings,
    reason: (step, name) => registerReason(micros, evidence, step, name),
    statistics: {},
    seekOrder: () => seekOrder(history, rows, model, findings, budget),
  };
}

/** Judges by strict serializability: one order of all transactions, in keeping with real time. */
export const sqlRows = sqlRowsBy('strict-serializable');
