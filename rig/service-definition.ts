/**
 * What a team says of its own HTTP service, in YAML, JSON or TypeScript: how to ask it, where the key goes, what its
 * answers mean, where its effects can be seen, and how it is started or where it runs. The schema (`service-schema.ts`) is
 * the whole truth; what no schema can say, such as a value that a template names and nobody draws, is checked here too.
 */

import type { Json, ValueRange } from './contract.ts';
import { durationMs } from './durations.ts';
import { UsageError } from './exit.ts';
import { ajv } from './packages.ts';
import { schemaSentence } from './schema-sentence.ts';
import { serviceSchema } from './service-schema.ts';

/** Texts may hold `{{name}}`: of requests a value, or `key`; of programs `node`, `host`, `port`, `data`, `shared`, `sink`. */
export interface HttpServiceDefinition {
  readonly name: string;
  readonly summary?: string;
  /** Ordeal starts the nodes. Or `attach`: they run already, and Ordeal only stands between them and the clients. */
  readonly start?: ServiceStart;
  /** Node → its address, `http://127.0.0.1:8080`. */
  readonly attach?: Readonly<Record<string, string>>;
  /** Said to load a service on another machine: only then is one attached. */
  readonly allowRemote?: boolean;
  /** A path that is answered with this status (200) when a node serves. */
  readonly ready?: { readonly path: string; readonly status?: number };
  readonly idempotencyKey: {
    /** Where it goes: a header, or a field of the body. */
    readonly header?: string;
    readonly field?: string;
    /** Values that together with the key name a request, such as the tenant. */
    readonly scope?: readonly string[];
    readonly longest?: number;
    /** Of a repeat that means the same and is written otherwise. Default: `bytes`, so it may be refused as another payload. */
    readonly compares?: 'meaning' | 'bytes';
    /** For how long a key is remembered at least, `24h`. */
    readonly retention?: string;
    /** By when it is certainly over, and whether a request that comes then is a new one or is refused. */
    readonly expiry?: { readonly after: string; readonly becomes: 'new' | 'refused' };
  };
  readonly operations: Readonly<Record<string, ServiceOperation>>;
  readonly outcomes?: ServiceOutcomes;
  readonly effects: ServiceEffects;
  /** Other ways to run it, such as with a known bug: asked for as `service.yaml:variant`. */
  readonly variants?: Readonly<
    Record<string, { readonly summary: string; readonly env: Readonly<Record<string, string>> }>
  >;
}

export interface ServiceStart {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** As the node numbers it; `{{port}}` is where it is to listen. */
  readonly port: number;
  readonly nodes?: number;
  /** In order of preference; default: loopback. */
  readonly hosts?: readonly ('docker' | 'netns' | 'loopback')[];
  /** For docker: a folder with a Dockerfile, or the name of an image. */
  readonly image?: ServiceImage;
  /** What is different where a node runs its other version, on the data of this one; see the nemesis `upgrade`. */
  readonly upgraded?: {
    readonly command?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly image?: ServiceImage;
  };
}

export interface ServiceImage {
  readonly build?: string;
  readonly name?: string;
}

export interface ServiceOperation {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json;
  /** What a field of the body that is left out means; a repeat may write it down. */
  readonly defaults?: { readonly [field: string]: Json };
  readonly values?: Readonly<Record<string, ValueRange>>;
  /**
   * Where a GET shows the state that it changes, and which value of the answer that is; default: all of it. `conditional`: a
   * request with If-Match is done only while the ETag that was shown there is the current one.
   */
  readonly state?: { readonly path: string; readonly value?: string; readonly conditional?: boolean };
  /** Which field of the answer is the service's name for the effect, and whether a repeat gets the same bytes. */
  readonly answer?: { readonly id?: string; readonly repeated?: 'id' | 'body' };
}

/** Statuses. Whatever is not named leaves it open what happened. */
export interface ServiceOutcomes {
  readonly ok?: readonly number[];
  readonly fail?: readonly number[];
  readonly inUse?: readonly number[];
  readonly mismatch?: readonly number[];
  readonly kept?: readonly number[];
  readonly expired?: readonly number[];
}

