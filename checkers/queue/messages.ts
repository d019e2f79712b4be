/** What happened to each value of one queue: when it was put in and when it was taken, as columns. */

import type { Input, Json } from '../../rig/contract.ts';
import { FAIL, type History, OK } from '../../rig/history.ts';
import { Values } from '../values.ts';

/**
 * Without a `key` there is one queue. Values should be unique: of one that was put in twice only how often it was
 * taken is judged. `enq` and `deq` are short for `enqueue` and `dequeue`.
 */
export type QueueInput = Input &
  (
    | { readonly f: 'enqueue' | 'enq'; readonly key?: Json; readonly value: Json }
    | { readonly f: 'dequeue' | 'deq' | 'drain'; readonly key?: Json }
  );

/** Of a dequeue the value taken, `null` if the queue was empty; of a drain all that was left, in the order taken. */
export type QueueOutput = Json;

/** An interval of events: a request's invocation and its completion, `Infinity` if it is unknown. */
export type Span = { readonly at: number; readonly from: number; readonly until: number };

/** One value, by its number. Indices are of events. */
export interface Message {
  readonly value: Json;
  /** Enqueues that may have taken effect, and those that certainly did not. */
  readonly puts: Span[];
  readonly refused: Span[];
  /** Acknowledged enqueues among `puts`. */
  acknowledged: number;
  readonly takes: Span[];
}

export class Messages {
  readonly all: Message[] = [];
  /** Requests that took whatever they took before this index: dequeues of unknown outcome, by their invocation. */
  readonly unknownTakes: number[] = [];
  /** Invocations of drains of unknown outcome: each may have taken any number. */
  unknownDrainFrom = Infinity;
  /** Requests that found the queue empty, or emptied it. */
  readonly empties: (Span & { readonly isDrain: boolean })[] = [];
  /** Pairs of values that one drain took in this order. */
  readonly drains: { readonly at: number; readonly taken: readonly Message[] }[] = [];
  malformed = 0;
  readonly #values = new Values();

  constructor(history: History<QueueInput, QueueOutput>, positions: readonly number[]) {
    for (const at of positions) {
      const input = history.input(at);
      const until = history.completeIndex[at] as number;
      const isOk = history.type[at] === OK;
      const span = { at, from: history.invokeIndex[at] as number, until: isOk ? until : Infinity };
      if (input.f === 'enqueue' || input.f === 'enq')
        this.#enqueue(span, input.value ?? null, history.type[at] as number);
      else if (history.type[at] === FAIL) continue;
      else if (isOk) this.#take(span, history.output(at) ?? null, input.f === 'drain');
      else if (input.f === 'drain') this.unknownDrainFrom = Math.min(this.unknownDrainFrom, span.from);
      else this.unknownTakes.push(span.from);
    }
  }

  /** The only enqueue of a value that was never asked for twice. */
  static put({ puts }: Message): Span | undefined {
    return puts.length === 1 ? puts[0] : undefined;
  }

  #message(value: Json): Message {
    const number = this.#values.of(value);
    this.all[number] ??= { value, puts: [], refused: [], acknowledged: 0, takes: [] };
    return this.all[number];
  }

  #enqueue(span: Span, value: Json, type: number): void {
    const message = this.#message(value);
    if (type === FAIL) message.refused.push(span);
    else message.puts.push(span);
    if (type === OK) message.acknowledged++;
  }

  #take(span: Span, output: Json, isDrain: boolean): void {
    if (!isDrain && output !== null) {
      this.#message(output).takes.push(span);
      return;
    }
    this.empties.push({ ...span, isDrain });
    if (!isDrain) return;
    if (output !== null && !Array.isArray(output)) {
      this.malformed++;
      return;
    }
    const taken = ((output ?? []) as readonly Json[]).map((value) => this.#message(value));
    for (const message of taken) message.takes.push(span);
    this.drains.push({ at: span.at, taken });
  }
}
