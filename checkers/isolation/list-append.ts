/**
 * Transactions that append to lists and read them whole. A read shows the order of all appends before it, so what
 * depends on what is known almost entirely: after K. Kingsbury and P. Alvaro, "Elle" (VLDB 2020), without a search.
 */

import type { Budget, Checker } from '../../rig/contract.ts';
import { defineChecker } from '../../rig/define.ts';
import type { History } from '../../rig/history.ts';
import type { ConsistencyModel } from './consistency-models.ts';
import { findDoubtfulAnomalies } from './doubtful-lists.ts';
import { Findings } from './findings.ts';
import { type Analysis, judgeBy } from './judgement.ts';
import { findListAnomalies } from './list-anomalies.ts';
import { listGraph, listReason } from './list-graph.ts';
import { LongestLists, orderOfLists } from './list-order.ts';
import { MicroOperations, type TransactionInput, type TransactionOutput } from './micro-operations.ts';
import { nameWith, STRICT } from './options.ts';

/** Judges by this model; its name is `list-append:` and the model's. */
export function listAppendBy(model: ConsistencyModel): Checker<TransactionInput, TransactionOutput> {
  const name = nameWith('list-append', { ...STRICT, model });
  return defineChecker<TransactionInput, TransactionOutput>({
    name,
    check: (history, budget) => judgeBy(name, model, () => analyse(history as unknown as History, budget), budget),
  });
}

function analyse(history: History, budget: Budget): Analysis {
  const lists = new LongestLists();
  const micros = new MicroOperations(history, lists, budget);
  const order = orderOfLists(micros, lists);
  const findings = new Findings();
  findListAnomalies(micros, order, findings);
  findDoubtfulAnomalies(micros, order, findings);
  return {
    micros,
    graph: listGraph(micros, order),
    findings,
    reason: (step, name) => listReason(micros, order, step, name),
    statistics: { doubtfulKeys: order.doubtful.size },
  };
}

/** Judges by strict serializability: one order of all transactions, in keeping with real time. */
export const listAppend = listAppendBy('strict-serializable');
