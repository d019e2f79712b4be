import { describe, expect, it } from 'vitest';
import { execute, keysOf } from './transaction.ts';

describe('a transaction that runs alone', () => {
  const before = (key: string) => (key === 'x' ? [1] : null);

  it('reads what was there and what it wrote itself, and leaves its last writes', () => {
    const { output, writes } = execute(
      [
        ['r', 'x', null],
        ['append', 'x', 2],
        ['r', 'x', null],
        ['w', 'y', 5],
        ['w', 'y', 6],
        ['r', 'y', null],
      ],
      before,
    );
    expect(output.map(([, , value]) => value)).toEqual([[1], 2, [1, 2], 5, 6, 6]);
    expect([...writes]).toEqual([
      ['x', [1, 2]],
      ['y', 6],
    ]);
  });

  it('writes nothing where it only reads, and reads null where nothing is', () => {
    const { output, writes } = execute([['r', 'z', null]], before);
    expect(output).toEqual([['r', 'z', null]]);
    expect(writes.size).toBe(0);
  });

  it('takes SQL statements for rows: an update or delete tells whether it found one, a second insert is refused', () => {
    const { output, writes } = execute(
      [
        ['select', 'x', null],
        ['update', 'y', { version: 1 }],
        ['insert', 'y', { version: 2 }],
        ['update', 'y', { version: 3 }],
        ['delete', 'x', null],
        ['delete', 'x', null],
      ],
      before,
    );
    expect(output).toEqual([
      ['select', 'x', [1]],
      ['update', 'y', { version: 1 }, 0],
      ['insert', 'y', { version: 2 }],
      ['update', 'y', { version: 3 }, 1],
      ['delete', 'x', null, 1],
      ['delete', 'x', null, 0],
    ]);
    expect([...writes]).toEqual([
      ['y', { version: 3 }],
      ['x', null],
    ]);
    expect(() => execute([['insert', 'x', 2]], before)).toThrow('there is a row x already');
  });

  it('touches each of its keys once', () => {
    expect(
      keysOf([
        ['r', 'x', null],
        ['w', 'y', 1],
        ['r', 'x', null],
      ]),
    ).toEqual(['x', 'y']);
  });
});
