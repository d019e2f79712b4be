/**
 * Requests to any service in the words of transfers: who is in the scope of the key pays, the rest of the payload is the
 * payee. So one judgement serves both. Indices are kept, and what the service's terms leave open is left out.
 */

import type { Input, Json, ServiceAnswer, ServiceEffect, ServiceRequest, ServiceTerms } from '../../rig/contract.ts';
import { FAIL, History, OK } from '../../rig/history.ts';
import { Recording } from '../../rig/recording.ts';
import type { TransfersInput, TransfersOutput } from './evidence.ts';
import type { Terms } from './terms.ts';

export type ServiceInput = Input &
  ({ readonly f: 'terms' } | { readonly f: 'effects' } | ({ readonly f: 'request' } & ServiceRequest));

/** Of `terms`, `effects` and `request`, in this order. */
export type ServiceOutput = ServiceTerms | readonly ServiceEffect[] | ServiceAnswer;

/** What is judged of a history of requests to a service, and by which terms. */
export interface Told {
  readonly history: History<TransfersInput, TransfersOutput>;
  readonly terms: Terms;
  /** Keys that were repeated when the service need not know them any more. */
  readonly outlived: number;
}

/** `null` if the history is of something else. */
export function toldAsTransfers(history: History): Told | null {
  if (!history.functions.includes('terms') || !history.functions.includes('request')) return null;
  const declared = termsIn(history);
  return declared && new Telling(history, declared).told();
}

function termsIn(history: History): ServiceTerms | null {
  const f = history.functions.indexOf('terms');
  for (let at = 0; at < history.length; at++) {
    if (history.f[at] !== f || history.type[at] !== OK) continue;
    const output = history.output(at);
    if (isRecord(output) && isRecord(output['operations'])) return output as unknown as ServiceTerms;
  }
  return null;
}

interface Row {
  readonly at: number;
  readonly request: ServiceRequest;
  readonly name: string;
}

class Telling {
  readonly #history: History;
  readonly #declared: ServiceTerms;
  readonly #rows: Row[] = [];
  /** The payloads that were asked for, by name of the request; the first acknowledged one first. */
  readonly #payloads = new Map<string, ServiceRequest[]>();
  readonly #outlived = new Set<string>();
  #hasIds = true;

  constructor(history: History, declared: ServiceTerms) {
    this.#history = history;
    this.#declared = declared;
  }

