import { describe, expect, it } from 'vitest';
import type { Verdict } from '../rig/contract.ts';
import { sketch } from '../rig/sketch.ts';
import { causalReverse, type CausalReverseInput, type CausalReverseOutput } from './causal-reverse.ts';

const judge = (picture: string): Verdict =>
  causalReverse.check(sketch<CausalReverseInput, CausalReverseOutput>(picture, { write: ['value'], read: [] }), {
    exhausted: () => false,
    reason: () => 'nothing',
  }) as Verdict;

const inTurn = 'p0 |-write 1-|  |-write 2-|';

describe('causal-reverse', () => {
  it('accepts reads that have the earlier of two, or both, or what was written at the same time', () => {
    for (const seen of ['[]', '[1]', '[2,1]'])
      expect(judge(`${inTurn}\np1                             |-read = ${seen}-|`).validity).toBe('valid');
    expect(judge('p0 |-write 1-|\np1   |-write 2-|\np2                  |-read = [2]-|').validity).toBe('valid');
  });

  it('finds a read that has the later of two but not the earlier', () => {
    const verdict = judge(`${inTurn}\np1                             |-read = [2]-|`);
    expect(verdict).toMatchObject({
      validity: 'invalid',
      anomalies: [{ name: 'causal-reverse', witnesses: [0, 2, 4] }],
    });
  });

  it('does not expect a write of unknown outcome', () => {
    expect(judge(`p2 |-write 3-?\n${inTurn}\np1                             |-read = [1,2]-|`).validity).toBe('valid');
  });

  it('is unknown without a read', () => {
    expect(judge(inTurn).validity).toBe('unknown');
  });
});
