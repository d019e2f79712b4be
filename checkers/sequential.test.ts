import { describe, expect, it } from 'vitest';
import type { Verdict } from '../rig/contract.ts';
import { sketch } from '../rig/sketch.ts';
import { sequential, type SequentialInput } from './sequential.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };
const judge = (picture: string, shape?: Parameters<typeof sketch>[1]): Verdict =>
  sequential.check(sketch<SequentialInput>(picture, shape), patient) as Verdict;
const names = ({ anomalies }: Verdict) => anomalies.map(({ name }) => name);

describe('sequential', () => {
  it('lets a process lag behind others, but not behind itself', () => {
    const later = (who: string) => `
      p0  |-write x 1-|  |-read x = 1-|
      ${who}                                 |-read x = null-|`;
    expect(judge(later('p1'))).toMatchObject({ validity: 'valid', statistics: { succeeded: 3 } });
    expect(judge(later('p0')).validity).toBe('invalid');
  });

  it('finds that two processes missed what the other had written before, on different keys', () => {
    const crossed = (seen: string) => `
      p0  |-write x 1-|  |-read y = null-|
      p1  |-write y 1-|  |-read x = ${seen}-|`;
    const verdict = judge(crossed('null'));
    expect(names(verdict)).toEqual(['G-nonadjacent-item-process']);
    expect(verdict.anomalies[0]?.witnesses.toSorted()).toEqual([0, 1, 4, 5]);
    expect(judge(crossed('1')).validity).toBe('valid');
  });

  it('finds that processes do not agree on the order of two writes to one key', () => {
    const reads = (last: string) => `
      p0  |-write x 1-|
      p1  |-write x 2-|
      p2                 |-read x = 1-|  |-read x = 2-|
      p3                 |-read x = 2-|  |-read x = ${last}-|`;
    expect(judge(reads('1')).validity).toBe('invalid');
    expect(judge(reads('2')).validity).toBe('valid');
  });

  it('takes a swap for a read and a write, and a refused or failed one for nothing', () => {
    const swap = (end: string) => `
      p0  |-write x 1-|  |-cas x 1 2${end}
      p1                                     |-read x = 2-|  |-read x = 1-|`;
    expect(judge(swap('-|')).validity).toBe('invalid');
    expect(judge(`p0  |-write x 1-|  |-cas x 5 2 = false-|  |-read x = 1-|`).validity).toBe('valid');
    expect(judge(`p0  |-write x 1-|  |-cas x 5 2-x  |-read x = 2-|`).validity).toBe('invalid');
  });

  it('is unknown where a value was written twice, or nothing has to do with anything', () => {
    expect(judge('p0  |-write x 1-|  |-write x 1-|  |-read x = 1-|').validity).toBe('unknown');
    expect(judge('p0  |-write x 1-|').validity).toBe('unknown');
  });

  it('finds a part of a key without one that was added before it, the last being looked for first', () => {
    const shape = { add: ['key', 'value'], read: ['key'] };
    const read = (seen: string) => judge(`p0  |-add k a-|  |-add k b-|\np1        |-read k = ${seen}-|`, shape);
    expect(names(read('["b",null]'))).toEqual(['nonsequential-read']);
    for (const seen of ['["b","a"]', '[null,"a"]', '[null,null]']) expect(read(seen).validity).toBe('valid');
    expect(read('7').validity).toBe('unknown');
  });
});
