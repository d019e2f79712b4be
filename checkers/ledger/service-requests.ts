/**
 * Requests to any service in the words of transfers: who is in the scope of the key pays, the rest of the payload is the
 * payee. So one judgement serves both. Indices are kept, and what the service's terms leave open is left out.
 */

import type { Input, Json, ServiceAnswer, ServiceEffect, ServiceRequest, ServiceTerms } from '../../rig/contract.ts';
import { FAIL, History, OK } from '../../rig/history.ts';
import { Recording } from '../../rig/recording.ts';
import type { TransfersInput, TransfersOutput } from './evidence.ts';
import { requestsByKey, keyOnWire } from './circumstances.ts';
import { type AgeFinding, type Lifetime, lifetimeOf, type Use } from './lifetimes.ts';
import type { Terms } from './terms.ts';

export type ServiceInput = Input &
  ({ readonly f: 'terms' } | { readonly f: 'effects' } | ({ readonly f: 'request' } & ServiceRequest));

/** Of `terms`, `effects` and `request`, in this order. */
export type ServiceOutput = ServiceTerms | readonly ServiceEffect[] | ServiceAnswer;

/** What is judged of a history of requests to a service, and by which terms. */
export interface Told {
  readonly history: History<TransfersInput, TransfersOutput>;
  readonly terms: Terms;
  readonly ages: Ages;
}

