import { describe, expect, it } from 'vitest';
import type { Verdict } from '../rig/contract.ts';
import { sketch } from '../rig/sketch.ts';
import { uniqueIds, type UniqueIdsInput } from './unique-ids.ts';

const judge = (picture: string): Verdict =>
  uniqueIds.check(sketch<UniqueIdsInput>(picture, { generate: [] }), {
    exhausted: () => false,
    reason: () => 'nothing',
  }) as Verdict;

describe('unique-ids', () => {
  it('accepts ids that all differ', () => {
    expect(judge('p0 |-generate = 1-|  |-generate = "1"-|\np1 |-generate = [1]-|  |-generate-?').validity).toBe(
      'valid',
    );
  });

  it('finds an id that was given twice, and names both', () => {
    const verdict = judge('p0 |-generate = [1,2]-|\np1                         |-generate = [1,2]-|');
    expect(verdict).toMatchObject({ validity: 'invalid', anomalies: [{ name: 'duplicate-id', witnesses: [0, 2] }] });
    expect(verdict.anomalies[0]?.explanation).toContain('given twice: to operation 0');
  });

  it('is unknown when no id was given, or an answer holds none', () => {
    expect(judge('p0 |-generate-?').validity).toBe('unknown');
    expect(judge('p0 |-generate = 1-|  |-generate = null-|').validity).toBe('unknown');
  });
});
