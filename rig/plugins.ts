/**
 * Members that users write: a file with one default export, TypeScript without a build or JavaScript. What it
 * exports is checked before anything is touched, and an error names the file, the field and what is expected.
 */

import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ErrorObject } from 'ajv/dist/2020.js';
import type { Checker, Cluster, Nemesis, Workload } from './contract.ts';
import { UsageError } from './exit.ts';
import { sentenceOf } from './outcome.ts';
import { readValue } from './read-value.ts';
import { checkService, type HttpServiceDefinition } from './service-definition.ts';
import { ajv } from './packages.ts';
import { endWhenStuck } from './stuck.ts';

/** A user's own member of a room. */
export type Plugin =
  | { readonly kind: 'nemesis'; readonly member: Nemesis }
  | { readonly kind: 'workload'; readonly member: Workload }
  | { readonly kind: 'checker'; readonly member: Checker }
  | { readonly kind: 'cluster'; readonly member: Cluster }
  | { readonly kind: 'service'; readonly member: HttpServiceDefinition };

export type PluginKind = Plugin['kind'];

/** True for `./slow.ts`, `chaos/slow.js` and `service.yaml`, false for a name such as `kill`. */
export const isPluginPath = (text: string): boolean => /[/\\]|\.([cm]?[jt]s|ya?ml|json)$/.test(text);

const name = { type: 'string', pattern: '^[a-z][a-z0-9]*(-[a-z0-9]+)*$', maxLength: 64 } as const;
const summary = { type: 'string', minLength: 1, maxLength: 500 } as const;
const call = { callable: true } as const;
const some = (items: object) => ({ type: 'array', items, minItems: 1, maxItems: 50 }) as const;
const shape = (required: Record<string, object>, optional: Record<string, object> = {}) => ({
  type: 'object',
  required: Object.keys(required),
  properties: { ...required, ...optional },
});

const checker = shape({ name: { type: 'string', minLength: 1, maxLength: 128 }, check: call });

/** What each kind must look like; functions are told by the keyword `callable`. */
const shapes: Readonly<Record<Exclude<PluginKind, 'service'>, object>> = {
  nemesis: shape(
    {
      name,
      summary,
      controls: some({ type: 'string', minLength: 1 }),
      choose: call,
      inject: call,
      describe: call,
    },
    { states: some({ type: 'string', minLength: 1 }), span: call },
  ),
  workload: shape(
    {
      name,
      summary,
      api: { type: 'string', minLength: 1 },
      checkers: some(checker),
      semantics: { type: 'object', minProperties: 1, additionalProperties: { enum: ['safe', 'idempotent', 'unsafe'] } },
      generator: call,
      invoke: call,
    },
    { finalGenerator: call },
  ),
  checker,
  cluster: shape(
    {
      name,
      summary,
      apis: some({ type: 'string' }),
      controls: { type: 'array', items: { type: 'string' } },
      hosts: some({ enum: ['docker', 'netns', 'loopback', 'memory', 'attached'] }),
      variants: { type: 'object', additionalProperties: { type: 'string' } },
      nodeCounts: shape({
        default: { type: 'integer', minimum: 1 },
        allowed: some({ type: 'integer', minimum: 1, maximum: 100 }),
      }),
      up: call,
    },
    { layout: call, drills: call, states: { type: 'object', additionalProperties: { type: 'string' } } },
  ),
};

/** By which function the kinds are told apart. */
const MARKS: readonly (readonly [mark: string, kind: PluginKind])[] = [
  ['inject', 'nemesis'],
  ['generator', 'workload'],
  ['check', 'checker'],
  ['up', 'cluster'],
  ['operations', 'service'],
];

/** The modules by which users' files import Ordeal, `ordeal` among them: the very instances that run. */
export type OwnModules = Readonly<Record<string, object>>;

