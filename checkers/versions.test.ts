import { describe, expect, it } from 'vitest';
import type { Verdict } from '../rig/contract.ts';
import { sketch } from '../rig/sketch.ts';
import { versions, type VersionsInput, type VersionsOutput } from './versions.ts';

const judge = (picture: string): Verdict =>
  versions.check(
    sketch<VersionsInput, VersionsOutput>(picture, { read: ['key'], write: ['key', 'value'], status: [] }),
    { exhausted: () => false, reason: () => 'nothing' },
  ) as Verdict;
const names = (verdict: Verdict) => verdict.anomalies.map(({ name }) => name);

const version = (number: number, value = 'a') => `{"version":${number},"value":"${value}"}`;
const epoch = (number: number, leader = 'n1') => `{"epoch":${number},"leader":"${leader}"}`;

describe('versions', () => {
  it('accepts sessions that go forward, on their own keys at their own pace', () => {
    const picture = `
      p0 |-write x a = {"version":1}-|  |-read x = ${version(1)}-|
      p1                                |-read y = ${version(7)}-|  |-read x = ${version(1)}-|`;
    expect(judge(picture)).toMatchObject({ validity: 'valid', statistics: { versions: 4 } });
  });

  it('finds a session that sees an older version, or writes no newer one', () => {
    expect(names(judge(`p0 |-read x = ${version(2)}-|  |-read x = ${version(1)}-|`))).toEqual(['nonmonotonic-version']);
    expect(names(judge(`p0 |-read x = ${version(2)}-|  |-write x b = {"version":2}-|`))).toContain(
      'nonmonotonic-version',
    );
    expect(judge(`p0 |-read x = ${version(2)}-|  |-read x = ${version(2)}-|`).validity).toBe('valid');
  });

  it('finds a version made twice, and one that is two values', () => {
    const twice = 'p0 |-write x a = {"version":1}-|\np1 |-write x b = {"version":1}-|';
    expect(names(judge(twice))).toEqual(['duplicate-version']);
    const differs = `p0 |-read x = ${version(2, 'a')}-|\np1 |-read x = ${version(2, 'b')}-|`;
    expect(names(judge(differs))).toEqual(['inconsistent-version']);
  });

  it('finds a node that goes back to an earlier epoch, unless the two requests overlapped', () => {
    expect(names(judge(`p0 |-status = ${epoch(2)}-|  |-status = ${epoch(1)}-|`))).toEqual(['nonmonotonic-epoch']);
    expect(judge(`p0 |-status = ${epoch(2)}-|\np1 |-status = ${epoch(1)}-|`).validity).toBe('valid');
  });

  it('finds an epoch with two leaders', () => {
    expect(names(judge(`p0 |-status = ${epoch(2, 'n1')}-|\np1 |-status = ${epoch(2, 'n2')}-|`))).toEqual([
      'two-leaders',
    ]);
  });

  it('is unknown where nothing says a version or an epoch', () => {
    expect(judge('p0 |-read x = 1-|  |-read x = 2-|').validity).toBe('unknown');
  });
});
