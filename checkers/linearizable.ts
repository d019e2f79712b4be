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
import { Search } from './search/search.ts';
import type { Transitions } from './search/transitions.ts';

/** What the memos of all searches may take together: 512 MiB in 32-bit words. */
const MEMORY_WORDS = 512 * 2 ** 18;

/** Partitions without a legal order that are explained; all are counted. */
const MOST_EXPLAINED = 10;

/** The factor between the budgets of two turns. */
const RISE = 4;

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
        const trials = partitions(history, model).map((partition) => new Trial(partition));
        takeTurns(trials, budget);
        return judge(name, trials, history, budget);
      } catch (error) {
        if (error instanceof UnknownFunction) return unknown(name, error.message);
        throw error;
      }
    },
  });

/** The search of one partition: one that spends unknown operations sparingly and, if there are any, one that does not. */
class Trial<State, In extends Input, Out extends Json> {
  readonly partition: Partition<State, In, Out>;
  outcome: 'legal' | 'impossible' | 'open' = 'open';
  /** The one that came to a conclusion, or the one that got furthest. */
  search: Search | null = null;
  sparing = true;
  nodes = 0;
  readonly #searches: { readonly sparing: boolean; readonly search: Search }[] = [];

  constructor(partition: Partition<State, In, Out>) {
    this.partition = partition;
  }

  /** Goes on for about `effort` configurations for each operation. */
  run(effort: number, budget: Budget, memory: Memory): void {
    const { problem } = this.partition;
    const transitions = this.partition.transitions as unknown as Transitions<unknown, Input, Json>;
    if (this.#searches.length === 0) {
      const search = new Search(problem, transitions, { memory, sparing: true });
      this.#searches.push({ sparing: true, search });
      if (search.hasUnknowns)
        this.#searches.push({ sparing: false, search: new Search(problem, transitions, { memory, sparing: false }) });
    }
    for (const { sparing, search } of this.#searches) {
      const outcome = search.run(effort * (2 * problem.at.length + 500), budget);
      if (!this.search || search.furthest > this.search.furthest) this.search = search;
      if (outcome === 'open' || outcome === 'reached') continue;
      this.outcome = outcome;
      this.search = search;
      this.sparing = sparing;
      break;
    }
    this.nodes = this.#searches.reduce((sum, { search }) => sum + search.nodes, 0);
    if (this.outcome === 'open') return;
    for (const { search } of this.#searches) search.close();
    this.#searches.length = 0;
  }
}

type AnyTrial = Trial<unknown, Input, Json>;

function takeTurns<State, In extends Input, Out extends Json>(
  trials: readonly Trial<State, In, Out>[],
  budget: Budget,
): void {
  const memory: Memory = { left: MEMORY_WORDS };
  let open = trials;
  for (let effort = 1; open.length > 0 && !budget.exhausted(); effort *= RISE) {
    for (const trial of open) {
      if (budget.exhausted()) return;
      trial.run(effort, budget, memory);
    }
    open = open.filter((trial) => trial.outcome === 'open');
    if (trials.some((trial) => trial.outcome === 'impossible')) return;
  }
}

function judge<State, In extends Input, Out extends Json>(
  name: string,
  trials: readonly Trial<State, In, Out>[],
  history: History<In, Out>,
  budget: Budget,
): Verdict {
  const of = (outcome: AnyTrial['outcome']) => trials.filter((trial) => trial.outcome === outcome);
  const legal = of('legal');
  const open = of('open');
  const operations = trials.reduce((sum, { partition }) => sum + partition.problem.at.length, 0);
  const statistics = {
    partitions: trials.length,
    operations,
    configurations: trials.reduce((sum, trial) => sum + trial.nodes, 0),
    undecided: open.map(({ partition }) => partition.name),
  };
  const impossible = of('impossible');
  const [first, ...rest] = impossible
    .slice(0, MOST_EXPLAINED)
    .map(({ partition, search, sparing }) => explain(history, partition, search as Search, sparing, budget));
  if (first) {
    const where = trials.length > 1 ? ` for ${impossible.length} of ${trials.length} keys` : '';
    return invalid(name, `no legal order exists${where}: ${inShort(first)}`, [first, ...rest], statistics);
  }
  if (open.length > 0) {
    const stuck = open.map(({ partition, search }) => {
      const at = search && search.blocked >= 0 ? (partition.problem.at[search.blocked] as number) : -1;
      const far = at < 0 ? 'not begun' : `got to operation ${history.invokeIndex[at]}`;
      return partition.name === '' ? far : `${partition.name} (${far})`;
    });
    const some = stuck.length > 5 ? [...stuck.slice(0, 5), `${stuck.length - 5} more`] : stuck;
    return unknown(
      name,
      `${budget.reason()} ran out: ${legal.length} of ${trials.length} partitions are legal, undecided: ${some.join(', ')}`,
      statistics,
    );
  }
  const over = trials.length > 1 ? ` of ${trials.length} keys, each by itself` : '';
  return valid(name, `${operations} operations${over}, have a legal order`, statistics);
}

/** `on x, operation 8 cannot be placed (cannot read 5 while it holds 7)` */
function inShort({ counterexample, explanation }: Anomaly): string {
  const last = counterexample?.impossible.at(-1);
  return last
    ? `on ${counterexample?.subject}, operation ${last.index} cannot be placed (${last.reason})`
    : explanation;
}