  told(): Told {
    this.#look();
    const recording = new Recording<TransfersInput, TransfersOutput>(this.#history.length);
    const { functions } = this.#history;
    let row = 0;
    for (let at = 0; at < this.#history.length; at++) {
      if (this.#rows[row]?.at === at) this.#tellRequest(recording, this.#rows[row++] as Row);
      else if (functions[this.#history.f[at] as number] === 'effects') this.#tellEffects(recording, at);
    }
    const { faults, phases, wire, lastNs, eventCount, warnings } = this.#history.parts;
    const parts = { ...recording.parts(), faults, phases, lastNs, eventCount, warnings, ...(wire ? { wire } : {}) };
    return { history: new History(parts), terms: termsOf(this.#declared), outlived: this.#outlived.size };
  }

  /** Who asked for what, and for which keys the service's memory was over. */
  #look(): void {
    const history = this.#history;
    const f = history.functions.indexOf('request');
    const firstNs = new Map<string, number>();
    const limitNs = this.#declared.retentionMs === null ? Infinity : this.#declared.retentionMs * 1e6;
    for (let at = 0; at < history.length; at++) {
      if (history.f[at] !== f) continue;
      const request = history.input(at) as unknown as ServiceRequest;
      if (typeof request.key !== 'string' || !isRecord(request.values)) continue;
      const name = this.#nameOf(request.key, request.values);
      this.#rows.push({ at, request, name });
      const invokedNs = history.invokedNs[at] as number;
      const beganNs = firstNs.get(name) ?? invokedNs;
      firstNs.set(name, beganNs);
      if (invokedNs - beganNs > limitNs) this.#outlived.add(name);
      const payloads = this.#payloads.get(name) ?? [];
      if (history.type[at] === OK) payloads.unshift(request);
      else payloads.push(request);
      this.#payloads.set(name, payloads);
      if (history.type[at] === OK && (history.output(at) as unknown as ServiceAnswer | null)?.id == null)
        this.#hasIds = false;
    }
  }

  #tellRequest(recording: Recording<TransfersInput, TransfersOutput>, { at, request, name }: Row): void {
    if (this.#outlived.has(name)) return;
    const { key } = request;
    const input = { f: 'transfer', key, from: this.#scopeOf(request.values), to: this.#payloadOf(request), amount: 0 };
    const answer = this.#history.output(at) as unknown as ServiceAnswer | undefined;
    const id = this.#hasIds ? String(answer?.id) : name;
    this.#tell(recording, at, input as TransfersInput, { id, amount: 0, replayed: false });
  }

  #tellEffects(recording: Recording<TransfersInput, TransfersOutput>, at: number): void {
    const output = this.#history.output(at) as unknown;
    const effects = Array.isArray(output) ? (output as readonly ServiceEffect[]) : [];
    const applied = effects.flatMap((effect) => {
      const name = this.#nameOf(effect.key, effect.values);
      if (this.#outlived.has(name)) return [];
      const seen = this.#payloads.get(name)?.find((asked) => agree(asked.values, effect.values));
      const values = seen?.values ?? effect.values;
      const to = seen ? this.#payloadOf(seen) : textOf(effect.values, this.#declared.scope);
      const id = this.#hasIds && effect.id !== null ? effect.id : name;
      return [{ key: effect.key, from: this.#scopeOf(values), to, amount: 0, id }];
    });
    this.#tell(recording, at, { f: 'applied' }, applied);
  }

  /** Both ends of an operation, as they were but for these words. */
  #tell(
    recording: Recording<TransfersInput, TransfersOutput>,
    at: number,
    input: TransfersInput,
    output: TransfersOutput,
  ): void {
    const history = this.#history;
    const process = history.process[at] as number;
    const node = history.nodes[history.node[at] as number] as string;
    const timeNs = history.invokedNs[at] as number;
    recording.add({ type: 'invoke', index: history.invokeIndex[at] as number, timeNs, process, node, input });
    const endedNs = history.endedNs[at] as number;
    if (Number.isNaN(endedNs)) return;
    const end = { index: history.completeIndex[at] as number, timeNs: endedNs, process, node };
    if (history.type[at] === OK) return recording.add({ ...end, type: 'ok', output });
    const error = history.errors[history.error[at] as number] as string;
    recording.add({ ...end, type: history.type[at] === FAIL ? 'fail' : 'info', error });
  }

  #nameOf(key: string, values: ServiceRequest['values']): string {
    const scope = this.#scopeOf(values);
    return scope === '' ? key : `${key} of ${scope}`;
  }

  #scopeOf(values: ServiceRequest['values']): string {
    const [only, ...others] = this.#declared.scope;
    if (only !== undefined && others.length === 0) return String(values[only] ?? '?');
    return this.#declared.scope.map((value) => `${value} ${values[value] ?? '?'}`).join(', ');
  }

  #payloadOf({ operation, values }: ServiceRequest): string {
    return `${operation} ${textOf(values, this.#declared.scope)}`;
  }
}

/** `amount 5, to a2`: what the scope does not say already. */
const textOf = (values: ServiceRequest['values'], scope: readonly string[]): string =>
  Object.keys(values)
    .filter((value) => !scope.includes(value))
    .sort()
    .map((value) => `${value} ${values[value]}`)
    .join(', ');

/** Whether what can be seen of an effect is what was asked for. */
const agree = (asked: ServiceRequest['values'], seen: ServiceRequest['values']): boolean =>
  Object.entries(seen).every(([value, is]) => asked[value] === undefined || isSame(asked[value], is));

/** A number may be written as a text, with digits of its own: `5.00` from a column of decimals. */
const isSame = (asked: string | number, seen: string | number): boolean =>
  String(asked) === String(seen) || (typeof asked === 'number' && seen !== '' && Number(seen) === asked);

function termsOf({ inUse, mismatch, kept, ok, methods, repeatsBody }: ServiceTerms): Terms {
  const statusesOf = (classes: readonly string[]) => classes.map((name) => Number(/^http-(\d+)$/.exec(name)?.[1]));
  return {
    inUse: new Set(inUse),
    mismatch: new Set(mismatch),
    finalRefusal: new Set(kept),
    finalStatuses: new Set([...ok, ...statusesOf(kept), ...statusesOf(mismatch)]),
    methods: new Set(methods),
    repeatsBody,
    hasAccounts: false,
    noun: 'request',
    whose: (from) => from,
    payload: ({ to }) => to,
  };
}

const isRecord = (value: unknown): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
