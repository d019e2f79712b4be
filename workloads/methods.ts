/**
 * HTTP's own promise: who looks changes nothing, a PUT or DELETE that is repeated, under whatever key, leaves the state that
 * the first one left, and a copy that comes late, when a newer one was done, does nothing. Tried at the end, when nothing else
 * is going on; until then there is load, and faults.
 */

import {
  methods as methodsChecker,
  type MethodsInput,
  type MethodsOutput,
  type MethodsTrial,
} from '../checkers/methods.ts';
import type { Apis, FinalContext, NodeId, SafeMethod, ServiceState, ServiceTerms } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';
import { type Asks, insist, SETTLE_MS } from './insist.ts';
import { invokeService, type KeyedRequest, readTerms, RequestDraw } from './service-requests.ts';

type Asking<Result = void> = Asks<MethodsInput, MethodsOutput, Result>;

const ROUNDS = 5;
const REPEATS = 3;

export const methods = defineWorkload<'service', MethodsInput, MethodsOutput>({
  name: 'methods',
  summary:
    'reads, PUT and DELETE repeated, and late, where nothing else is going on: they change nothing more (RFC 9110)',
  api: 'service',
  checkers: [methodsChecker],
  semantics: { terms: 'safe', request: 'unsafe', state: 'safe' },

  *generator(context) {
    const terms = yield* readTerms(context);
    const draw = new RequestDraw(context, terms);
    for (;;) yield* insist<MethodsInput, MethodsOutput>(context, draw.own(), terms.inUse);
  },

  *finalGenerator(context) {
    if (context.worker !== 0) return;
    const terms = yield* readTerms(context);
    const rounds = new Rounds(context, terms);
    for (let nth = 0; nth < ROUNDS; nth++) {
      for (const [operation, { method = '', state }] of Object.entries(terms.operations)) {
        const request = state ? yield* rounds.done(rounds.draw.asking(operation)) : null;
        if (!request) continue;
        for (const by of ['GET', 'HEAD', 'OPTIONS'] as const) yield* rounds.looks(request, by);
        if (!isIdempotent(method)) continue;
        yield* rounds.repeats(request, method);
        yield* rounds.comesLate(request, method);
      }
    }
  },

  invoke,
});

const isIdempotent = (method = ''): method is 'PUT' | 'DELETE' => method === 'PUT' || method === 'DELETE';

/** Of one worker, through one node. */
class Rounds {
  readonly draw: RequestDraw;
  readonly #context: FinalContext;
  readonly #terms: ServiceTerms;
  readonly #via: NodeId;
  #round = 0;
  #isSettled = false;

  constructor(context: FinalContext, terms: ServiceTerms) {
    this.#context = context;
    this.#terms = terms;
    this.#via = context.nodes[0] as NodeId;
    this.draw = new RequestDraw(context, terms);
  }

  /** Asks until it is done, with the ETag of now where requests are conditional. Resolves to what was asked; `null`: it was not done. */
  *done(request: KeyedRequest): Asking<KeyedRequest | null> {
    const asked = yield* this.#current(request);
    const isDone = yield* insist<MethodsInput, MethodsOutput>(this.#context, asked, this.#terms.inUse);
    return isDone ? asked : null;
  }

  *looks(request: KeyedRequest, by: SafeMethod): Asking {
    yield* this.#try(request, by, this.#looksAgain(request, by));
  }

  *repeats(request: KeyedRequest, method: 'PUT' | 'DELETE'): Asking {
    yield* this.#try(request, method, this.#asksAgain(request));
  }

  /** It is done, then something newer is done to the same object, then a copy of it arrives. */
  *comesLate(request: KeyedRequest, method: 'PUT' | 'DELETE'): Asking {
    for (const [operation, { method: other }] of Object.entries(this.#terms.operations)) {
      const newer = isIdempotent(other) ? this.draw.sameObject(operation, request) : null;
      const older = newer && (yield* this.done(this.#underNewKey(request)));
      if (!newer || !older || !(yield* this.done(newer))) continue;
      yield* this.#try(older, `late ${method}`, this.#ask(older));
      if (older.ifMatch !== undefined) yield* this.#try(older, 'old If-Match', this.#ask(this.#underNewKey(older)));
    }
  }

  /** A round: the state, what is tried, and the state. */
  *#try(request: KeyedRequest, of: MethodsTrial, attempt: Asking): Asking {
    this.#round++;
    yield* this.#look(request, { of });
    yield* attempt;
    yield* this.#look(request, { of });
  }

  *#looksAgain(request: KeyedRequest, by: SafeMethod): Asking {
    for (let again = 1; again < REPEATS; again++) yield* this.#look(request, { by, of: by });
  }

  /** Under keys of their own: it is the method that promises, not the key. */
  *#asksAgain(request: KeyedRequest): Asking {
    for (let again = 0; again < REPEATS; again++) yield* this.#ask(yield* this.#current(this.#underNewKey(request)));
  }

  *#look(
    { operation, values }: KeyedRequest,
    { by = 'GET', of }: { readonly by?: SafeMethod; readonly of?: MethodsTrial },
  ): Asking<string | null> {
    const round = of === undefined ? {} : { round: this.#round, of };
    const ask = { f: 'state', operation, values, ...round, ...(by === 'GET' ? {} : { by }) } as const;
    const answer = yield { ask, via: this.#via, afterMs: this.#isSettled ? 0 : SETTLE_MS };
    this.#isSettled = true;
    return answer.type === 'ok' ? (answer.output as ServiceState).etag : null;
  }

  *#ask(request: KeyedRequest): Asking {
    yield { ask: request, via: this.#via };
  }

  *#current(request: KeyedRequest): Asking<KeyedRequest> {
    if (!this.#terms.operations[request.operation]?.state?.conditional) return request;
    const { ifMatch: _, ...bare } = request;
    const etag = yield* this.#look(bare, {});
    return etag === null ? bare : { ...bare, ifMatch: etag };
  }

  #underNewKey(request: KeyedRequest): KeyedRequest {
    return { ...request, key: this.draw.asking(request.operation).key };
  }
}

async function invoke(service: Apis['service'], input: MethodsInput, signal: AbortSignal): Promise<MethodsOutput> {
  if (input.f !== 'state') return invokeService(service, input, signal);
  const { operation, values, by } = input;
  return service.state({ operation, values, ...(by ? { by } : {}) }, signal);
}
