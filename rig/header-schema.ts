/** The JSON Schema of `spec.json`: a stored run may come from anywhere, so it is checked like any other input. */

const name = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' } as const;
const milliseconds = { type: 'number', minimum: 0, maximum: 86_400_000 } as const;
const range = { type: 'array', items: milliseconds, minItems: 2, maxItems: 2 } as const;

const names = { type: 'array', items: { type: 'string', maxLength: 128 }, maxItems: 1_000 } as const;

const moment = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  properties: {
    state: name,
    of: name,
    ends: { type: 'boolean' },
    acknowledged: { type: 'integer', minimum: 1, maximum: 1_000_000 },
    by: name,
  },
} as const;

/** One fault of a plan, as it stands in `spec.json` and `plan.json`. */
export const plannedFaultSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['nemesis', 'hold', 'number', 'atMs', 'forMs', 'fault', 'sentence', 'dependsOnPrimaries', 'down'],
  properties: {
    nemesis: name,
    hold: { type: 'string', pattern: '^[a-z0-9-]{1,80}$' },
    number: { type: 'integer', minimum: 1 },
    atMs: milliseconds,
    forMs: milliseconds,
    span: { type: 'object', additionalProperties: false, properties: { from: moment, until: moment } },
    fault: {},
    sentence: { type: 'string', maxLength: 65_536 },
    dependsOnPrimaries: { type: 'boolean' },
    down: names,
    damaged: names,
  },
} as const;

export const headerSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'What decided a run of Ordeal, and where it ran',
  type: 'object',
  required: ['schema', 'id', 'startedAt', 'command', 'spec', 'environment'],
  properties: {
    schema: { const: 1 },
    id: { type: 'string', pattern: '^[0-9a-f]{8}$' },
    startedAt: { type: 'string', maxLength: 40 },
    command: { type: 'string', maxLength: 4_096 },
    environment: {
      type: 'object',
      additionalProperties: { type: 'string', maxLength: 4_096 },
      maxProperties: 200,
    },
    spec: {
      type: 'object',
      additionalProperties: false,
      required: ['name', 'cluster', 'variant', 'host', 'workload', 'nemeses', 'seed', 'checkTimeoutMs'],
      properties: {
        name,
        cluster: name,
        variant: { anyOf: [name, { type: 'null' }] },
        host: { enum: ['docker', 'netns', 'loopback', 'memory', 'attached'] },
        workload: name,
        nemeses: { type: 'array', items: name, maxItems: 50 },
        seed: { type: 'integer', minimum: 0, maximum: 2 ** 32 - 1 },
        nodeCount: { type: 'integer', minimum: 1, maximum: 1_000 },
        workerCount: { type: 'integer', minimum: 1, maximum: 100_000 },
        ratePerSecond: { anyOf: [{ type: 'number', exclusiveMinimum: 0 }, { type: 'null' }] },
        warmUpMs: milliseconds,
        timeLimitMs: milliseconds,
        calmMs: range,
        faultMs: range,
        requestTimeoutMs: milliseconds,
        bringUpTimeoutMs: milliseconds,
        recoveryTimeoutMs: milliseconds,
        finalTimeoutMs: milliseconds,
        checkTimeoutMs: milliseconds,
        limits: {
          type: 'object',
          additionalProperties: false,
          required: ['beyondQuorum', 'longestFaultMs', 'abortWhen', 'stopFile'],
          properties: {
            beyondQuorum: { type: 'boolean' },
            longestFaultMs: milliseconds,
            abortWhen: { type: 'array', items: { type: 'string', maxLength: 100 }, maxItems: 20 },
            stopFile: { type: ['string', 'null'], maxLength: 4_096 },
          },
        },
        plan: { type: 'array', items: plannedFaultSchema, maxItems: 100_000 },
        dryRun: { type: 'boolean' },
        plugins: { type: 'array', items: { type: 'string', maxLength: 4_096 }, maxItems: 50 },
      },
    },
  },
} as const;