/** @param wanted the kind it must be of; `null`: any. */
export async function loadPlugin(file: string, wanted: PluginKind | null, own: OwnModules): Promise<Plugin> {
  if (!existsSync(file)) throw new UsageError(`there is no file ${file}${wanted ? ` with a ${wanted}` : ''}`);
  if (/\.(ya?ml|json)$/.test(file)) {
    if (wanted !== null && wanted !== 'cluster')
      throw new UsageError(`${file} is no ${wanted}: in YAML and JSON only a service can be described`);
    return { kind: 'service', member: checkService(readValue(file), file) };
  }
  return pluginOf(await loadDefault(file, own), file, wanted);
}

/** Users' own files, absolute. */
const loadedFiles = new Set<string>();

/** The user's own file out of which an error came, as seen from here; `null`: none. */
export function culpritOf(error: unknown): string | null {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const file = [...loadedFiles].find((one) => stack.includes(one));
  return file === undefined ? null : `./${relative('.', file)}`;
}

/** What a file exports by default; TypeScript is compiled in memory, its types are not checked. */
export async function loadDefault(file: string, own: OwnModules): Promise<unknown> {
  loadedFiles.add(file);
  endWhenStuck();
  let loaded: { readonly default?: unknown };
  try {
    const { createJiti } = await import('jiti');
    const jiti = createJiti(pathToFileURL(file).href, {
      interopDefault: false,
      virtualModules: own,
      moduleCache: false,
      fsCache: false,
    });
    loaded = await jiti.import(file);
  } catch (error) {
    throw new UsageError(`${file} cannot be loaded: ${sentenceOf(error)}`);
  }
  return loaded.default;
}

/** The default export of `file`, checked. */
export function pluginOf(member: unknown, file: string, wanted: PluginKind | null): Plugin {
  if (typeof member !== 'object' || member === null)
    throw new UsageError(
      `${file}: its default export is ${member === undefined ? 'missing' : typeof member}; it must be what ${wanted ? `define${capital(wanted)}` : 'defineNemesis, defineWorkload, defineChecker or defineCluster'} returns: export default defineNemesis({ … })`,
    );
  const kind = MARKS.find(([mark]) => mark in member)?.[1] ?? wanted;
  if (kind === null)
    throw new UsageError(
      `${file}: its default export is neither a nemesis, a workload, a checker, a cluster nor a service`,
    );
  if (kind === 'service' && (wanted === null || wanted === 'cluster'))
    return { kind, member: checkService(member, file) };
  if (wanted !== null && kind !== wanted) throw new UsageError(`${file} is a ${kind}, not a ${wanted}`);
  if (kind === 'service') throw new UsageError(`${file}: its default export is no service`);
  const schemas = new (ajv().Ajv2020)({ allErrors: false, strict: false, verbose: true });
  schemas.addKeyword({
    keyword: 'callable',
    errors: false,
    validate: (_: boolean, data: unknown) => typeof data === 'function',
  });
  const validate = schemas.compile(shapes[kind]);
  if (validate(member)) return { kind, member } as unknown as Plugin;
  const [error] = validate.errors ?? [];
  const at = error?.instancePath.slice(1).replaceAll('/', '.');
  const field = error?.keyword === 'required' ? [at, error.params['missingProperty']].filter(Boolean).join('.') : at;
  throw new UsageError(`${file}: the ${kind}'s field "${field}" ${expectation(error)}`);
}

function expectation(error: ErrorObject | undefined): string {
  if (!error) return 'is not as it should be';
  const found = error.data === undefined ? 'nothing' : (JSON.stringify(error.data)?.slice(0, 80) ?? typeof error.data);
  switch (error.keyword) {
    case 'required':
      return 'is missing';
    case 'callable':
      return `must be a function; it is ${found}`;
    case 'enum':
      return `is ${found}; it may be ${(error.params['allowedValues'] as string[]).join(', ')}`;
    case 'pattern':
      return `is ${found}; it must be words in lower case with hyphens, such as slow-network`;
    default:
      return `is ${found}; it ${error.message}`;
  }
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
