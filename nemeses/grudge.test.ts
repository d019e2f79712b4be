/** The shapes of partitions, and the sentences for them. */

import { describe, expect, it } from 'vitest';
import { Random } from '../rig/random.ts';
import { cuts, describeGrudge, eachAlone, type Grudge, halves, majoritiesRing, oneAlone, oneWay } from './grudge.ts';

const five = ['n1', 'n2', 'n3', 'n4', 'n5'];
const seeds = Array.from({ length: 50 }, (_, seed) => new Random(seed));
const hears = (deaf: Grudge, listener: string) => five.filter((sender) => !deaf[listener]?.includes(sender));

describe('halves', () => {
  it('leave two sides that hear themselves and nobody else', () => {
    for (const rng of seeds) {
      const deaf = halves(five, rng);
      const sides = new Set(five.map((listener) => hears(deaf, listener).join()));
      expect(sides.size).toBe(2);
      expect([...sides].flatMap((side) => side.split(',')).sort()).toEqual(five);
    }
  });
});

describe('one alone', () => {
  it('is cut off in both directions, and the others are not', () => {
    for (const rng of seeds) {
      const deaf = oneAlone(five, rng);
      const loners = five.filter((party) => hears(deaf, party).length === 1);
      expect(loners).toHaveLength(1);
      for (const party of five) if (party !== loners[0]) expect(deaf[party]).toEqual(loners);
    }
  });
});

describe('a ring of majorities', () => {
  it('lets everybody hear a majority, no two the same, whatever the number of parties', () => {
    for (let count = 3; count <= 7; count++) {
      const parties = Array.from({ length: count }, (_, number) => `n${number + 1}`);
      const deaf = majoritiesRing(parties, new Random(count));
      const heard = parties.map((listener) => parties.filter((sender) => !deaf[listener]?.includes(sender)));
      for (const [at, majority] of heard.entries()) {
        expect(majority).toHaveLength(Math.floor(count / 2) + 1);
        expect(majority).toContain(parties[at]);
      }
      expect(new Set(heard.map((majority) => majority.join())).size).toBe(count);
    }
  });
});

describe('one way', () => {
  it('deafens one side alone', () => {
    for (const rng of seeds) {
      const deaf = oneWay(five, rng);
      const listeners = Object.keys(deaf);
      expect(listeners.length).toBeGreaterThan(0);
      for (const listener of listeners)
        for (const sender of deaf[listener] ?? []) expect(listeners).not.toContain(sender);
    }
  });
});

describe('the cuts of a grudge', () => {
  it('are as few blocks as say the same', () => {
    expect(cuts(eachAlone(['n1', 'n2', 'n3'], ['n2']))).toEqual([
      { from: ['n1', 'n3'], to: ['n2'] },
      { from: ['n2'], to: ['n1', 'n3'] },
    ]);
  });
});

describe('the sentence for a grudge', () => {
  it.each<[string, Grudge, string]>([
    [
      'two sides',
      { n1: ['n3'], n2: ['n3'], n3: ['n1', 'n2'] },
      'n1 and n2 cannot reach n3, and n3 cannot reach n1 and n2',
    ],
    ['one way', { n1: ['n2', 'n3'] }, 'n2 and n3 cannot reach n1, but n1 can reach n2 and n3'],
    [
      'other parties',
      { n1: ['store'], store: ['n1', 'n2'], n2: ['store'] },
      'n1 and n2 cannot reach store, and store cannot reach n1 and n2',
    ],
    [
      'a ring of three',
      { n1: ['n2'], n2: ['n3'], n3: ['n1'] },
      'n1 cannot reach n3; n2 cannot reach n1; n3 cannot reach n2',
    ],
    ['nothing', {}, 'everybody can reach everybody'],
  ])('names who cannot reach whom: %s', (_, deaf, sentence) => {
    expect(describeGrudge(deaf)).toBe(sentence);
  });
});
