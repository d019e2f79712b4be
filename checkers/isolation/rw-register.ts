/**
 * Transactions that write and read registers. A read shows one write only, so the order of writes is known as far as
 * it follows from what was read: every violation that is reported is one, but there may be others.
 */

import type { Budget, Checker } from '../../rig/contract.ts';
import { defineChecker } from '../../rig/define.ts';
import type { History } from '../../rig/history.ts';
import { clockworkOf, type ConsistencyModel } from './consistency-models.ts';
import { Findings } from './findings.ts';
import { type Analysis, judgeBy } from './judgement.ts';
import { MicroOperations, type TransactionInput, type TransactionOutput } from './micro-operations.ts';
import { findRegisterAnomalies } from './register-anomalies.ts';
import { registerGraph, registerReason } from './register-graph.ts';
import { registerReads, resolveReads } from './register-reads.ts';

const NAME = 'rw-register';

const rwRegisterBy = (name: string, model: ConsistencyModel): Checker<TransactionInput, TransactionOutput> =>
  defineChecker<TransactionInput, TransactionOutput>({
    name,
    check: (history, budget) =>
      judgeBy(name, model, () => analyse(history as unknown as History, model, budget), budget),
  });

function analyse(history: History, model: ConsistencyModel, budget: Budget): Analysis {
  const micros = new MicroOperations(history, registerReads, budget);
  resolveReads(micros);
  const findings = new Findings();
  findRegisterAnomalies(micros, findings);
  return {
    micros,
    graph: registerGraph(micros, clockworkOf(model) === 'realtime', findings),
    findings,
    reason: (step, name) => registerReason(micros, step, name),
    statistics: {},
  };
}

const at = (model: ConsistencyModel) => rwRegisterBy(`${NAME}:${model}`, model);

/** Judges by strict serializability: one order of all transactions, in keeping with real time. */
export const rwRegister = rwRegisterBy(NAME, 'strict-serializable');
export const rwRegisterStrongSession = at('strong-session-serializable');
export const rwRegisterSerializable = at('serializable');
export const rwRegisterSnapshotIsolation = at('snapshot-isolation');
export const rwRegisterStrongSnapshotIsolation = at('strong-snapshot-isolation');
export const rwRegisterRepeatableRead = at('repeatable-read');
export const rwRegisterReadAtomic = at('read-atomic');
export const rwRegisterReadCommitted = at('read-committed');
export const rwRegisterReadUncommitted = at('read-uncommitted');
