/** Who is struck, and how often. */

import { describe, expect, it } from 'vitest';
import { Random } from '../rig/random.ts';
import { chooseTargets } from './targets.ts';

const nodes = ['n1', 'n2', 'n3', 'n4', 'n5'];
const weights = { one: 1, minority: 1, primaries: 1, all: 1 };
const chosen = (primaries: readonly string[]) =>
  Array.from({ length: 200 }, (_, seed) =>
    chooseTargets({ rng: new Random(seed), nodes, parties: nodes, primaries }, weights),
  );

describe('targets', () => {
  it('are one node, less than half, the primaries or all', () => {
    const sizes = { one: [1], minority: [1, 2], primaries: [2], all: [5] };
    for (const { targets, nodes: struck } of chosen(['n2', 'n4'])) {
      expect(sizes[targets]).toContain(struck.length);
      if (targets === 'primaries') expect(struck).toEqual(['n2', 'n4']);
    }
  });

  it('have each kind in its turn', () => {
    expect(new Set(chosen(['n2']).map(({ targets }) => targets))).toEqual(new Set(Object.keys(weights)));
  });

  it('are never the primaries where none is known', () => {
    expect(chosen([]).map(({ targets }) => targets)).not.toContain('primaries');
  });

  it('are the only node of a cluster of one, whatever the kind', () => {
    const context = { rng: new Random(1), nodes: ['n1'], parties: ['n1'], primaries: ['n1'] };
    for (let draw = 0; draw < 20; draw++) expect(chooseTargets(context, weights).nodes).toEqual(['n1']);
  });
});
