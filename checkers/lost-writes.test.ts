import { describe, expect, it } from 'vitest';
import type { Verdict } from '../rig/contract.ts';
import { sketch } from '../rig/sketch.ts';
import { lostWrites } from './lost-writes.ts';
import type { RegisterInput, RegisterOutput } from './models/register.ts';

const judge = (picture: string): Verdict =>
  lostWrites.check(sketch<RegisterInput, RegisterOutput>(picture), {
    exhausted: () => false,
    reason: () => 'nothing',
  }) as Verdict;

describe('lost-writes', () => {
  it('accepts keys that end with their last acknowledged write, or with one of unknown outcome', () => {
    expect(judge('p0 |-write x 1-|  |-write x 2-|  |-read x = 2-|').validity).toBe('valid');
    expect(judge('p0 |-write x 1-|\np1     |-write x 2-?\np2                   |-read x = 2-|').validity).toBe('valid');
  });

  it('finds a key that went back to an older value, or to nothing, and counts what is gone', () => {
    const verdict = judge('p0 |-write x 1-|  |-write x 2-|  |-cas x 2 3 = true-|  |-read x = 1-|');
    expect(verdict).toMatchObject({ validity: 'invalid', anomalies: [{ name: 'lost-write', detail: { lost: 2 } }] });
    expect(verdict.anomalies[0]?.explanation).toMatch(/^the write of 3 to key "x" was acknowledged/);
    expect(judge('p0 |-write x 1-|  |-read x = null-|').validity).toBe('invalid');
  });

  it('is unknown where a key ends with what nobody wrote, or what was refused', () => {
    expect(judge('p0 |-write x 1-|  |-read x = 7-|')).toMatchObject({
      validity: 'unknown',
      statistics: { unwritten: 1 },
    });
    expect(judge('p0 |-write x 1-|  |-write x 2-x  |-read x = 2-|').validity).toBe('unknown');
  });

  it('does not mind an old value in between, or that a concurrent write won', () => {
    expect(judge('p0 |-write x 1-|  |-write x 2-|  |-read x = 1-|  |-read x = 2-|').validity).toBe('valid');
    expect(judge('p0 |-write x 1-|\np1   |-write x 2-|\np2                     |-read x = 1-|').validity).toBe('valid');
  });

  it('is unknown for keys that were not read in the end, or of which a value was written twice', () => {
    expect(judge('p0 |-write x 1-|  |-read x = 1-|  |-write x 2-|').validity).toBe('unknown');
    expect(judge('p0 |-write x 1-|  |-write x 1-|  |-read x = 1-|').validity).toBe('unknown');
  });
});
