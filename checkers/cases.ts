/**
 * The partitions of a history on trial. Those whose data type has a monitor that applies are decided at once; the others
 * are searched in turns with rising budgets, so that one hard key does not hide an easy violation of another.
 */

import type { Anomaly, Budget, Input, Json, Model, Share } from '../rig/contract.ts';
import type { History } from '../rig/history.ts';
import { explain } from './counterexample.ts';
import { firstEvidence } from './monitors/first-evidence.ts';
import { type Evidence, isEvidence, type Monitor, type Monitored } from './monitors/monitor.ts';
import { Operations } from './monitors/operations.ts';
import type { Memory } from './search/failed.ts';
import { type Partition, partitionOf } from './search/problem.ts';
import type { Outcome } from './search/search.ts';
import { RISE, Trial } from './search/trial.ts';

/** What the memos of all searches may take together: 512 MiB in 32-bit words. */
const MEMORY_WORDS = 512 * 2 ** 18;

type AnyModel = Model<unknown, Input, Json> & Monitored;

interface Case {
  readonly partition: Partition<unknown, Input, Json>;
  readonly trial: Trial;
}

export class Cases {
  readonly operations: Operations;
  /** Configurations that the searches visited. */
  configurations = 0;
  readonly #model: AnyModel;
  readonly #history: History;
  /** Those to judge, in order of first sight. */
  readonly partitions: readonly number[];
  readonly #outcomes: Outcome[];
  readonly #evidence = new Map<number, Evidence>();
  /** Searches that have begun and are not over, by partition; of those without a legal order too. */
  readonly #searches = new Map<number, Case>();
  readonly #memory: Memory = { left: MEMORY_WORDS };

  constructor(history: History, model: AnyModel, share: Share) {
    this.operations = new Operations(history, model);
    this.#history = history;
    this.#model = model;
    const all = [...Array(this.operations.partitionCount).keys()];
    this.partitions = all.filter((partition) => partition % share.of === share.number);
    this.#outcomes = Array<Outcome>(all.length).fill('open');
  }

  /** The partitions with that outcome, in order of first sight. */
  with(outcome: Outcome): number[] {
    return this.partitions.filter((partition) => this.#outcomes[partition] === outcome);
  }

  /** Position in the history of the operation that a search got stuck at; −1 if it has not begun. */
  stuckAt(partition: number): number {
    const trial = this.#searches.get(partition)?.trial;
    return trial === undefined || trial.blocked < 0 ? -1 : (trial.problem.at[trial.blocked] as number);
  }

  /** Decides until a partition has no legal order, all have one, or the budget is spent. */
  decide(budget: Budget): void {
    const { monitor } = this.#model;
    if (monitor) this.#monitor(monitor, budget);
    let open = this.with('open');
    for (let effort = 1; open.length > 0 && this.with('impossible').length === 0; effort *= RISE) {
      for (const [at, partition] of open.entries()) {
        if (budget.exhausted()) return;
        this.#search(partition, effort, budget);
        budget.report?.(`${at + 1} of ${open.length} keys were searched with effort ${effort}`);
      }
      open = this.with('open').filter((partition) => !this.#searches.get(partition)?.trial.isOutOfMemory);
    }
  }

  /** Why a partition has no legal order. */
  explain(partition: number, budget: Budget): Anomaly {
    const found = this.#evidence.get(partition);
    if (!found) {
      const { partition: searched, trial } = this.#searches.get(partition) as Case;
      return explain(this.#history, searched, budget, trial.impossibility);
    }
    const evidence = firstEvidence(this.operations, this.#model.monitor as Monitor, partition, found);
    return explain(this.#history, partitionOf(this.operations, this.#model, partition, evidence), budget);
  }

  #monitor(monitor: Monitor, budget: Budget): void {
    const { starts } = this.operations;
    for (const partition of this.partitions) {
      if (budget.exhausted()) return;
      const from = starts[partition] as number;
      const decision = monitor.decide(this.operations, from, starts[partition + 1] as number);
      if (isEvidence(decision)) this.#evidence.set(partition, decision);
      if (decision !== 'inapplicable') this.#outcomes[partition] = isEvidence(decision) ? 'impossible' : 'legal';
    }
  }

  #search(number: number, effort: number, budget: Budget): void {
    const { partition, trial } = this.#searches.get(number) ?? this.#begin(number);
    const before = trial.nodes;
    trial.run(effort, budget);
    this.configurations += trial.nodes - before;
    this.#outcomes[number] = trial.outcome;
    if (trial.outcome === 'legal') this.#searches.delete(number);
    else this.#searches.set(number, { partition, trial });
  }

  #begin(number: number): Case {
    const partition = partitionOf(this.operations, this.#model, number);
    return { partition, trial: new Trial(partition.problem, partition.transitions, this.#memory) };
  }
}
