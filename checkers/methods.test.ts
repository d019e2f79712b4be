import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Json, SafeMethod, Verdict } from '../rig/contract.ts';
import { History } from '../rig/history.ts';
import { methods, type MethodsInput, type MethodsOutput } from './methods.ts';

/** States by round and method, in the order in which they were read; `null`: it was not told. */
type Read = readonly [round: number, of: string, text: string | null, by?: SafeMethod];

async function verdictOf(...reads: readonly Read[]): Promise<Verdict> {
  const events = reads.flatMap(([round, of, text, by], at) => {
    const output: Json = { shown: text, etag: null };
    const end = text === null ? { type: 'fail', error: 'timeout' } : { type: 'ok', output };
    const common = { process: 0, node: 'n1' };
    const input = { f: 'state', operation: 'set', values: { item: 'a' }, round, of, ...(by ? { by } : {}) };
    return [
      { index: 2 * at, timeNs: 2 * at, type: 'invoke', ...common, input },
      { index: 2 * at + 1, timeNs: 2 * at + 1, ...common, ...end },
    ] as unknown as HistoryEvent<MethodsInput, MethodsOutput>[];
  });
  const history = new History<MethodsInput, MethodsOutput>(events);
  return methods.check(history, { exhausted: () => false, reason: () => '' });
}

describe('methods', () => {
  it('keep their promise where states are equal between repeats, whatever they are in other rounds', async () => {
    const verdict = await verdictOf([1, 'GET', 'x'], [1, 'GET', 'x'], [2, 'PUT', 'y'], [2, 'PUT', 'y']);
    expect(verdict).toMatchObject({ validity: 'valid', statistics: { rounds: { GET: 1, PUT: 1 } } });
  });

  it.each([
    ['GET', 'unsafe-get'],
    ['PUT', 'put-not-idempotent'],
    ['HEAD', 'unsafe-head'],
    ['OPTIONS', 'unsafe-options'],
    ['DELETE', 'delete-not-idempotent'],
    ['late PUT', 'late-put-applied'],
    ['late DELETE', 'late-delete-applied'],
    ['old If-Match', 'stale-precondition-ignored'],
  ])('break it where repeats of a %s change the state: %s', async (of, anomaly) => {
    const verdict = await verdictOf([1, of, '200 5'], [1, of, null], [1, of, '200 6']);
    expect(verdict).toMatchObject({ validity: 'invalid', anomalies: [{ name: anomaly, witnesses: [0, 2, 4] }] });
    expect(verdict.summary).toContain('the state of set {"item":"a"} was 200 5, and after nothing but');
  });

  it('keep it where HEAD changes nothing, whose own answer is no state', async () => {
    const verdict = await verdictOf([1, 'HEAD', '200 5'], [1, 'HEAD', '200', 'HEAD'], [1, 'HEAD', '200 5']);
    expect(verdict).toMatchObject({ validity: 'valid', statistics: { rounds: { HEAD: 1 } } });
  });

  it('say which method is not offered', async () => {
    const head = [
      [2, 'HEAD', '200 5'],
      [2, 'HEAD', '405', 'HEAD'],
      [2, 'HEAD', '200 5'],
    ] as const;
    const verdict = await verdictOf([1, 'GET', '200 5'], [1, 'GET', '200 5'], ...head);
    expect(verdict).toMatchObject({ validity: 'valid', statistics: { rounds: { GET: 1 } } });
    expect(verdict.summary).toContain('(HEAD is not offered)');
    expect(await verdictOf(...head)).toMatchObject({ validity: 'unknown' });
  });

  it.each<[string, Read[]]>([
    ['nothing was read', []],
    [
      'every state was read once',
      [
        [1, 'PUT', 'x'],
        [2, 'PUT', 'y'],
      ],
    ],
    [
      'the second state is not known',
      [
        [1, 'PUT', 'x'],
        [1, 'PUT', null],
      ],
    ],
  ])('are not judged where %s', async (_, reads) => {
    expect(await verdictOf(...reads)).toMatchObject({ validity: 'unknown' });
  });
});
