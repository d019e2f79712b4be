/** Why a partition has no legal order, for a person: the operations around the point where every order fails. */

import type { Anomaly, Budget, Counterexample, Input, Json } from '../rig/contract.ts';
import { FAIL, type History } from '../rig/history.ts';
import { type Failure, firstFailure, smallestFailure } from './search/certificate.ts';
import { partitionName } from './monitors/operations.ts';
import type { Partition } from './search/problem.ts';
import type { Impossibility } from './search/trial.ts';
import { IMPOSSIBLE, type Transitions } from './search/transitions.ts';
import { nameOf, outcomeOf } from './wording.ts';

/** Operations of the piece that are drawn at most: the last ones. */
const MOST_DRAWN = 24;
const MEMORY_WORDS = 2 ** 26;

/** Of a partition that was found to have no legal order; `known`: by a search that knows where. */
export function explain<State, In extends Input, Out extends Json>(
  history: History<In, Out>,
  partition: Partition<State, In, Out>,
  budget: Budget,
  known: Impossibility | null = null,
): Anomaly {
  const whole = partition as unknown as AnyPartition;
  const failure = firstFailure(whole.problem, whole.transitions, { left: MEMORY_WORDS }, budget, known);
  return new Story(history as unknown as History, whole, failure).tell(budget);
}

type AnyPartition = Partition<unknown, Input, Json>;

class Story {
  readonly #history: History;
  readonly #partition: AnyPartition;
  readonly #transitions: Transitions<unknown, Input, Json>;
  /** The operation whose answer no order can pass. */
  readonly #blocked: number;
  /** The longest legal order, and the state before its first and after each of its operations. */
  readonly #order: readonly number[];
  readonly #states: readonly number[];

