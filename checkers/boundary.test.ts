import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Json, ServiceTerms, Verdict } from '../rig/contract.ts';
import { History } from '../rig/history.ts';
import { boundary } from './boundary.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };
const TERMS = { operations: {}, ok: [201], fail: [400, 503] } as unknown as ServiceTerms;

type Step = readonly [input: object, end: object];

const certain = { how: 'cut', percent: 10, certain: true };
const lenient = { how: 'unknown', field: 0, value: 1, certain: false };
const probe = (key: string, spoilt: object, status: number | null): Step => [
  { f: 'probe', operation: 'pay', key, values: {}, spoilt },
  { type: 'ok', output: { status, detail: 'words' } },
];
const silent = (key: string, spoilt: object): Step => [
  { f: 'probe', operation: 'pay', key, values: {}, spoilt },
  { type: 'info', error: 'timeout' },
];
const sound: Step = [
  { f: 'request', operation: 'pay', key: 'w1', values: {} },
  { type: 'ok', output: { status: 201, id: 'p1' } },
];
const effects = (...keys: string[]): Step => [
  { f: 'effects' },
  { type: 'ok', output: keys.map((key) => ({ key, id: null, values: {} })) as unknown as Json },
];
const memory = (megabytes: number | null): Step => [
  { f: 'memory' },
  { type: 'ok', output: megabytes === null ? null : megabytes * 2 ** 20 },
];

function verdictOf(...steps: readonly Step[]): Verdict {
  const all: readonly Step[] = [[{ f: 'terms' }, { type: 'ok', output: TERMS as unknown as Json }], ...steps];
  const events = all.flatMap(([input, end], process) => [
    { type: 'invoke', process, node: 'n1', input },
    { process, node: 'n1', ...end },
  ]);
  const history = new History(events.map((event, index) => ({ ...event, index, timeNs: index * 1e6 }) as HistoryEvent));
  return boundary.check(history as never, patient) as Verdict;
}

const namesOf = (...steps: readonly Step[]) => verdictOf(...steps).anomalies.map(({ name }) => name);

describe('requests that were spoilt', () => {
  it('do no harm when they are refused, closed on, or taken for sound where that is possible', () => {
    const verdict = verdictOf(
      memory(50),
      sound,
      probe('f1', certain, 400),
      probe('f2', certain, null),
      probe('f3', lenient, 201),
      probe('f4', lenient, 503),
      silent('f5', lenient),
      memory(300),
      effects('w1', 'f3'),
    );
    expect(verdict).toMatchObject({ validity: 'valid', statistics: { probes: 5, answered: 4 } });
  });

  it.each<[string, readonly Step[]]>([
    ['server-error', [probe('f1', lenient, 500)]],
    ['server-error', [probe('f1', certain, 502)]],
    ['malformed-accepted', [probe('f1', certain, 201)]],
    ['malformed-applied', [probe('f1', certain, null), effects('f1')]],
    ['rejected-but-applied', [probe('f1', lenient, 400), effects('f1')]],
    ['duplicate-application', [probe('f1', lenient, 201), effects('f1', 'f1')]],
    ['smuggled-request', [probe('f1', { how: 'smuggle', shape: 'cl-te', certain: true }, 400), effects('f1-hidden')]],
    ['no-answer', [silent('f1', lenient), silent('f2', lenient), silent('f3', lenient)]],
    ['memory-not-bounded', [memory(50), memory(400)]],
  ])('are %s when they are', (name, steps) => {
    expect(namesOf(sound, ...steps)).toContain(name);
  });

  it.each<[string, readonly Step[]]>([
    ['no-answer', [silent('f1', lenient), silent('f2', lenient), silent('f3', lenient), probe('f4', lenient, 400)]],
    ['no-answer', [silent('f1', lenient), silent('f2', certain), silent('f3', { ...lenient, field: 2 })]],
    ['malformed-applied', [probe('f1', lenient, 201), effects('f1')]],
    ['memory-not-bounded', [memory(null), memory(400)]],
  ])('are not %s when they only look like it', (name, steps) => {
    expect(namesOf(sound, ...steps)).not.toContain(name);
  });

  it('are told by the smallest of each kind, with its place', () => {
    const verdict = verdictOf(
      sound,
      probe('f1', { how: 'deep', depth: 10_000, certain: true }, 500),
      probe('f2', { how: 'deep', depth: 9, certain: true }, 500),
      effects(),
    );
    expect(verdict.summary).toMatch(
      /^2 server-error: the request with key f2, spoilt by deep \{"depth":9\}, was answered 500: words/,
    );
    expect(verdict.anomalies[0]?.witnesses).toEqual([6]);
  });

  it.each<[string, readonly Step[]]>([
    ['no spoilt request was answered', [sound, effects()]],
    ['no sound request was accepted', [probe('f1', certain, 400), effects()]],
    ['the effects were not read at the end', [sound, probe('f1', certain, 400)]],
  ])('leave it unknown: %s', (reason, steps) => {
    expect(verdictOf(...steps)).toMatchObject({ validity: 'unknown', summary: reason });
  });
});
