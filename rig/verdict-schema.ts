/**
 * `verdict.json` as JSON Schema 2020-12: `RunVerdict` of the contract, for programs that read it. Published by
 * `ordeal schema verdict`. Closed: a field that is not described here is an error, so the two cannot drift apart.
 */

const json = { description: 'Any JSON value.' } as const;
const nanoseconds = { type: 'number', minimum: 0, description: 'Nanoseconds since the run began.' } as const;
const nanosecondsOrNull = { ...nanoseconds, type: ['number', 'null'] } as const;
const operationIndex = {
  type: 'integer',
  minimum: 0,
  description: 'Position of the invocation in history.jsonl, counted from 0.',
} as const;
const amount = { type: 'integer', minimum: 0 } as const;
const text = { type: 'string' } as const;
const sentence = { type: 'string', description: 'A sentence for a person.' } as const;
const validity = {
  enum: ['valid', 'unknown', 'invalid'],
  description: 'unknown is never a pass: nothing to check, no effect, no recovery, or no budget left.',
} as const;

/** A closed object all of whose fields are required, except those named. */
const record = <P extends Record<string, object>>(properties: P, optional: readonly (keyof P)[] = []) => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
});

const list = (items: object) => ({ type: 'array', items });
const mapTo = (value: object) => ({ type: 'object', additionalProperties: value });

const counterexample = record(
  {
    subject: { ...text, description: 'Whose: a key, an account.' },
    operations: { ...list(operationIndex), description: 'Every operation to draw, in order of invocation.' },
    order: {
      ...list(record({ index: operationIndex, state: text })),
      description: 'The longest legal order of some of them, each with the state after it.',
    },
    impossible: {
      ...list(record({ index: operationIndex, reason: sentence })),
      description: 'Operations that no legal order can place next, and why.',
    },
    cycle: {
      ...list(record({ index: operationIndex, before: sentence })),
      description: 'Transactions of which each must come before the next, the last before the first, and why.',
    },
  },
  ['cycle'],
);

const anomaly = record(
  {
    name: { ...text, description: 'The name the literature has for it, kebab-case.' },
    explanation: sentence,
    witnesses: { ...list(operationIndex), description: 'The operations that show it.' },
    counterexample,
    detail: json,
  },
  ['counterexample', 'detail'],
);

const guarantee = record(
  {
    name: text,
    validity,
    cases: { ...amount, description: 'How often it was put to the test.' },
    reason: { ...text, description: 'The anomalies that show that it is broken, or the evidence that is missing.' },
  },
  ['reason'],
);

const verdict = {
  ...record(
    {
      checker: text,
      validity,
      summary: sentence,
      anomalies: list({ $ref: '#/$defs/anomaly' }),
      statistics: json,
      guarantees: {
        ...list(guarantee),
        description: 'Where it judges several, each by itself; a pass says nothing of those that are unknown.',
      },
    },
    ['guarantees'],
  ),
  if: { properties: { validity: { const: 'invalid' } } },
  // oxlint-disable-next-line unicorn/no-thenable -- the keyword of JSON Schema
  then: { properties: { anomalies: { type: 'array', minItems: 1 } } },
};

const evidence = record(
  {
    effective: { type: 'boolean', description: 'Whether the fault was seen to have an effect.' },
    observed: sentence,
    reached: {
      type: 'boolean',
      description: 'Of a fault that was to last until a moment: whether that came.',
    },
  },
  ['reached'],
);

const fault = record({
  nemesis: text,
  hold: { ...text, description: 'The name under which the changes were held; unique in a run.' },
  fault: json,
  sentence,
  injectNs: nanoseconds,
  injectedNs: nanosecondsOrNull,
  releaseNs: nanosecondsOrNull,
  releasedNs: nanosecondsOrNull,
  evidence: { anyOf: [{ $ref: '#/$defs/evidence' }, { type: 'null' }] },
  stuck: { type: ['string', 'null'], description: 'Why it could not be undone; null: it was, or was not tried.' },
  recoveryMs: {
    ...mapTo({ type: ['number', 'null'], minimum: 0 }),
    description: 'From its release to the next success of each function, in milliseconds; null: none came.',
  },
});

/** Plain JSON, ready to be printed or compiled. */
export const verdictSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:ordeal:verdict:1',
  title: 'Verdict of a run of Ordeal (verdict.json)',
  $defs: { verdict, anomaly, fault, evidence },
  ...record({
    schema: { const: 1 },
    id: { ...text, description: 'The id of the run.' },
    validity,
    ending: {
      enum: ['complete', 'interrupted', 'aborted', 'failed', 'killed'],
      description:
        'aborted: by a limit of its own, such as too many errors; killed: the rig died before the end, and what it had recorded was judged.',
    },
    summary: sentence,
    exit: record({ code: { type: 'integer', minimum: 0, maximum: 255 }, reason: sentence }),
    verdicts: list({ $ref: '#/$defs/verdict' }),
    faults: list({ $ref: '#/$defs/fault' }),
    errors: { ...list(text), description: 'What could not be done.' },
    warnings: { ...list(text), description: 'What was wrong with the history file itself.' },
    counts: {
      ...mapTo(record({ ok: amount, fail: amount, info: amount })),
      description: 'Operations by function and outcome.',
    },
    durationMs: { type: 'number', minimum: 0 },
  }),
};
