/**
 * Is there one order of the operations, each between its invocation and its answer, that the model allows?
 *
 * Split by the model's partitions, each judged by itself: a key without a legal order is the system's fault.
 */

import type { Anomaly, Budget, Checker, Input, Json, Model, Verdict } from '../rig/contract.ts';
import { defineChecker, invalid, unknown, valid } from '../rig/define.ts';
import type { History } from '../rig/history.ts';
import { count } from './anomalies.ts';
import { Cases } from './cases.ts';
import type { Monitored } from './monitors/monitor.ts';
import { UnknownFunction } from './monitors/operations.ts';
import { anySucceeded } from './search/problem.ts';

/** Partitions without a legal order that are explained; all are counted. */
const MOST_EXPLAINED = 10;
/** Undecided partitions that are named. */
const MOST_NAMED = 5;

const WHOLE = { number: 0, of: 1 };

/** Judges every partition of a history by `model`, e.g. each key of a register. */
export const linearizable = <State, In extends Input, Out extends Json>(
  model: Model<State, In, Out> & Monitored,
): Checker<In, Out> => {
  const name = `linearizable(${model.name})`;
  return defineChecker<In, Out>({
    name,
    check(history, budget, share = WHOLE) {
      if (history.length === 0)
        return history.eventCount > 0
          ? unknown(name, 'nothing that was asked for is in the history, so there was nothing to judge')
          : valid(name, 'nothing was asked for, so nothing contradicts the model');
      if (!anySucceeded(history)) return unknown(name, 'no operation succeeded, so there was nothing to judge');
      try {
        const cases = new Cases(history as unknown as History, model as unknown as Model<unknown> & Monitored, share);
        cases.decide(budget);
        const explained = cases.with('impossible').slice(0, MOST_EXPLAINED);
        const anomalies = explained.map((partition) => cases.explain(partition, budget));
        return verdictOf(name, tallyOf(cases, history as unknown as History, budget), anomalies);
      } catch (error) {
        if (error instanceof UnknownFunction) return unknown(name, error.message);
        throw error;
      }
    },

    join(verdicts) {
      const tallies = verdicts.map(({ statistics }) => statistics as Tally | null);
      const [early] = verdicts.filter((_, at) => tallies[at] === null);
      if (early) return early;
      const anomalies = verdicts.flatMap((verdict) => verdict.anomalies).slice(0, MOST_EXPLAINED);
      return verdictOf(name, (tallies as readonly Tally[]).reduce(added), anomalies);
    },
  });
};

/** What came of the partitions. */
type Tally = {
  readonly partitions: number;
  readonly operations: number;
  /** Configurations that searches visited. */
  readonly configurations: number;
  readonly legal: number;
  readonly impossible: number;
  /** `reached`: the operation that the search did not get past; `null` if it has not begun. */
  readonly undecided: readonly { readonly key: string; readonly reached: number | null }[];
  /** Which limit ran out, where something is undecided. */
  readonly ranOut: string;
};

function tallyOf(cases: Cases, history: History, budget: Budget): Tally {
  const { operations, partitions, configurations } = cases;
  const sizeOf = (partition: number) =>
    (operations.starts[partition + 1] as number) - (operations.starts[partition] as number);
  const undecided = cases.with('open').map((partition) => {
    const at = cases.stuckAt(partition);
    return { key: operations.name(partition), reached: at < 0 ? null : (history.invokeIndex[at] as number) };
  });
  return {
    partitions: partitions.length,
    operations: partitions.reduce((sum, partition) => sum + sizeOf(partition), 0),
    configurations,
    legal: cases.with('legal').length,
    impossible: cases.with('impossible').length,
    undecided,
    ranOut: undecided.length > 0 ? budget.reason() || 'the memory for its searches' : '',
  };
}

const added = (one: Tally, other: Tally): Tally => ({
  partitions: one.partitions + other.partitions,
  operations: one.operations + other.operations,
  configurations: one.configurations + other.configurations,
  legal: one.legal + other.legal,
  impossible: one.impossible + other.impossible,
  undecided: [...one.undecided, ...other.undecided],
  ranOut: one.ranOut || other.ranOut,
});

function verdictOf(name: string, tally: Tally, [first, ...rest]: readonly Anomaly[]): Verdict {
  const { partitions, operations, legal, impossible, undecided, ranOut } = tally;
  if (first) {
    const where = partitions > 1 ? ` for ${impossible} of ${partitions} keys` : '';
    return invalid(name, `no legal order exists${where}: ${inShort(first, partitions > 1)}`, [first, ...rest], tally);
  }
  if (undecided.length > 0) {
    const stuck = undecided.slice(0, MOST_NAMED).map(({ key, reached }) => {
      const far = reached === null ? 'not begun' : `got to operation ${reached}`;
      return key === '' ? far : `${key} (${far})`;
    });
    const more = undecided.length > MOST_NAMED ? [`${undecided.length - MOST_NAMED} more`] : [];
    return unknown(
      name,
      `${ranOut} ran out: ${legal} of ${partitions} partitions are legal, undecided: ${[...stuck, ...more].join(', ')}`,
      tally,
    );
  }
  const over = partitions > 1 ? ` of ${partitions} keys, each by itself,` : '';
  return valid(
    name,
    `${count(operations, 'operation')}${over} ${operations === 1 ? 'has' : 'have'} a legal order`,
    tally,
  );
}

/** `on x, operation 8 cannot be placed (cannot read 5 while it holds 7)`; without what it is on where that is all there is. */
function inShort({ counterexample, explanation }: Anomaly, isOneOfMany: boolean): string {
  const last = counterexample?.impossible.at(-1);
  if (!last) return explanation;
  return `${isOneOfMany ? `on ${counterexample?.subject}, ` : ''}operation ${last.index} cannot be placed (${last.reason})`;
}
