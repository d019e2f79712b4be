/**
 * Fills in the operations of a service's definition from an OpenAPI 3 document: every writing route, its body as a
 * template whose values are drawn within what the schema says. What it cannot know is marked for a person.
 */

import type { Json, ValueRange } from './contract.ts';
import { UsageError } from './exit.ts';
import { readValue } from './read-value.ts';
import { yaml } from './packages.ts';

const WRITING = ['post', 'put', 'patch', 'delete'] as const;
const MOST_OPERATIONS = 50;
const DEEPEST = 6;
const KEY_HEADER = /^(x-)?(idempotency-?key|request-?id|idempotency-?token)$/i;

type Fields = Readonly<Record<string, unknown>>;

export interface OpenApiOperations {
  /** YAML, from `operations:` on. */
  readonly text: string;
  /** YAML of `idempotencyKey`, where the document names a header for it. */
  readonly key: string | null;
  readonly count: number;
}

export function operationsIn(file: string): OpenApiOperations {
  const document = readValue(file);
  if (!isFields(document) || !String(document['openapi']).startsWith('3.'))
    throw new UsageError(
      `${file} is no OpenAPI document of version 3: its field "openapi" is ${JSON.stringify(isFields(document) ? document['openapi'] : document)?.slice(0, 80)}`,
    );
  const reader = new Reader(document);
  const operations = reader.operations();
  const count = Object.keys(operations).length;
  if (count === 0) throw new UsageError(`${file} has no route with one of ${WRITING.join(', ')}`);
  const header = `\n# From ${file.replaceAll(/[\r\n]/g, ' ')}: look through the values, and say in answer.id which field names what was done.\n`;
  return {
    text: `${header}${yaml().stringify({ operations }, { lineWidth: 100 })}`,
    key:
      reader.keyHeader === null
        ? null
        : `\n# The header of the document.\n${yaml().stringify({ idempotencyKey: { header: reader.keyHeader } })}`,
    count,
  };
}

class Reader {
  readonly #document: Fields;
  keyHeader: string | null = null;

  constructor(document: Fields) {
    this.#document = document;
  }

  operations(): Readonly<Record<string, Json>> {
    const operations: Record<string, Json> = {};
    for (const [path, routes] of Object.entries(fieldsOf(this.#document['paths']))) {
      for (const method of WRITING) {
        const route = fieldsOf(routes)[method];
        if (!isFields(route) || Object.keys(operations).length >= MOST_OPERATIONS) continue;
        operations[nameOf(route, method, path, operations)] = this.#operation(path, method, route, fieldsOf(routes));
      }
    }
    return operations;
  }

  #operation(path: string, method: string, route: Fields, shared: Fields): Json {
    const values: Record<string, Json> = {};
    const headers: Record<string, Json> = {};
    const parameters = [...listOf(shared['parameters']), ...listOf(route['parameters'])].map((one) =>
      this.#resolved(one),
    );
    for (const { in: place, name, schema, required } of parameters) {
      if (typeof name !== 'string') continue;
      if (place === 'header' && KEY_HEADER.test(name)) this.keyHeader = name;
      else if (place === 'path' || (place === 'header' && required === true)) {
        const value = fresh(name, values);
        values[value] = rangeOf(this.#resolved(schema));
        if (place === 'header') headers[name] = `{{${value}}}`;
        else path = path.replace(`{${name}}`, `{{${value}}}`);
      }
    }
    const content = fieldsOf(this.#resolved(route['requestBody'])['content']);
    const json = Object.entries(content).find(([type]) => /\bjson\b/.test(type))?.[1];
    const body =
      json === undefined ? undefined : this.#template('body', this.#resolved(fieldsOf(json)['schema']), values, 0);
    return {
      method: method.toUpperCase(),
      path,
      ...(Object.keys(headers).length > 0 ? { headers } : {}),
      ...(body === undefined ? {} : { body }),
      values,
    };
  }

  #template(name: string, schema: Fields, values: Record<string, Json>, depth: number): Json {
    const all = listOf(schema['allOf']).map((one) => this.#resolved(one));
    const properties: Fields = Object.assign({}, ...[schema, ...all].map((one) => fieldsOf(one['properties'])));
    if (Object.keys(properties).length > 0 && depth < DEEPEST) {
      const required = [schema, ...all].flatMap((one) => listOf(one['required']));
      const wanted = Object.keys(properties).filter((field) => required.length === 0 || required.includes(field));
      return Object.fromEntries(
        wanted.map((field) => [field, this.#template(field, this.#resolved(properties[field]), values, depth + 1)]),
      );
    }
    if (schema['type'] === 'array')
      return depth < DEEPEST ? [this.#template(name, this.#resolved(schema['items']), values, depth + 1)] : [];
    if (schema['type'] === 'boolean') return true;
    const value = fresh(name, values);
    values[value] = rangeOf(schema);
    return `{{${value}}}`;
  }

  /** What a local `$ref` stands for, a few steps deep; a document may refer in circles. */
  #resolved(value: unknown): Fields {
    let at = value;
    for (let step = 0; step < DEEPEST && isFields(at) && typeof at['$ref'] === 'string'; step++) {
      const place = at['$ref'].replace(/^#\//, '').split('/');
      at = place.reduce<unknown>(
        (inside, part) => fieldsOf(inside)[part.replaceAll('~1', '/').replaceAll('~0', '~')],
        this.#document,
      );
    }
    return fieldsOf(at);
  }
}

function nameOf({ operationId }: Fields, method: string, path: string, taken: Fields): string {
  const wanted = typeof operationId === 'string' ? operationId : `${method}-${path}`;
  const name = wanted.replaceAll(/[^A-Za-z0-9]+/g, '-').replaceAll(/^[^A-Za-z]+|-+$/g, '') || method;
  return Object.hasOwn(taken, name) ? `${name}-${method}` : name;
}

function fresh(name: string, taken: Fields): string {
  const word = name.replaceAll(/\W+/g, '_').replace(/^[^A-Za-z]+/, '') || 'value';
  let free = word;
  for (let nth = 2; Object.hasOwn(taken, free) || free === 'key'; nth++) free = `${word}${nth}`;
  return free;
}

function rangeOf(schema: Fields): ValueRange & { readonly [key: string]: Json } {
  const { type, format, enum: choices, minimum, maximum, minLength, maxLength } = schema;
  const known = listOf(choices).filter((one) => typeof one === 'string' || typeof one === 'number');
  if (known.length > 0) return { oneOf: known };
  if (type === 'integer' || type === 'number') {
    const from = typeof minimum === 'number' ? Math.ceil(minimum) : 1;
    return { integer: [from, typeof maximum === 'number' ? Math.max(from, Math.floor(maximum)) : from + 999] };
  }
  if (format === 'uuid') return { uuid: true };
  const shortest = typeof minLength === 'number' ? minLength : 1;
  return { text: [shortest, Math.max(shortest, Math.min(typeof maxLength === 'number' ? maxLength : 12, 40))] };
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
