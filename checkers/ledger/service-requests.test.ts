/** Requests to any service are judged as transfers are: each kind of trouble is found, in the service's own words. */

import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Json, ServiceTerms, Verdict, WireEntry } from '../../rig/contract.ts';
import { History } from '../../rig/history.ts';
import { AGE_GUARANTEES, exactlyOnce, exactlyOnceProving } from '../exactly-once.ts';

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
  comparesMeaning: true,
  retentionMs: null,
  expiry: null,
  expired: [],
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

const verdictOf = (steps: readonly Step[], terms: ServiceTerms = TERMS): Verdict =>
  exactlyOnce.check(historyOf(steps, terms) as never, patient) as Verdict;

function historyOf(steps: readonly Step[], terms: ServiceTerms): History {
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
  return new History(events.map((event, index) => ({ timeNs: index * 1e6, ...event, index }) as HistoryEvent));
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

  const written = (form: string) => ({ ...pay('k1'), form });
  const payments = effects(effect('k1', 'p1'));

  it.each(['reordered', 'exponents'])('may be written as %s when they come again', (form) => {
    expect(namesOf([pay('k1'), paid('p1')], [written(form), paid('p1')], payments)).toEqual([]);
    const twice = effects(effect('k1', 'p1'), effect('k1', 'p2'));
    expect(namesOf([pay('k1'), paid('p1')], [written(form), paid('p2')], twice)).toContain('duplicate-application');
  });

  it('are refused in another form only by a service that compares bytes', () => {
    const steps: Step[] = [[pay('k1'), paid('p1')], [written('spaced'), { fail: 'http-400' }], payments];
    expect(namesOf(...steps)).toEqual(['equal-payload-refused']);
    const bytes = verdictOf(steps, { ...TERMS, comparesMeaning: false });
    expect(bytes.validity).toBe('valid');
    expect(JSON.stringify(bytes.guarantees)).toContain('the service may compare payloads by their bytes');
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
    expect(JSON.stringify(verdictOf(steps, forgetful).guarantees)).toContain('1 keys were used when the service might');
    expect(verdictOf(steps, { ...TERMS, retentionMs: 60_000 }).validity).toBe('invalid');
  });

  it('are unknown where no effects were read', () => {
    expect(verdictOf([[pay('k1'), paid('p1')]]).validity).toBe('unknown');
  });
});

/** Keys are kept for five seconds, and over after seven. */
const NEW_AGAIN: ServiceTerms = { ...TERMS, retentionMs: 5_000, expiry: { afterMs: 7_000, becomes: 'new' } };
const REFUSED: ServiceTerms = {
  ...NEW_AGAIN,
  expiry: { afterMs: 7_000, becomes: 'refused' },
  expired: ['http-410'],
  kept: [],
};

