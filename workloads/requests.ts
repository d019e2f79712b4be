/**
 * Any service of keyed requests on trial, in the terms that it was declared by: every request is repeated in every way,
 * raced through two nodes, its key used with another payload, in another scope, nearly equal, odd.
 */

import { exactlyOnce, type ServiceInput, type ServiceOutput } from '../checkers/exactly-once.ts';
import type { ServiceTerms, WorkerContext } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';
import { type Asks, insist, SETTLE_MS, untilAnswered } from './insist.ts';
import { ODD_KEYS, PREFIX_LENGTHS } from './odd-keys.ts';
import { PAYLOAD_FORMS } from './payload-forms.ts';
import { invokeService, type KeyedRequest, RequestDraw, readTerms } from './service-requests.ts';

type Asking<Result> = Asks<ServiceInput, ServiceOutput, Result>;

/** Acknowledged requests that a worker may repeat later, and such that were left open. */
const REMEMBERED = 40;
/** Requests in doubt that are asked for again at the end. */
const MOST_SETTLED = 200;

export const requests = defineWorkload<'service', ServiceInput, ServiceOutput>({
  name: 'requests',
  summary: 'keyed requests to any HTTP service, repeated in every way; each must take effect exactly once',
  api: 'service',
  checkers: [exactlyOnce],
  semantics: { terms: 'safe', request: 'unsafe', effects: 'safe' },

  *generator(context) {
    const terms = yield* readTerms(context);
    const client = new Insistent(context, terms);
    for (;;) yield* client.next();
  },

  *finalGenerator(context) {
    const { worker, nodes, unsettled } = context;
    if (worker !== 0) return;
    const { inUse } = yield* readTerms(context);
    const inDoubt = unsettled.filter((input): input is KeyedRequest => input.f === 'request');
    for (const request of inDoubt.slice(-MOST_SETTLED))
      yield* insist<ServiceInput, ServiceOutput>(context, request, inUse);
    yield* untilAnswered(nodes, { f: 'effects' }, SETTLE_MS);
  },

  invoke: invokeService,
});

/** One worker, and what it remembers. */
class Insistent {
  readonly #context: WorkerContext;
  readonly #terms: ServiceTerms;
  readonly #draw: RequestDraw;
  readonly #acknowledged: KeyedRequest[] = [];
  readonly #open: KeyedRequest[] = [];
  #count = 0;

  constructor(context: WorkerContext, terms: ServiceTerms) {
    this.#context = context;
    this.#terms = terms;
    this.#draw = new RequestDraw(context, terms);
  }

  *next(): Asking<void> {
    const { rng, nodes } = this.#context;
    const draw = this.#draw;
    const dice = rng.float();
    const oldest = dice < 0.12 ? this.#open.shift() : undefined;
    if (oldest) yield* this.#settle(oldest);
    else if (dice < 0.2 && this.#acknowledged.length > 0)
      yield { ask: rng.pick(this.#acknowledged), via: rng.pick(nodes) };
    else if (dice < 0.42) yield* this.#settle(draw.own());
    else if (dice < 0.7) yield* this.#settle(draw.paired());
    else if (dice < 0.78 && this.#terms.scope.length > 0) yield* this.#settle(draw.sameKey());
    else if (dice < 0.88 && this.#terms.mismatch.length > 0) yield* this.#reuse();
    else if (dice < 0.95) yield* this.#nearlyEqual();
    else yield* this.#insist(draw.named(rng.pick(ODD_KEYS)(this.#newName('odd')), false));
  }

  /** Insists; what was acknowledged is repeated later, and what is still open is asked for again. */
  *#settle(request: KeyedRequest): Asking<boolean> {
    const isAcknowledged = yield* this.#insist(request);
    const remembered = isAcknowledged ? this.#acknowledged : this.#open;
    remembered.push(request);
    if (remembered.length > REMEMBERED) remembered.shift();
    return isAcknowledged;
  }

  #insist(request: KeyedRequest): Asking<boolean> {
    return insist<ServiceInput, ServiceOutput>(this.#context, request, this.#terms.inUse);
  }

  /** An acknowledged key with another payload, then as it was, and as it was in another form. */
  *#reuse(): Asking<void> {
    const { rng, nodes } = this.#context;
    const request = this.#draw.own();
    if (!(yield* this.#settle(request))) return;
    const other = this.#draw.otherPayload(request);
    if (other) yield { ask: other, via: rng.pick(nodes) };
    yield { ask: request, via: rng.pick(nodes) };
    yield { ask: { ...request, form: rng.pick(PAYLOAD_FORMS) }, via: rng.pick(nodes) };
  }

  /** Two keys that differ in their last character alone, in one scope, sometimes for the same. */
  *#nearlyEqual(): Asking<void> {
    const { rng } = this.#context;
    const length = Math.min(rng.pick(PREFIX_LENGTHS), this.#terms.longestKey - 1);
    const prefix = `${this.#terms.keyPrefix}${this.#newName('long')}-`.padEnd(length, 'k');
    const one = this.#draw.named(`${prefix}a`);
    const other = { ...one, key: `${prefix}b` };
    yield* this.#settle(one);
    yield* this.#settle((rng.chance(0.5) && this.#draw.otherPayload(other)) || other);
  }

  #newName(kind: string): string {
    return `${kind}-${this.#context.worker}-${++this.#count}`;
  }
}
