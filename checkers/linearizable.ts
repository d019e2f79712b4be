/**
 * Is there one order of the operations, each between its invocation and its answer, that the model allows?
 *
 * Split by the model's partitions, each judged by itself: a key without a legal order is the system's fault.
 */

import type { Anomaly, Budget, Checker, Input, Json, Model, Verdict } from '../rig/contract.ts';
import { defineChecker, invalid, unknown, valid } from '../rig/define.ts';
import type { History } from '../rig/history.ts';
import { Cases } from './cases.ts';
import type { Monitored } from './monitors/monitor.ts';
import { UnknownFunction } from './monitors/operations.ts';
import { anySucceeded } from './search/problem.ts';

/** Partitions without a legal order that are explained; all are counted. */
const MOST_EXPLAINED = 10;
/** Undecided partitions that are named. */
const MOST_NAMED = 5;

/** Judges every partition of a history by `model`, e.g. each key of a register. */
export const linearizable = <State, In extends Input, Out extends Json>(
  model: Model<State, In, Out> & Monitored,
): Checker<In, Out> =>
  defineChecker<In, Out>({
    name: `linearizable(${model.name})`,
    check(history, budget) {
      const name = `linearizable(${model.name})`;
      if (history.length === 0) return valid(name, 'nothing was asked for, so nothing contradicts the model');
      if (!anySucceeded(history)) return unknown(name, 'no operation succeeded, so there was nothing to judge');
      try {
        const cases = new Cases(history as unknown as History, model as unknown as Model<unknown> & Monitored);
        cases.decide(budget);
        return judge(name, cases, history as unknown as History, budget);
      } catch (error) {
        if (error instanceof UnknownFunction) return unknown(name, error.message);
        throw error;
      }
    },
  });

function judge(name: string, cases: Cases, history: History, budget: Budget): Verdict {
  const { operations, configurations } = cases;
  const count = operations.partitionCount;
  const open = cases.with('open');
  const statistics = {
    partitions: count,
    operations: operations.at.length,
    configurations,
    undecided: open.map((partition) => operations.name(partition)),
  };
  const impossible = cases.with('impossible');
  const [first, ...rest] = impossible.slice(0, MOST_EXPLAINED).map((partition) => cases.explain(partition, budget));
  if (first) {
    const where = count > 1 ? ` for ${impossible.length} of ${count} keys` : '';
    return invalid(name, `no legal order exists${where}: ${inShort(first)}`, [first, ...rest], statistics);
  }
  if (open.length > 0) {
    const stuck = open.slice(0, MOST_NAMED).map((partition) => {
      const at = cases.stuckAt(partition);
      const far = at < 0 ? 'not begun' : `got to operation ${history.invokeIndex[at]}`;
      return operations.name(partition) === '' ? far : `${operations.name(partition)} (${far})`;
    });
    const more = open.length > MOST_NAMED ? [`${open.length - MOST_NAMED} more`] : [];
    return unknown(
      name,
      `${budget.reason() || 'the memory for its searches'} ran out: ${cases.with('legal').length} of ${count} partitions are legal, undecided: ${[...stuck, ...more].join(', ')}`,
      statistics,
    );
  }
  const over = count > 1 ? ` of ${count} keys, each by itself` : '';
  return valid(name, `${operations.at.length} operations${over}, have a legal order`, statistics);
}

/** `on x, operation 8 cannot be placed (cannot read 5 while it holds 7)` */
function inShort({ counterexample, explanation }: Anomaly): string {
  const last = counterexample?.impossible.at(-1);
  return last
    ? `on ${counterexample?.subject}, operation ${last.index} cannot be placed (${last.reason})`
    : explanation;
}
