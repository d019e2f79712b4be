/** The form that the definition of a service must have, as JSON Schema; what it means is in `service-definition.ts`. */

import { DURATION_PATTERN } from './schema-sentence.ts';

const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength }) as const;
const texts = {
  type: 'object',
  additionalProperties: { type: 'string', maxLength: 4_096 },
  maxProperties: 50,
} as const;
const names = { type: 'array', items: text(64), maxItems: 20, uniqueItems: true } as const;
const statuses = {
  type: 'array',
  items: { type: 'integer', minimum: 200, maximum: 599 },
  maxItems: 60,
  uniqueItems: true,
} as const;
const kebab = { type: 'string', pattern: '^[a-z][a-z0-9]*(-[a-z0-9]+)*$', maxLength: 64 } as const;
const wordPattern = '^[A-Za-z][A-Za-z0-9_]*$';
const pair = (item: object) => ({ type: 'array', items: item, minItems: 2, maxItems: 2 }) as const;
const strict = (properties: object, required: readonly string[] = []) =>
  ({ type: 'object', additionalProperties: false, required, properties }) as const;

const range = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  properties: {
    oneOf: { type: 'array', items: { type: ['string', 'number'] }, minItems: 1, maxItems: 1_000 },
    not: text(64),
    integer: pair({ type: 'integer' }),
    text: pair({ type: 'integer', minimum: 0, maximum: 10_000 }),
    uuid: { const: true },
  },
} as const;

const command = { type: 'array', items: { type: 'string', maxLength: 4_096 }, minItems: 1, maxItems: 100 } as const;
const image = {
  ...strict({ build: text(4_096), name: text(256) }),
  minProperties: 1,
  maxProperties: 1,
} as const;

const operation = strict(
  {
    method: { enum: ['POST', 'PUT', 'PATCH', 'DELETE'] },
    path: { type: 'string', pattern: '^/', maxLength: 2_048 },
    headers: texts,
    body: {},
    defaults: { type: 'object', maxProperties: 50 },
    values: { type: 'object', propertyNames: { pattern: wordPattern }, additionalProperties: range, maxProperties: 50 },
    state: strict(
      { path: { type: 'string', pattern: '^/', maxLength: 2_048 }, value: text(256), conditional: { type: 'boolean' } },
      ['path'],
    ),
    answer: strict({ id: text(256), repeated: { enum: ['id', 'body'] } }),
  },
  ['method', 'path'],
);

/** Published as `ordeal schema service`. */
export const serviceSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'An HTTP service that Ordeal puts on trial',
  ...strict(
    {
      name: kebab,
      summary: text(500),
      start: strict(
        {
          command,
          env: texts,
          port: { type: 'integer', minimum: 1, maximum: 65_535 },
          nodes: { type: 'integer', minimum: 1, maximum: 9 },
          hosts: { type: 'array', items: { enum: ['docker', 'netns', 'loopback'] }, minItems: 1, uniqueItems: true },
          image,
          upgraded: { ...strict({ command, env: texts, image }), minProperties: 1 },
        },
        ['command', 'port'],
      ),
      attach: {
        type: 'object',
        propertyNames: { pattern: '^[a-z][a-z0-9-]{0,31}$' },
        additionalProperties: { type: 'string', pattern: '^http://[^/]+/?$', maxLength: 256 },
        minProperties: 1,
        maxProperties: 9,
      },
      allowRemote: { type: 'boolean' },
      ready: strict(
        { path: { type: 'string', pattern: '^/' }, status: { type: 'integer', minimum: 100, maximum: 599 } },
        ['path'],
      ),
      idempotencyKey: strict({
        header: { type: 'string', pattern: '^[A-Za-z0-9-]+$', maxLength: 128 },
        field: text(256),
        scope: names,
        compares: { enum: ['meaning', 'bytes'] },
        longest: { type: 'integer', minimum: 8, maximum: 10_000 },
        retention: { type: 'string', pattern: DURATION_PATTERN },
        expiry: strict(
          { after: { type: 'string', pattern: DURATION_PATTERN }, becomes: { enum: ['new', 'refused'] } },
          ['after', 'becomes'],
        ),
      }),
      operations: {
        type: 'object',
        propertyNames: { pattern: '^[A-Za-z][A-Za-z0-9_-]*$' },
        additionalProperties: operation,
        minProperties: 1,
        maxProperties: 50,
      },
      outcomes: strict({
        ok: statuses,
        fail: statuses,
        inUse: statuses,
        mismatch: statuses,
        kept: statuses,
        expired: statuses,
      }),
      effects: strict(
        {
          endpoint: strict(
            {
              path: { type: 'string', pattern: '^/', maxLength: 2_048 },
              items: { type: 'string', maxLength: 256 },
              after: strict({ field: text(256), from: { type: 'string', maxLength: 256 } }, ['field', 'from']),
              headers: texts,
            },
            ['path'],
          ),
          sql: strict({ connection: text(4_096), query: text(16_384) }, ['connection', 'query']),
          sink: strict(
            {
              kind: { enum: ['http', 'smtp'] },
              port: { type: 'integer', minimum: 1, maximum: 65_535 },
              answer: strict({ status: { type: 'integer', minimum: 200, maximum: 599 }, body: {} }),
            },
            ['kind'],
          ),
          key: text(256),
          keyWithin: { type: 'string', pattern: '^[^]*\\{\\{key\\}\\}[^]*$', maxLength: 1_024 },
          id: text(256),
          values: texts,
        },
        ['key'],
      ),
      variants: {
        type: 'object',
        propertyNames: { pattern: kebab.pattern },
        additionalProperties: strict({ summary: text(500), env: texts }, ['summary', 'env']),
        maxProperties: 100,
      },
    },
    ['name', 'idempotencyKey', 'operations', 'effects'],
  ),
} as const;
