/**
 * HTTP's own promise: who reads changes nothing, and a PUT or DELETE that is repeated, under whatever key, leaves the state
 * that the first one left. Tried at the end, when nothing else is going on; until then there is load, and faults.
 */

import { methods as methodsChecker, type MethodsInput, type MethodsOutput } from '../checkers/methods.ts';
import type { Apis, NodeId } from '../rig/contract.ts';
import { defineWorkload } from '../rig/define.ts';
import { type Asks, insist, SETTLE_MS } from './insist.ts';
import { invokeService, type KeyedRequest, readTerms, RequestDraw } from './service-requests.ts';

const ROUNDS = 5;
const REPEATS = 3;

export const methods = defineWorkload<'service', MethodsInput, MethodsOutput>({
  name: 'methods',
  summary: 'reads, PUT and DELETE repeated where nothing else is going on: they change nothing more (RFC 9110)',
  api: 'service',
  checkers: [methodsChecker],
  semantics: { terms: 'safe', request: 'unsafe', state: 'safe' },

  *generator(context) {
    const terms = yield* readTerms(context);
    const draw = new RequestDraw(context, terms);
    for (;;) yield* insist<MethodsInput, MethodsOutput>(context, draw.own(), terms.inUse);
  },

  *finalGenerator(context) {
    const { worker, nodes } = context;
    if (worker !== 0) return;
    const terms = yield* readTerms(context);
    const draw = new RequestDraw(context, terms);
    const via = nodes[0] as NodeId;
    let round = 0;
    for (let nth = 0; nth < ROUNDS; nth++) {
      for (const [operation, { method = '', hasState = false }] of Object.entries(terms.operations)) {
        const request = draw.asking(operation);
        const { values } = request;
        if (!hasState || !(yield* insist<MethodsInput, MethodsOutput>(context, request, terms.inUse))) continue;
        const read = { f: 'state', operation, values } as const;
        yield { ask: { ...read, round: ++round, of: 'GET' }, via, afterMs: round === 1 ? SETTLE_MS : 0 };
        for (let again = 1; again < REPEATS; again++) yield { ask: { ...read, round, of: 'GET' }, via };
        if (!isIdempotent(method)) continue;
        yield { ask: { ...read, round: ++round, of: method }, via };
        yield* repeat(draw, request, via);
        yield { ask: { ...read, round, of: method }, via };
      }
    }
  },

  invoke,
});

const isIdempotent = (method: string): method is 'PUT' | 'DELETE' => method === 'PUT' || method === 'DELETE';

/** Under keys of their own: it is the method that promises, not the key. */
function* repeat(
  draw: RequestDraw,
  { operation, values }: KeyedRequest,
  via: NodeId,
): Asks<MethodsInput, MethodsOutput, void> {
  for (let again = 0; again < REPEATS; again++) yield { ask: { ...draw.asking(operation), values }, via };
}

async function invoke(service: Apis['service'], input: MethodsInput, signal: AbortSignal): Promise<MethodsOutput> {
  if (input.f !== 'state') return invokeService(service, input, signal);
  return service.state({ operation: input.operation, values: input.values }, signal);
}
