/**
 * Moments that are told by what happens in a run, not by the clock: a state of the system begins or ends, or so many
 * requests are acknowledged. A fault may wait for one before it begins, and last until another.
 */

import { type Clock, deadline, within } from './clock.ts';
import type { Json, Layout, Moment, Nemesis, NodeId, RunningCluster, Sight, Span, Unstamped } from './contract.ts';
import { sentenceOf } from './outcome.ts';

/** How often a state is looked at, and how long a look may take. */
const LOOK_EVERY_MS = 50;
const LOOK_TIMEOUT_MS = 3_000;
const MOST_ACKNOWLEDGEMENTS = 1_000_000;

/** Waits for moments of one run. */
export class Moments {
  readonly #cluster: RunningCluster;
  readonly #clock: Clock;
  readonly #acknowledged = new Map<NodeId, number>();
  #all = 0;
  readonly #counting = new Set<() => void>();

  constructor(cluster: RunningCluster, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  /** Every event of the history, as it is written. */
  see(event: Unstamped): void {
    if (event.type !== 'ok') return;
    this.#all++;
    this.#acknowledged.set(event.node, (this.#acknowledged.get(event.node) ?? 0) + 1);
    for (const count of this.#counting) count();
  }

  /** Resolves when the moment has come, with what was seen of it, or, not holding, when the signal aborts before. */
  comes(moment: Moment, signal: AbortSignal): Promise<Sight> {
    return 'state' in moment ? this.#stateComes(moment, signal) : this.#acknowledgementsCome(moment, signal);
  }

  async #stateComes(
    { state, of, ends = false }: Extract<Moment, { state: string }>,
    signal: AbortSignal,
  ): Promise<Sight> {
    let observed = 'nobody looked';
    while (!signal.aborted) {
      const limit = deadline(this.#clock, LOOK_TIMEOUT_MS, signal);
      try {
        const { observe } = this.#cluster;
        if (!observe) throw new Error('this cluster does not tell its states');
        const sight = await within(limit.signal, observe.call(this.#cluster, state, of ?? null, limit.signal));
        if (sight.holds !== ends) return { holds: true, observed: sight.observed };
        observed = sight.observed;
      } catch (error) {
        if (!signal.aborted) observed = `it could not be seen: ${sentenceOf(error)}`;
      } finally {
        limit.cancel();
      }
      await this.#clock.sleep(LOOK_EVERY_MS, signal);
    }
    return { holds: false, observed };
  }

  #acknowledgementsCome(
    { acknowledged, by }: Extract<Moment, { acknowledged: number }>,
    signal: AbortSignal,
  ): Promise<Sight> {
    const counted = () => (by === undefined ? this.#all : (this.#acknowledged.get(by) ?? 0));
    const before = counted();
    return new Promise((resolve) => {
      const settle = (holds: boolean) => {
        this.#counting.delete(count);
        signal.removeEventListener('abort', giveUp);
        resolve({ holds, observed: `${counted() - before} of ${acknowledged} requests were acknowledged` });
      };
      const count = () => {
        if (counted() - before >= acknowledged) settle(true);
      };
      const giveUp = () => settle(false);
      if (signal.aborted) return giveUp();
      signal.addEventListener('abort', giveUp, { once: true });
      this.#counting.add(count);
    });
  }
}

/** `n2 is in the state snapshot-needed`. */
export function momentText(moment: Moment): string {
  if ('state' in moment)
    return `${moment.of ?? 'the cluster'} is ${moment.ends ? 'no longer ' : ''}in the state ${moment.state}`;
  const requests = moment.acknowledged === 1 ? 'one more request' : `${moment.acknowledged} more requests`;
  return `${moment.by ?? 'the cluster'} has acknowledged ${requests}`;
}

/** What there is to add to the sentence of a fault: `, until n2 is in the state snapshot-needed`. */
export const spanText = ({ from, until }: Span): string =>
  `${from ? `, as soon as ${momentText(from)}` : ''}${until ? `, until ${momentText(until)}` : ''}`;

/** The moments between which this fault is to be in force, checked; `undefined`: times. */
export function spanOf(nemesis: Nemesis, fault: Json, layout: Layout): Span | undefined {
  const span: unknown = nemesis.span?.(fault);
  if (span === undefined) return undefined;
  const wrong = (what: string) => new TypeError(`nemesis ${nemesis.name}: its span ${JSON.stringify(span)} ${what}`);
  if (typeof span !== 'object' || span === null) throw wrong('is none; it may have from and until');
  for (const [name, moment] of Object.entries(span)) {
    if (name !== 'from' && name !== 'until') throw wrong(`has ${name}; it may have from and until`);
    const problem = problemOf(moment as Partial<Record<string, unknown>>, nemesis, layout);
    if (problem !== null) throw wrong(problem);
  }
  return JSON.parse(JSON.stringify(span)) as Span;
}

function problemOf(moment: Partial<Record<string, unknown>>, { states = [] }: Nemesis, { nodes }: Layout) {
  const { state, acknowledged } = moment;
  const node = moment['of'] ?? moment['by'];
  if (node !== undefined && !nodes.includes(node as NodeId))
    return `names ${String(node)}; there are ${nodes.join(', ')}`;
  if (state !== undefined)
    return states.includes(state as string)
      ? null
      : `names a state that is not one of its states, ${states.join(', ') || 'of which it has none'}`;
  const isCount =
    Number.isInteger(acknowledged) && (acknowledged as number) > 0 && (acknowledged as number) <= MOST_ACKNOWLEDGEMENTS;
  return isCount ? null : 'has a moment that is neither a state nor a number of acknowledged requests';
}
