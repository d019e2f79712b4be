/** What several holds make of one node. */

import { describe, expect, it } from 'vitest';
import { Holds } from './holds.ts';

describe('what holds want together', () => {
  it('is that a node runs and hears everybody while nobody holds anything', () => {
    expect(new Holds().wanted('n1')).toEqual({ process: 'running', deafTo: new Set() });
  });

  it('is the union of all senders, and shrinks only by what nobody else wants', () => {
    const holds = new Holds();
    holds.named('a').deafTo.set('n1', new Set(['n2', 'n3']));
    holds.named('b').deafTo.set('n1', new Set(['n3', 'clients']));
    expect(holds.wanted('n1').deafTo).toEqual(new Set(['n2', 'n3', 'clients']));
    holds.named('a').released = true;
    expect(holds.wanted('n1').deafTo).toEqual(new Set(['n3', 'clients']));
  });

  it('is killed rather than paused, and paused rather than running', () => {
    const holds = new Holds();
    holds.named('pause').paused.add('n1');
    holds.named('kill').killed.add('n1');
    expect(holds.wanted('n1').process).toBe('gone');
    holds.named('kill').released = true;
    expect(holds.wanted('n1').process).toBe('stopped');
    holds.named('pause').released = true;
    expect(holds.wanted('n1').process).toBe('running');
  });
});

describe('the evidence of a hold', () => {
  it('is effective once packets went unheard, and counts only those since it began', () => {
    const hold = new Holds().named('a');
    hold.unheardBefore.set('n1', 10);
    expect(hold.evidence()).toEqual({ effective: false, observed: 'no packet was stopped' });
    hold.unheardSince.set('n1', 11);
    expect(hold.evidence()).toEqual({ effective: true, observed: '1 packet did not reach n1' });
  });

  it('says that nothing was changed when nothing was', () => {
    expect(new Holds().named('a').evidence()).toEqual({ effective: false, observed: 'nothing was changed' });
  });
});
