/** What several holds make of one party. */

import { describe, expect, it } from 'vitest';
import { Wishes } from './wishes.ts';

describe('what holds want together', () => {
  it('is nothing while nobody holds anything', () => {
    expect(new Wishes<string>().of('n1')).toEqual([]);
  });

  it('is the union of all of them, the oldest first, and shrinks by what the released one wanted', () => {
    const wishes = new Wishes<string>();
    wishes.add('a', 'n1', 'x');
    wishes.add('b', 'n1', 'y');
    wishes.add('a', 'n1', 'z');
    wishes.add('b', 'n2', 'elsewhere');
    expect(wishes.of('n1')).toEqual(['x', 'z', 'y']);
    wishes.release('a');
    expect(wishes.of('n1')).toEqual(['y']);
    expect(wishes.holding('n1')).toEqual(['b']);
  });

  it('is remembered of a hold that was released, as evidence, and never comes back', () => {
    const wishes = new Wishes<string>();
    wishes.add('a', 'n1', 'x');
    wishes.release('a');
    wishes.release('a');
    wishes.add('a', 'n1', 'y');
    expect(wishes.of('n1')).toEqual([]);
    expect([...wishes.touched('a')]).toEqual(['n1']);
    expect(wishes.under('a', 'n1')).toEqual(['x', 'y']);
  });

  it('can be given up in part', () => {
    const wishes = new Wishes<string>();
    for (const wish of ['x', 'y']) wishes.add('a', 'n1', wish);
    wishes.add('a', 'n2', 'y');
    expect([...wishes.take('a', (_, wish) => wish === 'x')]).toEqual(['n1']);
    expect([wishes.of('n1'), wishes.of('n2')]).toEqual([['y'], ['y']]);
    expect([...wishes.touched('a')]).toEqual(['n1', 'n2']);
  });

  it('is nothing once all were released', () => {
    const wishes = new Wishes<string>();
    for (const hold of ['a', 'b']) wishes.add(hold, 'n1', hold);
    wishes.releaseAll();
    expect(wishes.of('n1')).toEqual([]);
  });
});
