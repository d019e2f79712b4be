/** Requests to any service are judged as transfers are: each kind of trouble is found, in the service's own words. */

import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Json, ServiceTerms, Verdict } from '../../rig/contract.ts';
import { History } from '../../rig/history.ts';
import { exactlyOnce } from '../exactly-once.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };

const TERMS: ServiceTerms = {
  name: 'payments',
  operations: { pay: { values: { tenant: { oneOf: ['t1', 't2'] }, amount: { integer: [1, 9] } } } },
  keyPrefix: '',
  longestKey: 64,
  scope: ['tenant'],
  inUse: ['http-425'],
  mismatch: ['http-400'],
  kept: ['http-410'],
  ok: [200],
  fail: [400, 410, 425],
  methods: ['PUT'],
  repeatsBody: false,
  retentionMs: null,
};

type End = { readonly ok: Json } | { readonly fail: string } | { readonly info: string };
type Step = readonly [input: object, end: End, atSeconds?: number];

const pay = (key: string, amount = 5, tenant = 't1') => ({
  f: 'request',
  operation: 'pay',
  key,
  values: { tenant, amount },
});
const paid = (id: string | null) => ({ ok: { status: 200, id } });
const effect = (key: string, id: string | null, values: object = { tenant: 't1', amount: 5 }) => ({ key, id, values });
const effects = (...all: object[]): Step => [{ f: 'effects' }, { ok: all as unknown as Json }];

function verdictOf(steps: readonly Step[], terms: ServiceTerms = TERMS): Verdict {
  const all: readonly Step[] = [[{ f: 'terms' }, { ok: terms as unknown as Json }], ...steps];
  const events = all.flatMap(([input, end, atSeconds], process) => {
    const who = { process, node: `n${(process % 3) + 1}` };
    const [[type, what]] = Object.entries(end) as [[string, Json]];
    const times = atSeconds === undefined ? {} : { timeNs: atSeconds * 1e9 };
    return [
      { ...who, type: 'invoke', input, ...times },
      { ...who, type, ...(type === 'ok' ? { output: what } : { error: what }), ...times },
    ];
  });
  const history = new History(events.map((event, index) => ({ timeNs: index * 1e6, ...event, index }) as HistoryEvent));
  return exactlyOnce.check(history as never, patient) as Verdict;
}

const namesOf = (...steps: Step[]): string[] => [...new Set(verdictOf(steps).anomalies.map(({ name }) => name))];

describe('requests to a service', () => {
  it('are accepted when each took effect once, was refused, or is unknown', () => {
    const verdict = verdictOf([
      [pay('k1'), paid('p1')],
      [pay('k1'), paid('p1')],
      [pay('k1', 6), { fail: 'http-400' }],
      [pay('k1', 5, 't2'), paid('p2')],
      [pay('k2'), { info: 'timeout' }],
      [pay('k3'), { fail: 'http-410' }],
      effects(effect('k1', 'p1'), effect('k1', 'p2', { tenant: 't2', amount: '5.00' })),
    ]);
    expect(verdict).toMatchObject({ validity: 'valid', statistics: { transfers: 4, attempts: 6 } });
    expect(verdict.summary).toContain('2 acknowledged requests were applied once each');
  });

  it('are accepted where neither answers nor effects tell an id, nor the effects what was asked', () => {
    const steps: Step[] = [
      [pay('k1'), paid(null)],
      [pay('k1'), paid(null)],
      effects(effect('k1', null, { tenant: 't1' })),
    ];
    expect(verdictOf(steps).validity).toBe('valid');
    expect(namesOf(...steps.slice(0, 2), effects(...Array(2).fill(effect('k1', null, { tenant: 't1' }))))).toEqual([
      'duplicate-application',
    ]);
  });

  it.each<[string, Step[]]>([
    ['duplicate-application', [[pay('k1'), paid('p1')], effects(effect('k1', 'p1'), effect('k1', 'p2'))]],
    ['acknowledged-not-applied', [[pay('k1'), paid('p1')], effects()]],
    [
      'rejected-but-applied',
      [[pay('k0'), paid('p0')], [pay('k1'), { fail: 'http-410' }], effects(effect('k0', 'p0'), effect('k1', 'p1'))],
    ],
    ['phantom-application', [[pay('k1'), paid('p1')], effects(effect('k1', 'p1'), effect('k9', 'p9'))]],
    ['phantom-application', [[pay('k1', 5), paid('p1')], effects(effect('k1', 'p1', { tenant: 't1', amount: 7 }))]],
    [
      'phantom-application',
      [[pay('k1', 5), paid('p1')], effects(effect('k1', 'p1', { tenant: 't1', amount: '5.01' }))],
    ],
    ['payload-ignored', [[pay('k1', 5), paid('p1')], [pay('k1', 6), paid('p1')], effects(effect('k1', 'p1'))]],
    ['unstable-response', [[pay('k1'), paid('p1')], [pay('k1'), paid('p2')], effects(effect('k1', 'p1'))]],
    ['foreign-response', [[pay('k1'), paid('p1')], [pay('k1', 5, 't2'), paid('p1')], effects(effect('k1', 'p1'))]],
    ['key-collision', [[pay('k1'), { fail: 'http-400' }], [pay('k2'), paid('p2')], effects(effect('k2', 'p2'))]],
    [
      'stuck-key',
      [
        [pay('k2'), paid('p2'), 1],
        ...[3, 5, 7].map((s): Step => [pay('k1'), { fail: 'http-425' }, s]),
        [...effects(effect('k2', 'p2')), 8] as unknown as Step,
      ],
    ],
  ])('are %s when they are', (name, steps) => {
    expect(namesOf(...steps)).toContain(name);
  });

  it('are told in the words of the service', () => {
    const [anomaly] = verdictOf([[pay('k1'), paid('p1')], effects(effect('k1', 'p1'), effect('k1', 'p2'))]).anomalies;
    expect(anomaly?.explanation).toContain('key k1 of t1: applied 2 times, as p1 and p2');
    expect(anomaly?.explanation).toContain('pay amount 5');
    expect(anomaly?.witnesses).toEqual([2, 4]);
  });

  it('are not judged where a key came again after the service need not know it any more', () => {
    const steps: Step[] = [
      [pay('k0'), paid('p0'), 1],
      [pay('k1'), paid('p1'), 1],
      [pay('k1'), paid('p2'), 10],
      [...effects(effect('k0', 'p0'), effect('k1', 'p1'), effect('k1', 'p2')), 11] as unknown as Step,
    ];
    const forgetful = { ...TERMS, retentionMs: 5_000 };
    expect(verdictOf(steps, forgetful).validity).toBe('valid');
    expect(JSON.stringify(verdictOf(steps, forgetful).guarantees)).toContain('1 keys came again after');
    expect(verdictOf(steps, { ...TERMS, retentionMs: 60_000 }).validity).toBe('invalid');
  });

  it('are unknown where no effects were read', () => {
    expect(verdictOf([[pay('k1'), paid('p1')]]).validity).toBe('unknown');
  });
});
