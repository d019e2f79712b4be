import { describe, expect, it } from 'vitest';
import type { Verdict } from '../rig/contract.ts';
import { sketch } from '../rig/sketch.ts';
import { longFork, type LongForkInput, type LongForkOutput } from './long-fork.ts';

const judge = (picture: string): Verdict =>
  longFork.check(sketch<LongForkInput, LongForkOutput>(picture, { write: ['value'], read: [] }), {
    exhausted: () => false,
    reason: () => 'nothing',
  }) as Verdict;

const writes = 'p0 |-write [["w","x",1]]-|\np1 |-write [["w","y",1]]-|';
const read = (process: number, x: number | null, y: number | null) =>
  `p${process}   |-read = [["r","x",${x}],["r","y",${y}]]-|`;

describe('long-fork', () => {
  it('accepts readers of whom each saw at least what the one before had seen', () => {
    const picture = [writes, read(2, null, null), read(3, 1, null), read(4, 1, 1), read(5, 1, null)].join('\n');
    expect(judge(picture).validity).toBe('valid');
  });

  it('finds two readers of whom each saw what the other had not', () => {
    const verdict = judge([writes, read(2, 1, null), read(3, null, 1), read(4, 1, 1)].join('\n'));
    expect(verdict).toMatchObject({ validity: 'invalid', anomalies: [{ name: 'long-fork' }] });
    expect(verdict.anomalies[0]?.explanation).toMatch(/saw key "x" written but not yet key "y", while .* saw key "y"/);
  });

  it('compares only reads of the same keys', () => {
    const other = 'p3   |-read = [["r","y",1],["r","z",null]]-|';
    expect(judge([writes, read(2, 1, null), other].join('\n')).validity).toBe('unknown');
  });

  it('is unknown when no read fell between the writes, or a key was written twice', () => {
    expect(judge([writes, read(2, 1, 1), read(3, null, null)].join('\n')).validity).toBe('unknown');
    const twice = writes.replace('"y"', '"x"');
    expect(judge([twice, read(2, 1, null), read(3, 1, null)].join('\n')).validity).toBe('unknown');
  });
});
