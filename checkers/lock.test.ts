import { describe, expect, it } from 'vitest';
import type { Verdict } from '../rig/contract.ts';
import { sketch } from '../rig/sketch.ts';
import { fencing, lock, type LockInput, type LockOutput } from './lock.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };
const judge = (picture: string, checker = lock, acquire: readonly string[] = []): Verdict =>
  checker.check(sketch<LockInput, LockOutput>(picture, { acquire, release: [] }), patient) as Verdict;
const names = (verdict: Verdict) => verdict.anomalies.map(({ name }) => name);

describe('lock', () => {
  it('accepts holders who take turns, a late answer included', () => {
    const picture = `
      p0 |-acquire-|   |-release-------|
      p1      |-acquire-------------|     |-release-|`;
    expect(judge(picture)).toMatchObject({ validity: 'valid', statistics: { holds: 2 } });
  });

  it('finds two holders at once, and says since when', () => {
    const verdict = judge(`
      p0 |-acquire-|                 |-release-|
      p1             |-acquire-|  |-release-|`);
    expect(names(verdict)).toEqual(['mutual-exclusion']);
    expect(verdict.anomalies[0]).toMatchObject({ witnesses: [0, 2, 5] });
    expect(verdict.anomalies[0]?.explanation).toMatch(
      /acquired by operation 0, process 0.* release it only later.* acquired again by operation 2/,
    );
  });

  it('takes a lock that nobody released as held for ever, unless its lease may have run out', () => {
    const picture = 'p0 |-acquire-|\np1                     |-acquire-|';
    expect(names(judge(picture))).toEqual(['mutual-exclusion']);
    const leased = (ttlMs: number) => picture.replaceAll('acquire', `acquire ${ttlMs}`);
    expect(judge(leased(15_000), lock, ['ttlMs']).validity).toBe('unknown');
    expect(names(judge(leased(60_000), lock, ['ttlMs']))).toEqual(['mutual-exclusion']);
  });

  it('takes a lock as free once its release was asked for, whatever came of it, unless it was refused', () => {
    const picture = (end: string) => `p0 |-acquire-|  |-release-${end}\np1                                |-acquire-|`;
    expect(judge(picture('?')).validity).toBe('valid');
    expect(names(judge(picture('x')))).toEqual(['mutual-exclusion']);
  });

  it('does not know whether an acquire of unknown outcome held anything', () => {
    expect(judge('p0 |-acquire-?\np1              |-acquire-| |-release-| |-acquire-|').validity).toBe('valid');
  });

  it('is unknown unless somebody held it twice', () => {
    expect(judge('p0 |-acquire-|  |-release-|').validity).toBe('unknown');
  });
});

describe('fencing', () => {
  it('accepts tokens that go up', () => {
    expect(judge('p0 |-acquire = 3-|\np1                   |-acquire = 7-|', fencing).validity).toBe('valid');
  });

  it('finds a token that went back, unless the two were acquired at the same time', () => {
    const verdict = judge('p0 |-acquire = 7-|\np1                   |-acquire = 3-|', fencing);
    expect(names(verdict)).toEqual(['nonmonotonic-token']);
    expect(judge('p0 |-acquire = 7-|\np1    |-acquire = 3-|', fencing).validity).toBe('valid');
  });

  it('finds a token given twice', () => {
    expect(names(judge('p0 |-acquire = 7-|\np1    |-acquire = 7-|', fencing))).toEqual(['duplicate-token']);
  });

  it('is unknown where there are no tokens', () => {
    expect(judge('p0 |-acquire-|\np1                |-acquire-|', fencing).validity).toBe('unknown');
    const large = '"9007199254740993"';
    expect(judge(`p0 |-acquire = 3-|  |-acquire = 7-|  |-acquire = ${large}-|`, fencing).validity).toBe('unknown');
  });
});
