import { describe, expect, it } from 'vitest';
import type { Verdict } from '../rig/contract.ts';
import { sketch } from '../rig/sketch.ts';
import { convergence, type ConvergenceInput, type ConvergenceOutput } from './convergence.ts';

const judge = (picture: string): Verdict =>
  convergence.check(sketch<ConvergenceInput, ConvergenceOutput>(picture), {
    exhausted: () => false,
    reason: () => 'nothing',
  }) as Verdict;

describe('convergence', () => {
  it('accepts nodes that end alike, whatever they said before', () => {
    const verdict = judge(`
      p0 |-write x 1-|  |-read x = null-|  |-read x = [1]-|
      p1                                  |-read x = [1]-|`);
    expect(verdict).toMatchObject({ validity: 'valid', statistics: { agreed: 1 } });
  });

  it('finds nodes that end with different values, and says which', () => {
    const verdict = judge('p0 |-write x 1-|  |-read x = 1-|\np1                  |-read x = null-|');
    expect(verdict).toMatchObject({ validity: 'invalid', anomalies: [{ name: 'divergence', witnesses: [2, 3] }] });
    expect(verdict.anomalies[0]?.explanation).toContain('1 (operation 2, process 0 through n1');
  });

  it('does not decide where a write of unknown outcome may have come in between', () => {
    const reads = 'p0                  |-read x = 1-|\np1                     |-read x = 2-|';
    expect(judge(`${reads}\np2 |-write x 1-|\np3 |-write x 2-?`).validity).toBe('unknown');
    expect(judge(`${reads}\np2 |-write x 1-|\np3 |-write x 3-?`).validity).toBe('invalid');
  });

  it('is unknown when no key was read through two nodes after the last change', () => {
    expect(judge('p0 |-write x 1-|  |-read x = 1-|  |-read x = 1-|').validity).toBe('unknown');
    expect(judge('p0 |-read x = 1-|  |-write x 1-|\np1 |-read x = null-|').validity).toBe('unknown');
  });
});