describe('keys that are not kept for ever', () => {
  const p = (end: End, atSeconds: number): Step => [pay('k1'), end, atSeconds];
  const listed = (...ids: string[]): Step =>
    [...effects(...ids.map((id) => effect('k1', id))).slice(0, 2), 30] as unknown as Step;
  const found = (terms: ServiceTerms, ...steps: Step[]) =>
    [...new Set(verdictOf(steps, terms).anomalies.map(({ name }) => name))].sort();
  const expired = { fail: 'http-410' };
  const guarantees = (terms: ServiceTerms, ...steps: Step[]) =>
    Object.fromEntries(
      (verdictOf(steps, terms).guarantees ?? []).map(({ name, validity, cases }) => [name, [validity, cases]]),
    );

  it('may be new once they are over, and must be known before', () => {
    const steps = [p(paid('p1'), 1), p(paid('p1'), 4), p(paid('p2'), 9), p(paid('p2'), 12), listed('p1', 'p2')];
    expect(verdictOf(steps, NEW_AGAIN)).toMatchObject({ validity: 'valid', statistics: { transfers: 2, attempts: 4 } });
    expect(guarantees(NEW_AGAIN, ...steps)).toMatchObject({
      'how long keys are kept': ['valid', 2],
      'what becomes of old keys': ['valid', 1],
      'keys have a scope': ['unknown', 0],
    });
  });

  it('are told when they are forgotten too early', () => {
    const steps = [p(paid('p1'), 1), p(paid('p2'), 4), listed('p1', 'p2')];
    expect(found(NEW_AGAIN, ...steps)).toEqual(['duplicate-application', 'key-forgotten', 'unstable-response']);
    const { anomalies } = verdictOf(steps, NEW_AGAIN);
    expect(anomalies.find(({ name }) => name === 'key-forgotten')?.explanation).toContain(
      'asked for again 3.0 s after it was done (operation 4), and taken for new, as p2 instead of p1, although keys are kept for 5.0 s',
    );
    expect(guarantees(NEW_AGAIN, ...steps)['how long keys are kept']).toEqual(['invalid', 1]);
  });

  it('are told when they are never forgotten', () => {
    const steps = [p(paid('p1'), 1), p(paid('p1'), 9), listed('p1')];
    expect(found(NEW_AGAIN, ...steps)).toEqual(['key-not-forgotten']);
    expect(found(REFUSED, ...steps)).toEqual(['key-not-forgotten']);
    expect(guarantees(NEW_AGAIN, ...steps)['what becomes of old keys']).toEqual(['invalid', 1]);
  });

  it('are told when they are never forgotten, also where it is on record when each request was sent', () => {
    const steps = [p(paid('p1'), 1), p(paid('p1'), 9), listed('p1')];
    const sent = { origin: 'client', node: 'n1', method: 'PUT', path: '/', key: 'k1', payload: 'a', status: 200 };
    const entries = [1, 9].map((at, number) => {
      return { ...sent, number, sentNs: at * 1e9, endedNs: at * 1e9, answer: 'b', answered: true } as WireEntry;
    });
    const { parts } = historyOf(steps, NEW_AGAIN);
    const history = new History({ ...parts, wire: { entries, incomplete: null } });
    const { anomalies } = exactlyOnce.check(history as never, patient) as Verdict;
    expect(anomalies.map(({ name }) => name)).toContain('key-not-forgotten');
  });

  it('are refused once they are over where that is declared, and neither before nor applied', () => {
    const kept = [p(paid('p1'), 1), p(paid('p1'), 4)];
    expect(found(REFUSED, ...kept, p(expired, 9), p(expired, 20), listed('p1'))).toEqual([]);
    expect(guarantees(REFUSED, ...kept, p(expired, 9), listed('p1'))['what becomes of old keys']).toEqual(['valid', 1]);
    expect(found(REFUSED, ...kept, p(paid('p2'), 9), listed('p1', 'p2'))).toContain('expired-key-applied');
    expect(found(REFUSED, p(paid('p1'), 1), p(expired, 3), listed('p1'))).toEqual(['key-forgotten']);
  });

  it('are told when each of their lives is not applied once', () => {
    const steps = [p(paid('p1'), 1), p(paid('p2'), 9)];
    expect(found(NEW_AGAIN, ...steps, listed('p1'))).toEqual(['acknowledged-not-applied']);
    expect(found(NEW_AGAIN, ...steps, listed('p1', 'p2', 'p3'))).toEqual(['duplicate-application']);
  });

  it('are left out where their age is unclear, or a lost request may be done at any time', () => {
    const other: Step = [pay('k0'), paid('p0'), 1];
    const all = (...ids: string[]): Step =>
      [...effects(effect('k0', 'p0'), ...ids.map((id) => effect('k1', id))), 30] as unknown as Step;
    const between = [other, p(paid('p1'), 1), p(paid('p2'), 7), all('p1', 'p2')];
    const lost = [other, p(paid('p1'), 1), p({ info: 'timeout' }, 2), all('p1', 'p2')];
    const lostAtFirst = [other, p({ info: 'timeout' }, 1), p(paid('p1'), 2), all('p1', 'p2')];
    for (const steps of [between, lost, lostAtFirst]) {
      expect(verdictOf(steps, NEW_AGAIN).validity).toBe('valid');
      expect(guarantees(NEW_AGAIN, ...steps)['keys of an unclear age']).toEqual(['unknown', 0]);
    }
    expect(found(REFUSED, ...lost)).toEqual(['duplicate-application']);
  });

  it('prove nothing in a run about their age where none was old enough', () => {
    const verdict = (terms: ServiceTerms, ...steps: Step[]) =>
      exactlyOnceProving(AGE_GUARANTEES).check(historyOf(steps, terms) as never, patient);
    const steps = [p(paid('p1'), 1), p(paid('p1'), 4), listed('p1')];
    return Promise.all([
      expect(verdict(NEW_AGAIN, ...steps)).resolves.toMatchObject({
        validity: 'unknown',
        summary: 'what becomes of old keys: nothing was asked for again after the declared expiry of keys',
      }),
      expect(verdict(TERMS, ...steps)).resolves.toMatchObject({
        validity: 'unknown',
        summary: expect.stringContaining('no retention of keys is declared') as string,
      }),
      expect(verdict(REFUSED, ...steps.slice(0, 2), p(expired, 9), listed('p1'))).resolves.toMatchObject({
        validity: 'valid',
      }),
    ]);
  });
});