/** Where effects can be seen, and what of each: paths such as `metadata.key`, columns, or parts of a delivery. */
export interface ServiceEffects {
  readonly endpoint?: {
    readonly path: string;
    /** Where in the answer the list is; default: the answer itself. */
    readonly items?: string;
    /** Pages: `{{after}}` in the path is this field of the last item, until a page is empty; the first is `from`. */
    readonly after?: { readonly field: string; readonly from: string };
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly sql?: { readonly connection: string; readonly query: string };
  readonly sink?: {
    /** `smtp`: mail. */
    readonly kind: 'http' | 'smtp';
    /** Default: any free port, which programs find as `{{sink}}`. */
    readonly port?: number;
    /** What a delivery by HTTP is answered with. */
    readonly answer?: { readonly status?: number; readonly body?: Json };
  };
  readonly key: string;
  /** The text around the key, where the key is not all there is: `Receipt for {{key}}.` */
  readonly keyWithin?: string;
  readonly id?: string;
  readonly values?: Readonly<Record<string, string>>;
}

const PROGRAM_WORDS = ['node', 'host', 'port', 'data', 'shared', 'sink', 'ordeal'];
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;

/** The definition, if it is one; `where` names the file in what is thrown otherwise. */
export function checkService(value: unknown, where: string): HttpServiceDefinition {
  const validate = new (ajv().Ajv2020)({
    allErrors: true,
    allowUnionTypes: true,
    verbose: true,
    strict: false,
  }).compile<HttpServiceDefinition>(serviceSchema);
  if (!validate(value)) {
    const [first] = validate.errors ?? [];
    throw new UsageError(
      `${where}: ${first ? schemaSentence(first, 'the definition of a service') : 'it defines no service'}`,
    );
  }
  const problem = problemOf(value);
  if (problem !== null) throw new UsageError(`${where}: ${problem}`);
  return value;
}

/** What is wrong with it that the schema does not see; `null`: nothing. */
function problemOf(definition: HttpServiceDefinition): string | null {
  const { start, attach, idempotencyKey, effects, operations } = definition;
  return (
    exactlyOne('start or attach', { start, attach }, 'one brings the service up, the other finds it running') ??
    exactlyOne(
      'idempotencyKey.header or idempotencyKey.field',
      pick(idempotencyKey, ['header', 'field']),
      'the key goes to one place',
    ) ??
    exactlyOne(
      'effects.endpoint, effects.sql or effects.sink',
      pick(effects, ['endpoint', 'sql', 'sink']),
      'effects are counted in one place',
    ) ??
    placeProblem(definition) ??
    expiryProblem(idempotencyKey) ??
    pageProblem(effects) ??
    sinkProblem(definition) ??
    Object.entries(operations).reduce<string | null>(
      (found, [name, one]) => found ?? operationProblem(name, one, definition),
      null,
    )
  );
}

function expiryProblem({ retention, expiry }: HttpServiceDefinition['idempotencyKey']): string | null {
  if (!expiry) return null;
  if (retention === undefined)
    return 'idempotencyKey.expiry says what becomes of old keys, and there is no idempotencyKey.retention: say how long they are kept';
  if (durationMs(expiry.after, 'expiry') > durationMs(retention, 'retention')) return null;
  return `idempotencyKey.expiry.after is ${expiry.after}, and keys are kept for ${retention}: it must be longer`;
}

function exactlyOne(what: string, given: Readonly<Record<string, unknown>>, why: string): string | null {
  const count = Object.values(given).filter((value) => value !== undefined).length;
  if (count === 1) return null;
  return `${count === 0 ? 'there is no' : 'there is more than one of'} ${what}; give one: ${why}`;
}

const pick = (from: object, keys: readonly string[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(keys.map((key) => [key, (from as Record<string, unknown>)[key]]));

function placeProblem({ start, attach, allowRemote, variants }: HttpServiceDefinition): string | null {
  for (const [node, url] of Object.entries(attach ?? {})) {
    const { hostname } = new URL(url);
    if (!LOOPBACK.test(hostname) && allowRemote !== true)
      return `attach.${node} is ${url}, which is another machine: say allowRemote: true if you may put load and faults on its traffic`;
  }
  if (attach && variants) return 'variants are other ways to start a service, and this one is attached';
  if (start?.hosts?.includes('docker') && !start.image)
    return 'start.hosts names docker, and there is no start.image: give build, a folder with a Dockerfile, or name, an image';
  const { upgraded = {} } = start ?? {};
  if (upgraded.image && !start?.image)
    return 'start.upgraded.image is the image of another version, and there is no start.image of the first';
  const programs = [start ?? {}, upgraded];
  const templates = programs.flatMap(({ command: words = [], env = {} }) => [
    ...words.entries(),
    ...Object.entries(env),
  ]);
  for (const [field, template] of templates)
    for (const word of wordsIn(template))
      if (!PROGRAM_WORDS.includes(word))
        return `start: "${template}" (${field}) names {{${word}}}; there are ${PROGRAM_WORDS.map((one) => `{{${one}}}`).join(', ')}`;
  return null;
}

function pageProblem({ endpoint }: ServiceEffects): string | null {
  if (!endpoint) return null;
  const isPaged = wordsIn(endpoint.path).includes('after');
  if (isPaged && !endpoint.after)
    return 'effects.endpoint.path names {{after}}; say with effects.endpoint.after which field of the last item that is';
  if (!isPaged && endpoint.after)
    return 'effects.endpoint.after is given, but effects.endpoint.path does not name {{after}}';
  return null;
}

function sinkProblem({ attach, effects: { sink } }: HttpServiceDefinition): string | null {
  if (sink?.kind === 'smtp' && sink.answer)
    return 'effects.sink.answer is given, and mail is not answered: that is for kind: http';
  if (attach && sink && sink.port === undefined)
    return 'effects.sink has no port, and a service that runs already cannot be told of one: give effects.sink.port, where it delivers to';
  return null;
}

function operationProblem(
  name: string,
  { path, headers, body, values = {}, state }: ServiceOperation,
  definition: HttpServiceDefinition,
): string | null {
  const known = [...Object.keys(values), 'key'];
  const at = `operations.${name}`;
  for (const word of wordsIn(JSON.stringify([path, headers ?? {}, body ?? null])))
    if (!known.includes(word)) return `${at} names {{${word}}}, which is not drawn; its values are ${known.join(', ')}`;
  for (const word of wordsIn(state?.path ?? ''))
    if (!Object.keys(values).includes(word))
      return `${at}.state.path names {{${word}}}; its values are ${Object.keys(values).join(', ') || 'none'}`;
  for (const [value, one] of Object.entries(values)) {
    const draws = ['oneOf', 'integer', 'text', 'uuid'].filter((how) => how in one);
    if (draws.length !== 1)
      return `${at}.values.${value} must say one of oneOf, integer, text and uuid; it says ${draws.join(', ') || 'none'}`;
    if ('not' in one && one.not !== undefined && !Object.keys(values).includes(one.not))
      return `${at}.values.${value}.not is ${one.not}; its values are ${Object.keys(values).join(', ')}`;
    const bounds = 'integer' in one ? one.integer : 'text' in one ? one.text : [0, 0];
    if ((bounds[0] ?? 0) > (bounds[1] ?? 0))
      return `${at}.values.${value} runs from ${bounds[0]} to ${bounds[1]}; the first must not be the larger`;
  }
  const { scope = [], field } = definition.idempotencyKey;
  for (const value of scope)
    if (!Object.keys(values).includes(value))
      return `idempotencyKey.scope names ${value}, and ${at} has no such value; it has ${Object.keys(values).join(', ') || 'none'}`;
  if (field !== undefined && (typeof body !== 'object' || body === null || Array.isArray(body)))
    return `idempotencyKey.field is ${field}, but ${at} has no body with fields`;
  return null;
}

/** The names in `{{…}}`. */
export const wordsIn = (template: string): readonly string[] =>
  [...template.matchAll(/\{\{(\w+)\}\}/g)].map(([, word]) => word as string);