/** What the ages of keys tell. */
export interface Ages {
  /** Whether the service declared how long it keeps keys, and what becomes of them after that. */
  readonly declared: { readonly kept: boolean; readonly over: boolean };
  /** Uses in the second half of the time for which keys are kept, and uses after they are over. */
  readonly whileKept: number;
  readonly whenOver: number;
  /** Keys that were used when the service might have known them or not: they are not judged. */
  readonly unclear: number;
  readonly findings: readonly (AgeFinding & { readonly from: string })[];
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

interface Row extends Use {
  readonly name: string;
}

/** What comes behind the name of whose a request is, where its key was given up and is used again. */
const AGAIN = ' (use ';
const inLife = (scope: string, life: number): string =>
  life === 0 ? scope : `${scope}${AGAIN}${life + 1} of the key)`;
/** Whose it is, in whatever life of its key. */
export const withoutLife = (from: string): string => from.split(AGAIN, 1)[0] as string;

class Telling {
  readonly #history: History;
  readonly #declared: ServiceTerms;
  readonly #rows: Row[] = [];
  /** The payloads that were asked for, by name of the request; the first acknowledged one first. */
  readonly #payloads = new Map<string, ServiceRequest[]>();
  /** By name of the request; without an entry, its key has one life. */
  readonly #lifetimes = new Map<string, Lifetime & { readonly uses: readonly Row[] }>();
  /** By position of a use: which life of its key it belongs to, `null` if that cannot be told. */
  readonly #lives = new Map<number, number | null>();
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
    return { history: new History(parts), terms: termsOf(this.#declared), ages: this.#ages() };
  }

  #ages(): Ages {
    const all = [...this.#lifetimes.values()];
    const sum = (of: (one: Lifetime) => number) => all.reduce((total, one) => total + of(one), 0);
    return {
      declared: { kept: this.#declared.retentionMs !== null, over: (this.#declared.expiry ?? null) !== null },
      whileKept: sum(({ whileKept }) => whileKept),
      whenOver: sum(({ whenOver }) => whenOver),
      unclear: sum(({ lives }) => (lives ? 0 : 1)),
      findings: all.flatMap(({ findings, uses }) =>
        findings.map((finding) => ({ ...finding, from: this.#scopeOf((uses[0] as Row).request.values) })),
      ),
    };
  }

  /** Who asked for what, and how old the keys were. */
  #look(): void {
    const history = this.#history;
    const f = history.functions.indexOf('request');
    for (let at = 0; at < history.length; at++) {
      if (history.f[at] !== f) continue;
      const request = history.input(at) as unknown as ServiceRequest;
      if (typeof request.key !== 'string' || !isRecord(request.values)) continue;
      const name = this.#nameOf(request.key, request.values);
      const isOk = history.type[at] === OK;
      const id = isOk ? ((history.output(at) as unknown as ServiceAnswer | null)?.id ?? null) : null;
      this.#rows.push({ at, request, name, id });
      const payloads = this.#payloads.get(name) ?? [];
      if (isOk) payloads.unshift(request);
      else payloads.push(request);
      this.#payloads.set(name, payloads);
      if (isOk && id === null) this.#hasIds = false;
    }
    if (this.#declared.retentionMs !== null) this.#lookAtAges();
  }

  #lookAtAges(): void {
    const byName = new Map<string, Row[]>();
    for (const row of this.#rows) {
      const uses = byName.get(row.name);
      if (uses) uses.push(row);
      else byName.set(row.name, [row]);
    }
    const wire = requestsByKey(this.#history, new Set(this.#declared.methods));
    const keyOf = ([first]: readonly Row[]) => (first as Row).request.key;
    for (const [name, uses] of byName) {
      const sent = wire.get(keyOnWire(keyOf(uses))) ?? [];
      this.#lifetimes.set(name, { ...lifetimeOf(this.#history, uses, sent, this.#declared), uses });
    }
    // What was sent is counted by key, whosever it is: so all who used it are left out together.
    const unclear = new Set([...this.#lifetimes.values()].flatMap(({ lives, uses }) => (lives ? [] : [keyOf(uses)])));
    for (const [name, lifetime] of this.#lifetimes) {
      const lives = unclear.has(keyOf(lifetime.uses)) ? null : lifetime.lives;
      this.#lifetimes.set(name, { ...lifetime, lives });
      for (const [nth, { at }] of lifetime.uses.entries()) this.#lives.set(at, lives?.[nth] ?? null);
    }
  }

  #tellRequest(recording: Recording<TransfersInput, TransfersOutput>, row: Row): void {
    const { at, request, name } = row;
    const life = this.#lives.get(at) ?? (this.#lives.has(at) ? null : 0);
    if (life === null) return;
    const form = request.form === undefined ? {} : { form: request.form };
    const from = inLife(this.#scopeOf(request.values), life);
    const input = { f: 'transfer', key: request.key, from, to: this.#payloadOf(request), amount: 0, ...form };
    const id = this.#hasIds ? String(row.id) : name;
    this.#tell(recording, at, input as TransfersInput, { id, amount: 0, replayed: false });
  }

  #tellEffects(recording: Recording<TransfersInput, TransfersOutput>, at: number): void {
    const output = this.#history.output(at) as unknown;
    const effects = Array.isArray(output) ? (output as readonly ServiceEffect[]) : [];
    const counts = new Map<string, number>();
    const applied = effects.flatMap((effect) => {
      const name = this.#nameOf(effect.key, effect.values);
      const nth = counts.get(name) ?? 0;
      counts.set(name, nth + 1);
      const life = this.#lifeOfEffect(name, effect, nth, at);
      if (life === null) return [];
      const seen = this.#payloads.get(name)?.find((asked) => agree(asked.values, effect.values));
      const values = seen?.values ?? effect.values;
      const to = seen ? this.#payloadOf(seen) : textOf(effect.values, this.#declared.scope);
      const id = this.#hasIds && effect.id !== null ? effect.id : name;
      return [{ key: effect.key, from: inLife(this.#scopeOf(values), life), to, amount: 0, id }];
    });
    this.#tell(recording, at, { f: 'applied' }, applied);
  }

  /** By the answer that names it; otherwise the effects of a key are taken for those of its lives, one each. */
  #lifeOfEffect(name: string, { id }: ServiceEffect, nth: number, listedAt: number): number | null {
    const known = this.#lifetimes.get(name);
    if (!known) return 0;
    const { lives, uses } = known;
    if (!lives) return null;
    const named = uses.findIndex((use) => use.id !== null && use.id === id);
    if (named >= 0) return lives[named] as number;
    const begun = uses.filter(({ at }) => at < listedAt).length;
    return Math.min(nth, lives[Math.max(0, begun - 1)] ?? 0);
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
    const endedNs = history.endedNs(at);
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

function termsOf({ inUse, mismatch, kept, ok, methods, repeatsBody, comparesMeaning }: ServiceTerms): Terms {
  const statusesOf = (classes: readonly string[]) => classes.map((name) => Number(/^http-(\d+)$/.exec(name)?.[1]));
  return {
    inUse: new Set(inUse),
    mismatch: new Set(mismatch),
    finalRefusal: new Set(kept),
    finalStatuses: new Set([...ok, ...statusesOf(kept), ...statusesOf(mismatch)]),
    methods: new Set(methods),
    repeatsBody,
    comparesMeaning,
    hasAccounts: false,
    noun: 'request',
    whose: (from) => from,
    payload: ({ to }) => to,
  };
}

const isRecord = (value: unknown): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
