/**
 * A service at its boundary: requests that are spoilt in every way, among sound ones. What does harm is made smaller
 * there and then, by asking again, until nothing smaller does.
 */

import type { Value } from 'fast-check';
import { boundary as boundaryChecker, type BoundaryInput, type BoundaryOutput, harmOf } from '../checkers/boundary.ts';
import type { Apis, Completion, ServiceTerms, Spoiling, WorkerContext } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';
import { type Asks, SETTLE_MS, untilAnswered } from './insist.ts';
import { invokeService, RequestDraw, readTerms } from './service-requests.ts';
import { Spoilings } from './spoilings.ts';

type Asking<Result> = Asks<BoundaryInput, BoundaryOutput, Result>;

/** What each worker asks at most to make one finding smaller, and how many of its findings it does that for. */
const MOST_SMALLER = 40;
const MOST_SHRUNK = 4;
/** The same where each answer that does not come costs the patience of a request. */
const MOST_SILENT = 6;

export const boundary = defineWorkload<'service', BoundaryInput, BoundaryOutput>({
  name: 'boundary',
  summary: 'requests spoilt in every way, among sound ones: each is refused in time, changes nothing and costs little',
  api: 'service',
  checkers: [boundaryChecker],
  semantics: { terms: 'safe', request: 'unsafe', probe: 'unsafe', memory: 'safe', effects: 'safe' },

  *generator(context) {
    const terms = yield* readTerms(context);
    const prober = new Prober(context, terms);
    yield { f: 'memory' };
    for (;;) yield* prober.next();
  },

  *finalGenerator({ worker, nodes }) {
    if (worker !== 0) return;
    for (const via of nodes) yield { ask: { f: 'memory' }, via };
    yield* untilAnswered(nodes, { f: 'effects' }, SETTLE_MS);
  },

  invoke,
});

async function invoke(service: Apis['service'], input: BoundaryInput, signal: AbortSignal): Promise<BoundaryOutput> {
  if (input.f === 'memory') return service.memory(signal);
  if (input.f !== 'probe') return invokeService(service, input, signal);
  const { operation, key, values, spoilt } = input;
  return service.probe({ operation, key, values, spoilt }, signal);
}

class Prober {
  readonly #context: WorkerContext;
  readonly #terms: ServiceTerms;
  readonly #draw: RequestDraw;
  readonly #spoilings: Spoilings;
  /** Kinds of harm that were made smaller, by how the request was spoilt. */
  readonly #shrunk = new Set<string>();
  #count = 0;

  constructor(context: WorkerContext, terms: ServiceTerms) {
    this.#context = context;
    this.#terms = terms;
    this.#draw = new RequestDraw(context, terms);
    this.#spoilings = new Spoilings(context.rng.fork('spoilings'));
  }

  *next(): Asking<void> {
    const { rng } = this.#context;
    const dice = rng.float();
    if (dice < 0.2) yield this.#draw.own();
    else if (dice < 0.22) yield { f: 'memory' };
    else {
      const drawn = this.#spoilings.draw();
      const harm = this.#harmOf(drawn.value, yield this.#probe(drawn.value));
      if (harm !== null) yield* this.#makeSmaller(drawn, harm);
    }
  }

  /** Takes the first smaller one that does the same harm, and goes on from there. */
  *#makeSmaller(found: Value<Spoiling>, harm: string): Asking<void> {
    const kind = `${found.value.how} ${harm}`;
    if (this.#shrunk.has(kind) || this.#shrunk.size >= MOST_SHRUNK) return;
    this.#shrunk.add(kind);
    let asked = 0;
    const most = harm === 'no-answer' ? MOST_SILENT : MOST_SMALLER;
    let least = found;
    for (let best: Value<Spoiling> | null = found; best !== null; ) {
      let next: Value<Spoiling> | null = null;
      for (const smaller of this.#spoilings.smaller(best)) {
        if (asked++ >= most) break;
        if (this.#harmOf(smaller.value, yield this.#probe(smaller.value)) !== harm) continue;
        next = least = smaller;
        break;
      }
      best = next;
    }
    // Silence may be chance: it is believed when the very same is met with it again and again.
    if (harm === 'no-answer') for (const { value } of [least, least, found, found]) yield this.#probe(value);
  }

  #probe(spoilt: Spoiling): BoundaryInput {
    const { operation, key, values } = this.#draw.named(`f${this.#context.worker}-${++this.#count}`, false);
    return { f: 'probe', operation, key, values, spoilt };
  }

  #harmOf(spoilt: Spoiling, answer: Completion<BoundaryOutput>): string | null {
    return harmOf(this.#terms, spoilt, answer as Parameters<typeof harmOf>[2]);
  }
}
