/**
 * A worker: a slot with a generator and at most one open request. Its process, the identity in the history, is
 * retired by an `info`, because the lost request may still take effect.
 */

import { type Arrivals, ClosedLoop } from './arrivals.ts';
import { deadline, within } from './clock.ts';
import type { Client, Completion, Directed, Input, Json, NodeId, Requests, WorkerContext } from './contract.ts';
import { RequestError } from './define.ts';
import type { Trial } from './interpreter.ts';
import { isProgrammingError, outcomeOf } from './outcome.ts';
import type { Random } from './random.ts';
import type { Unsettled } from './unsettled.ts';

/** In closed loop a worker that was not served waits this long, so that a dead system is not asked in a hot loop. */
const PAUSE_AFTER_FAILURE_MS = 10;
const HANG_UP_MS = 2_000;
const NONE: ReadonlySet<string> = new Set();

export class Worker {
  readonly #trial: Trial;
  readonly #context: WorkerContext;
  readonly #halt: AbortSignal;
  readonly #unsettled: Unsettled;
  readonly #clients = new Map<NodeId, Client>();
  #process: number;

  constructor(trial: Trial, worker: number, rng: Random, unsettled: Unsettled, halt: AbortSignal) {
    const { nodes } = trial.cluster;
    this.#trial = trial;
    this.#halt = halt;
    this.#unsettled = unsettled;
    this.#process = worker;
    this.#context = {
      worker,
      workerCount: trial.spec.workerCount,
      nodes,
      node: nodes[worker % nodes.length] as NodeId,
      rng: rng.fork(`worker ${worker}`),
      shared: rng.fork('shared'),
    };
  }

  /** Asks what the generator wants until `ended` aborts; an open request is waited for. Rejects if a plug-in is broken. */
  async work(arrivals: Arrivals, ended: AbortSignal): Promise<void> {
    await this.#drive(this.#trial.workload.generator(this.#context), arrivals, { ended, cut: this.#halt });
  }

  /** Asks the final requests, one after the other, until there are no more or the signal aborts. */
  async conclude(signal: AbortSignal): Promise<void> {
    const requests = this.#trial.workload.finalGenerator?.({
      ...this.#context,
      rng: this.#context.rng.fork('final'),
      unsettled: this.#unsettled.inputs,
    });
    if (requests) await this.#drive(requests, new ClosedLoop(), { ended: signal, cut: signal });
  }

  async hangUp(): Promise<void> {
    for (const node of this.#clients.keys()) await this.#disconnect(node);
  }

  /** Nothing is asked once `ended` aborts; what is open then is given up only when `cut` does. */
  async #drive(
    requests: Requests<Input, Json>,
    arrivals: Arrivals,
    { ended, cut }: { readonly ended: AbortSignal; readonly cut: AbortSignal },
  ): Promise<void> {
    const { clock } = this.#trial;
    try {
      for (let step = requests.next(); !step.done && !ended.aborted; ) {
        const request = directed(step.value);
        let dueNs: number | undefined;
        if (request.afterMs === undefined) {
          const turn = await arrivals.turn();
          if (turn === null) return;
          dueNs = turn.dueNs;
        } else {
          dueNs = Math.round(clock.nowNs() + request.afterMs * 1e6);
          await clock.sleep(request.afterMs, ended);
        }
        if (ended.aborted || cut.aborted) return;
        const completion = await this.#ask(request, dueNs, cut);
        if (dueNs === undefined && completion.type !== 'ok') await clock.sleep(PAUSE_AFTER_FAILURE_MS, ended);
        step = requests.next(completion);
      }
    } finally {
      requests.return();
    }
  }

  /** One request, both ends journalled. Rejects only for a mistake in the plug-in itself, after journalling. */
  async #ask(request: Directed, dueNs: number | undefined, signal: AbortSignal): Promise<Completion> {
    const { journal, clock, spec, workload } = this.#trial;
    const process = this.#process;
    const node = request.via ?? this.#context.node;
    const input = request.ask;
    journal.append(
      dueNs === undefined ? { type: 'invoke', process, node, input } : { type: 'invoke', process, node, input, dueNs },
    );
    const limit = deadline(clock, spec.requestTimeoutMs, signal);
    let completion: Completion;
    let mistake: Error | undefined;
    let client = this.#clients.get(node);
    try {
      client ??= await within(limit.signal, this.#connect(node));
      const output = await within(limit.signal, workload.invoke(client, input, limit.signal));
      completion = { type: 'ok', output: output ?? null };
    } catch (error) {
      const reason = limit.signal.aborted ? lostTo(limit.signal) : error;
      // Without a client nothing was sent, so nothing happened.
      completion = client
        ? outcomeOf(reason, client.definite, workload.semantics[input.f] ?? 'unsafe')
        : outcomeOf(reason, NONE, 'safe');
      if (isProgrammingError(reason)) mistake = reason;
    } finally {
      limit.cancel();
    }
    journal.append({ ...completion, process, node });
    this.#unsettled.saw(input, completion);
    if (completion.type === 'info') {
      this.#process += spec.workerCount;
      await this.#disconnect(node);
    }
    if (mistake) throw mistake;
    return completion;
  }

  async #connect(node: NodeId): Promise<Client> {
    const client = await this.#trial.cluster.connect(this.#trial.workload.api, node);
    const earlier = this.#clients.get(node);
    if (earlier)
      await client[Symbol.asyncDispose](); // It came after the request it was for was given up on.
    else this.#clients.set(node, client);
    return earlier ?? client;
  }

  async #disconnect(node: NodeId): Promise<void> {
    const client = this.#clients.get(node);
    if (!client) return;
    this.#clients.delete(node);
    const limit = deadline(this.#trial.clock, HANG_UP_MS);
    await within(limit.signal, client[Symbol.asyncDispose]()).catch(() => {}); // By contract it never throws; a hang is cut.
    limit.cancel();
  }
}

const directed = (request: Input | Directed): Directed =>
  'ask' in request ? (request as Directed) : { ask: request as Input };

/** A timeout, or the end of the run: the request is in the air and nobody listens any more. */
function lostTo(signal: AbortSignal): Error {
  const { reason } = signal;
  return reason instanceof DOMException && reason.name === 'TimeoutError'
    ? reason
    : new RequestError('interrupted', 'the load was ended before an answer came');
}
