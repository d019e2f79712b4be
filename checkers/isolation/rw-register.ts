/**
 * Transactions that write and read registers. A read shows one write only, so the order of writes is known as far as
 * it follows from what was read, or from what is taken for granted: every violation that is reported is one, but there
 * may be others.
 */

import type { Budget, Checker } from '../../rig/contract.ts';
import { defineChecker } from '../../rig/define.ts';
import type { History } from '../../rig/history.ts';
import { clockworkOf } from './consistency-models.ts';
import { Findings } from './findings.ts';
import { type Analysis, judgeBy } from './judgement.ts';
import { MicroOperations, type TransactionInput, type TransactionOutput } from './micro-operations.ts';
import { nameWith, type Options, STRICT } from './options.ts';
import { findRegisterAnomalies } from './register-anomalies.ts';
import { registerGraph, registerReason } from './register-graph.ts';
import { registerReads, resolveReads } from './register-reads.ts';
import { registers, seekOrder } from './serial-order.ts';

/** Judges by a model, taking for granted what the options say: its name says both. */
export function rwRegisterBy(options: Partial<Options>): Checker<TransactionInput, TransactionOutput> {
  const all = { ...STRICT, ...options };
  const name = nameWith('rw-register', all);
  return defineChecker<TransactionInput, TransactionOutput>({
    name,
    check: (history, budget) =>
      judgeBy(name, all.model, () => analyse(history as unknown as History, all, budget), budget),
  });
}

function analyse(history: History, { model, assumed }: Options, budget: Budget): Analysis {
  const micros = new MicroOperations(history, registerReads, budget);
  resolveReads(micros);
  const findings = new Findings();
  findRegisterAnomalies(micros, findings);
  const { graph, evidence } = registerGraph(micros, clockworkOf(model) === 'realtime', assumed, findings, budget);
  return {
    micros,
    graph,
    findings,
    reason: (step, name) => registerReason(micros, evidence, step, name),
    statistics: {},
    seekOrder: () => seekOrder(history, registers, model, findings, budget),
  };
}

/** Judges by strict serializability: one order of all transactions, in keeping with real time. */
export const rwRegister = rwRegisterBy({});