  constructor(history: History, partition: AnyPartition, { blocked, order }: Failure) {
    this.#history = history;
    this.#partition = partition;
    this.#transitions = partition.transitions;
    this.#blocked = blocked;
    this.#order = order;
    const states = [0];
    for (const op of order)
      states.push(this.#transitions.step(states.at(-1) as number, partition.problem.kind[op] as number));
    this.#states = states;
  }

  tell(budget: Budget): Anomaly {
    const piece = smallestFailure(this.#partition.problem, this.#transitions, this.#blocked, budget);
    const drawn = new Set([this.#blocked]);
    const sentences = [`${this.#name(this.#blocked)} is impossible: ${this.#reason()}.`, this.#why(drawn)];
    for (const op of piece.slice(-MOST_DRAWN)) drawn.add(op);
    this.#addMakers(drawn);
    const counterexample = this.#draw(drawn);
    return {
      name: 'nonlinearizable',
      explanation: sentences.join(' '),
      witnesses: counterexample.operations,
      counterexample,
    };
  }

  #reason(): string {
    const { kind } = this.#partition.problem;
    const reason = this.#transitions.reason(this.#states.at(-1) as number, kind[this.#blocked] as number);
    return reason ?? 'no order of what came before allows it';
  }

  /** When it was last possible, and what ended that; draws the operations it speaks of. */
  #why(drawn: Set<number>): string {
    const { kind, end, call } = this.#partition.problem;
    const wanted = kind[this.#blocked] as number;
    const last = this.#states.findLastIndex((state) => this.#transitions.step(state, wanted) !== IMPOSSIBLE);
    if (last < 0) return `Nothing that was asked for before it ended makes it possible.${this.#suspects(wanted)}`;
    const breaker = this.#order[last];
    if (breaker === undefined) return '';
    drawn.add(breaker);
    const maker = this.#makerOf(last);
    if (maker !== null) drawn.add(maker);
    const since = maker === null ? 'At the beginning it was possible' : `It was possible after ${this.#name(maker)}`;
    const until = `until ${this.#name(breaker)}`;
    const began = call[this.#blocked] as number;
    if ((end[breaker] as number) < began)
      return `${since}, ${until}, which was over before it began; nothing since made it possible again.`;
    const witness = this.#order.findLast((op, at) => at > last && (end[op] as number) < began);
    if (witness === undefined) return `${since}, ${until}, which every legal order places before it.`;
    drawn.add(witness);
    return `${since}, ${until}, which had taken effect by the time of ${this.#name(witness)}, and that was over before it began; nothing since made it possible again.`;
  }

  /** Draws, for each read or swap that is drawn, the operation that made what it saw. */
  #addMakers(drawn: Set<number>): void {
    const { kind } = this.#partition.problem;
    this.#order.forEach((op, at) => {
      if (!drawn.has(op) || this.#transitions.isReplacement[kind[op] as number] === 1) return;
      const maker = this.#makerOf(at);
      if (maker !== null) drawn.add(maker);
    });
  }

  /** The operation that brought about the state before position `at` of the order; `null` for the initial state. */
  #makerOf(at: number): number | null {
    for (let before = at; before > 0; before--)
      if (this.#states[before] !== this.#states[before - 1]) return this.#order[before - 1] as number;
    return null;
  }

  /** Operations answered `fail` that would have made it possible, had they taken effect. */
  #suspects(wanted: number): string {
    const { model } = this.#transitions;
    const ended = this.#history.completeIndex[this.#at(this.#blocked)] as number;
    const tried = new Set<string>();
    for (let at = 0; at < this.#history.length; at++) {
      if (this.#history.type[at] !== FAIL || (this.#history.invokeIndex[at] as number) > ended) continue;
      const input = this.#history.input(at);
      if (model.functions?.[input.f] === 'read' || partitionName(model, input) !== this.#partition.name) continue;
      const asked = JSON.stringify(input);
      if (tried.has(asked)) continue;
      tried.add(asked);
      const kind = this.#transitions.kind(input, undefined, false);
      const leads = this.#states.some((state) => {
        const next = this.#transitions.step(state, kind);
        return next !== IMPOSSIBLE && this.#transitions.step(next, wanted) !== IMPOSSIBLE;
      });
      if (!leads) continue;
      const name = `${model.describe(input, undefined)} (${nameOf(this.#history, at)})`;
      return ` It would be, had ${name} taken effect, though it was answered ${outcomeOf(this.#history, at)}.`;
    }
    return '';
  }

  #draw(drawn: ReadonlySet<number>): Counterexample {
    const { kind, end } = this.#partition.problem;
    const rank = end[this.#blocked] as number;
    const chosen = [...drawn].sort((a, b) => a - b);
    const placed = new Set(this.#order);
    const last = this.#states.at(-1) as number;
    const order = this.#order.flatMap((op, at) =>
      drawn.has(op)
        ? [{ index: this.#index(op), state: this.#transitions.describe(this.#states[at + 1] as number) }]
        : [],
    );
    const impossible = chosen.flatMap((op) => {
      const isNext = op === this.#blocked || (!placed.has(op) && (this.#partition.problem.call[op] as number) < rank);
      const reason = isNext ? this.#transitions.reason(last, kind[op] as number) : null;
      if (reason !== null) return [{ index: this.#index(op), reason }];
      return op === this.#blocked ? [{ index: this.#index(op), reason: this.#reason() }] : [];
    });
    const { name } = this.#partition;
    return {
      subject: name === '' ? this.#transitions.model.name : name,
      operations: chosen.map((op) => this.#index(op)),
      order,
      impossible,
    };
  }

  /** `read x → 5 (operation 812, …)` */
  #name(op: number): string {
    const at = this.#at(op);
    const refused = this.#transitions.output(this.#partition.problem.kind[op] as number);
    return `${this.#transitions.model.describe(this.#history.input(at), refused)} (${nameOf(this.#history, at)})`;
  }

  #at(op: number): number {
    return this.#partition.problem.at[op] as number;
  }

  #index(op: number): number {
    return this.#history.invokeIndex[this.#at(op)] as number;
  }
}
