import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import type { RunVerdict } from './contract.ts';
import { invalid, valid } from './define.ts';
import { verdictSchema } from './verdict-schema.ts';

const accepts = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, allErrors: true }).compile(
  verdictSchema,
);

const verdict: RunVerdict = {
  schema: 1,
  id: 'abc123',
  validity: 'invalid',
  ending: 'complete',
  summary: 'Key 3 was read as 7 after 8.',
  exit: { code: 1, reason: 'the system broke a promise' },
  verdicts: [
    invalid('linearizable', '1 of 4 keys is not a register.', [
      {
        name: 'nonlinearizable',
        explanation: 'A stale read.',
        witnesses: [4, 9],
        counterexample: {
          subject: '3',
          operations: [4, 9],
          order: [{ index: 4, state: 'value 8' }],
          impossible: [{ index: 9, reason: 'it read 7, but the value is 8' }],
        },
      },
    ]),
    valid('exercised', 'Everything happened.', { read: 12 }),
  ],
  faults: [
    {
      nemesis: 'kill',
      hold: 'kill-1',
      fault: ['n1'],
      sentence: 'n1 is killed',
      injectNs: 1,
      injectedNs: 2,
      releaseNs: 3,
      releasedNs: null,
      evidence: null,
      stuck: 'n1 does not start',
      recoveryMs: { read: null, write: 12.5 },
    },
  ],
  errors: ['the final reads took longer than 30 s'],
  warnings: [],
  counts: { read: { ok: 12, fail: 0, info: 1 } },
  durationMs: 30_412.5,
};

/** The verdict as a program reads it, changed. */
const changed = (change: (verdict: Record<string, any>) => void): unknown => {
  const copy = JSON.parse(JSON.stringify(verdict)) as Record<string, any>;
  change(copy);
  return copy;
};

describe('the schema of verdict.json', () => {
  it('accepts a verdict of the contract', () => {
    expect(accepts(changed(() => {})), JSON.stringify(accepts.errors)).toBe(true);
  });

  it('survives being printed and read again', () => {
    expect(JSON.parse(JSON.stringify(verdictSchema))).toEqual(verdictSchema);
  });

  it.each(Object.keys(verdict))('rejects a verdict without %s', (name) => {
    expect(accepts(changed((copy) => delete copy[name]))).toBe(false);
  });

  it.each<[string, (copy: Record<string, any>) => void]>([
    ['a field nobody described', (copy) => (copy['surprise'] = 1)],
    ['a validity that is no word of ours', (copy) => (copy['validity'] = 'passed')],
    ['an ending that is no word of ours', (copy) => (copy['ending'] = 'timeout')],
    ['an invalid verdict without an anomaly', (copy) => (copy['verdicts'][0].anomalies = [])],
    ['a witness that is no index', (copy) => (copy['verdicts'][0].anomalies[0].witnesses = [-1])],
    ['an order without states', (copy) => delete copy['verdicts'][0].anomalies[0].counterexample.order[0].state],
    ['a fault without its sentence', (copy) => delete copy['faults'][0].sentence],
    ['a recovery time in words', (copy) => (copy['faults'][0].recoveryMs.read = 'soon')],
    ['counts without the unknown', (copy) => delete copy['counts'].read.info],
    ['another version', (copy) => (copy['schema'] = 2)],
  ])('rejects %s', (_, change) => {
    expect(accepts(changed(change))).toBe(false);
  });

  it('accepts a verdict of a run without faults and operations', () => {
    const empty = changed((copy) => Object.assign(copy, { validity: 'unknown', verdicts: [], faults: [], counts: {} }));
    expect(accepts(empty), JSON.stringify(accepts.errors)).toBe(true);
  });
});
