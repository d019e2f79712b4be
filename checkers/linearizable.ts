/**
 * Is there one order of the operations, each between its invocation and its answer, that the model allows?
 *
 * Split by the model's partitions, which are searched in turns with rising budgets, so that one hard key does not
 * hide an easy violation of another.
 */

import type { Anomaly, Budget, Checker, Input, Json, Model, Verdict } from '../rig/contract.ts';
import { defineChecker, invalid, unknown, valid } from '../rig/define.ts';
import type { History } from '../rig/history.ts';
import { explain } from './counterexample.ts';
import type { Memory } from './search/failed.ts';
import { anySucceeded, type Partition, partitions, UnknownFunction } from './search/problem.ts';
import type { Outcome } from './search/search.ts';
import { RISE, Trial } from './search/trial.ts';

/** What the memos of all searches may take together: 512 MiB in 32-bit words. */
const MEMORY_WORDS = 512 * 2 ** 18;

/** Partitions without a legal order that are explained; all are counted. */
const MOST_EXPLAINED = 10;

/** Judges every partition of a history by `model`, e.g. each key of a register. */
export const linearizable = <State, In extends Input, Out extends Json>(
  model: Model<State, In, Out>,
): Checker<In, Out> =>
  defineChecker<In, Out>({
    name: `linearizable(${model.name})`,
    check(history, budget) {
      const name = `linearizable(${model.name})`;
      if (history.length === 0) return valid(name, 'nothing was asked for, so nothing contradicts the model');
      if (!anySucceeded(history)) return unknown(name, 'no operation succeeded, so there was nothing to judge');
      try {
        const memory: Memory = { left: MEMORY_WORDS };
        const cases = partitions(history, model).map((partition) => ({
          partition,
          trial: new Trial(partition.problem, partition.transitions as never, memory),
        }));
        takeTurns(
          cases.map(({ trial }) => trial),
          budget,
        );
        return judge(name, cases, history, budget);
      } catch (error) {
        if (error instanceof UnknownFunction) return unknown(name, error.message);
        throw error;
      }
    },
  });

/** A partition on trial. */
interface Case<State, In extends Input, Out extends Json> {
  readonly partition: Partition<State, In, Out>;
  readonly trial: Trial;
}

function takeTurns(trials: readonly Trial[], budget: Budget): void {
  let open = trials;
  for (let effort = 1; open.length > 0 && !budget.exhausted(); effort *= RISE) {
    for (const trial of open) {
      if (budget.exhausted()) return;
      trial.run(effort, budget);
    }
    open = open.filter((trial) => trial.outcome === 'open');
    if (trials.some((trial) => trial.outcome === 'impossible')) return;
  }
}

function judge<State, In extends Input, Out extends Json>(
  name: string,
  cases: readonly Case<State, In, Out>[],
  history: History<In, Out>,
  budget: Budget,
): Verdict {
  const of = (outcome: Outcome) => cases.filter(({ trial }) => trial.outcome === outcome);
  const legal = of('legal');
  const open = of('open');
  const operations = cases.reduce((sum, { trial }) => sum + trial.problem.at.length, 0);
  const statistics = {
    partitions: cases.length,
    operations,
    configurations: cases.reduce((sum, { trial }) => sum + trial.nodes, 0),
    undecided: open.map(({ partition }) => partition.name),
  };
  const impossible = of('impossible');
  const [first, ...rest] = impossible
    .slice(0, MOST_EXPLAINED)
    .map(({ partition }) => explain(history, partition, budget));
  if (first) {
    const where = cases.length > 1 ? ` for ${impossible.length} of ${cases.length} keys` : '';
    return invalid(name, `no legal order exists${where}: ${inShort(first)}`, [first, ...rest], statistics);
  }
  if (open.length > 0) {
    const stuck = open.map(({ partition, trial }) => {
      const at = trial.blocked < 0 ? -1 : (trial.problem.at[trial.blocked] as number);
      const far = at < 0 ? 'not begun' : `got to operation ${history.invokeIndex[at]}`;
      return partition.name === '' ? far : `${partition.name} (${far})`;
    });
    const some = stuck.length > 5 ? [...stuck.slice(0, 5), `${stuck.length - 5} more`] : stuck;
    return unknown(
      name,
      `${budget.reason()} ran out: ${legal.length} of ${cases.length} partitions are legal, undecided: ${some.join(', ')}`,
      statistics,
    );
  }
  const over = cases.length > 1 ? ` of ${cases.length} keys, each by itself` : '';
  return valid(name, `${operations} operations${over}, have a legal order`, statistics);
}

/** `on x, operation 8 cannot be placed (cannot read 5 while it holds 7)` */
function inShort({ counterexample, explanation }: Anomaly): string {
  const last = counterexample?.impossible.at(-1);
  return last
    ? `on ${counterexample?.subject}, operation ${last.index} cannot be placed (${last.reason})`
    : explanation;
}
