import { describe, expect, it } from 'vitest';
import { sketch } from '../../rig/sketch.ts';
import { validRun } from '../samples/index.ts';
import { bucketsOf, faultSpans } from './series.ts';

describe('the buckets of a run', () => {
  const { history, verdict } = validRun('/tmp/ordeal-sample', 20_000);
  const spans = faultSpans(verdict.faults, history);
  const buckets = bucketsOf(history, spans);

  it('are at most 600', () => {
    expect(buckets.length).toBeGreaterThan(100);
    expect(buckets.length).toBeLessThanOrEqual(600);
  });

  it('cover the run without gaps', () => {
    expect(buckets[0]?.from).toBe(0);
    expect(buckets.at(-1)?.to).toBeCloseTo(history.lastNs / 1e9);
    for (let at = 1; at < buckets.length; at++) expect(buckets[at]?.from).toBe(buckets[at - 1]?.to);
  });

  it('never reach across the beginning or end of a fault', () => {
    for (const edge of spans.flatMap(({ from, to }) => [from, to]))
      expect(buckets.filter(({ from, to }) => from < edge && edge < to)).toEqual([]);
  });

  it('count every operation once', () => {
    const total = buckets.reduce((sum, { from, to, rate }) => sum + (rate.ok + rate.fail + rate.info) * (to - from), 0);
    expect(total).toBeCloseTo(20_000, 3);
  });
});

it('a thousand faults make no more than 600 buckets', () => {
  const { history } = validRun('/tmp/ordeal-sample', 20_000);
  const spans = Array.from({ length: 1000 }, (_, at) => ({ from: at * 0.05, to: at * 0.05 + 0.02, nemesis: 'kill' }));
  expect(bucketsOf(history, spans).length).toBeLessThanOrEqual(600);
});

it('latency counts only what ended ok', () => {
  const history = sketch('p0  |-write x 1-|  |-read x = timeout-x  |-read x = timeout-?');
  const buckets = bucketsOf(history, []);
  expect(buckets.filter(({ latency }) => latency !== null)).toHaveLength(1);
  expect(new Set(buckets.flatMap(({ errors }) => Object.keys(errors)))).toEqual(
    new Set(['timeout (failed)', 'timeout (unknown)']),
  );
});
