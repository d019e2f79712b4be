/** What can be asked of a service, drawn from the terms that it was declared by. */

import type { ServiceInput, ServiceOutput } from '../checkers/exactly-once.ts';
import type {
  Apis,
  Directed,
  Completion,
  Input,
  Json,
  ServiceRequest,
  ServiceTerms,
  ServiceValues,
  ValueRange,
  WorkerContext,
} from '../rig/contract.ts';
import type { Random } from '../rig/random.ts';
import { wordsIn } from '../rig/service-definition.ts';

export type KeyedRequest = Extract<ServiceInput, { readonly f: 'request' }>;

const OTHER_TRIES = 20;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Asks until some node tells. */
export function* readTerms<Out extends Json>({
  rng,
  nodes,
}: WorkerContext): Generator<Directed<Input & { readonly f: 'terms' }>, ServiceTerms, Completion<Out>> {
  for (;;) {
    const answer = yield { ask: { f: 'terms' }, via: rng.pick(nodes) };
    if (answer.type === 'ok') return answer.output as unknown as ServiceTerms;
  }
}

/** Every request goes to the part of the API that it names. */
export async function invokeService(
  service: Apis['service'],
  input: ServiceInput,
  signal: AbortSignal,
): Promise<ServiceOutput> {
  switch (input.f) {
    case 'terms':
      return service.terms(signal);
    case 'effects':
      return service.effects(signal);
    case 'request': {
      const { f: _, ...request } = input;
      return service.request(request, signal);
    }
  }
}

/** New requests of one worker, by where their keys come from. */
export class RequestDraw {
  readonly #context: WorkerContext;
  readonly #terms: ServiceTerms;
  readonly #operations: readonly string[];
  readonly #pair: number;
  readonly #pairRng: Random;
  #count = 0;
  #pairCount = 0;
  #sameKeyCount = 0;

  constructor(context: WorkerContext, terms: ServiceTerms) {
    this.#context = context;
    this.#terms = terms;
    this.#operations = Object.keys(terms.operations).sort();
    this.#pair = Math.floor(context.worker / 2);
    this.#pairRng = context.shared.fork(`pair ${this.#pair}`);
  }

  /** Nobody else asks for it. */
  own(): KeyedRequest {
    return this.named(`w${this.#context.worker}-${++this.#count}`, false);
  }

  /** The worker beside this one, on another node, asks for the same at about the same time. */
  paired(): KeyedRequest {
    return this.#request(`p${this.#pair}-${++this.#pairCount}`, this.#pairRng);
  }

  /** Other workers use the same key in another scope; in the same scope they ask for the same. */
  sameKey(): KeyedRequest {
    const { shared, worker } = this.#context;
    const name = `s${++this.#sameKeyCount}`;
    const operation = shared.fork(`same key ${name}`).pick(this.#operations);
    const scope: Record<string, string | number> = {};
    for (const value of this.#terms.scope) {
      const range = this.#terms.operations[operation]?.values[value];
      if (range && 'oneOf' in range) scope[value] = range.oneOf[worker % range.oneOf.length] as string | number;
    }
    const rng = shared.fork(`same key ${name} of ${JSON.stringify(scope)}`);
    const key = `${this.#terms.keyPrefix}${name}`;
    return { f: 'request', operation, key, values: this.#drawValues(operation, rng, scope) };
  }

  /** Under this key, which nobody else uses; `isWhole`: it has the prefix of the run's keys already. */
  named(key: string, isWhole = true): KeyedRequest {
    return this.#request(key, this.#context.rng, isWhole);
  }

  /** This operation, under a key of its own; of the end of a run, when nobody else asks. */
  asking(operation: string): KeyedRequest {
    const key = `${this.#terms.keyPrefix}end-${++this.#count}`;
    return { f: 'request', operation, key, values: this.#drawValues(operation, this.#context.rng, {}) };
  }

  /** The same key and scope, and something else is asked; `null` where nothing else can be. */
  otherPayload(request: KeyedRequest): KeyedRequest | null {
    const scope = Object.fromEntries(this.#terms.scope.map((value) => [value, request.values[value] ?? '']));
    for (let attempt = 0; attempt < OTHER_TRIES; attempt++) {
      const values = this.#drawValues(request.operation, this.#context.rng, scope);
      if (JSON.stringify(values) !== JSON.stringify(request.values)) return { ...request, values };
    }
    return null;
  }

  /**
   * This operation on the object that the other request is about, by the path that shows its state, under a key of its own;
   * `null` where it is about other objects, or would be the same.
   */
  sameObject(operation: string, { operation: other, values }: KeyedRequest): KeyedRequest | null {
    const { state, values: ranges } = this.#terms.operations[operation] ?? { values: {} };
    if (state === undefined || state.path !== this.#terms.operations[other]?.state?.path) return null;
    const names = wordsIn(state.path).filter((name) => name in values);
    const object = Object.fromEntries(names.map((name) => [name, values[name] as string | number]));
    if (!names.every((name) => mayBe(ranges[name], object[name] as string | number))) return null;
    for (let attempt = 0; attempt < OTHER_TRIES; attempt++) {
      const drawn = this.#drawValues(operation, this.#context.rng, object);
      if (operation === other && JSON.stringify(drawn) === JSON.stringify(values)) continue;
      return { ...this.asking(operation), values: drawn };
    }
    return null;
  }

  #request(key: string, rng: Random, isWhole = false): KeyedRequest {
    const operation = rng.pick(this.#operations);
    const whole = isWhole || key === '' ? key : `${this.#terms.keyPrefix}${key}`;
    return { f: 'request', operation, key: whole, values: this.#drawValues(operation, rng, {}) };
  }

  /** `fixed` are taken as they are. */
  #drawValues(operation: string, rng: Random, fixed: ServiceValues): ServiceRequest['values'] {
    const values: Record<string, string | number> = {};
    for (const [name, range] of Object.entries(this.#terms.operations[operation]?.values ?? {}))
      values[name] = Object.hasOwn(fixed, name) ? (fixed[name] as string | number) : drawn(range, rng, values);
    return values;
  }
}

const mayBe = (range: ValueRange | undefined, value: string | number): boolean =>
  range !== undefined && (!('oneOf' in range) || range.oneOf.includes(value));

function drawn(range: ValueRange, rng: Random, before: ServiceValues): string | number {
  if ('oneOf' in range) {
    const taken = range.not === undefined ? undefined : before[range.not];
    const left = range.oneOf.filter((value) => value !== taken);
    return rng.pick(left.length > 0 ? left : range.oneOf);
  }
  if ('integer' in range) return rng.integer(...range.integer);
  if ('text' in range) return letters(rng, rng.integer(...range.text));
  return [8, 4, 4, 4, 12].map((length) => hexadecimal(rng, length)).join('-');
}

const letters = (rng: Random, length: number): string =>
  Array.from({ length }, () => LETTERS[rng.integer(0, LETTERS.length - 1)]).join('');

const hexadecimal = (rng: Random, length: number): string =>
  Array.from({ length }, () => rng.integer(0, 15).toString(16)).join('');
