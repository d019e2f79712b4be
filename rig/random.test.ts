import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from './random.ts';

const draw = (rng: Random, count = 20) => Array.from({ length: count }, () => rng.integer(0, 1_000_000));

describe('Random', () => {
  it('draws the same from the same seed, and something else from another', () => {
    expect(draw(new Random(7))).toEqual(draw(new Random(7)));
    expect(draw(new Random(7))).not.toEqual(draw(new Random(8)));
  });

  it('gives a fork that depends on its name alone, not on what was drawn before', () => {
    const fresh = new Random(7);
    const used = new Random(7);
    draw(used);
    expect(draw(used.fork('worker 1'))).toEqual(draw(fresh.fork('worker 1')));
    expect(draw(used.fork('worker 1'))).not.toEqual(draw(fresh.fork('worker 2')));
  });

  it('keeps every number within its bounds', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: -50, max: 50 }), fc.nat(100), (seed, min, span) => {
        const number = new Random(seed).integer(min, min + span);
        return number >= min && number <= min + span;
      }),
    );
  });

  it('spreads evenly over sixteen bins', () => {
    const rng = new Random('even');
    const bins = Array<number>(16).fill(0);
    for (let draws = 0; draws < 160_000; draws++) {
      const bin = rng.integer(0, 15);
      bins[bin] = (bins[bin] ?? 0) + 1;
    }
    const chiSquared = bins.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquared).toBeLessThan(37.7); // 99.9 % quantile for 15 degrees of freedom.
  });

  it('shuffles into a permutation', () => {
    const items = ['a', 'b', 'c', 'd', 'e'];
    const shuffled = new Random(3).shuffle(items);
    expect([...shuffled].sort()).toEqual(items);
    expect(items).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('refuses to pick from nothing', () => {
    expect(() => new Random(1).pick([])).toThrow('cannot pick from nothing');
  });
});
