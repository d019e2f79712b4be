/**
 * Keeps copies of keyed requests and delivers them much later, when newer requests have long been answered: seconds
 * after the answer, or when the fault is healed.
 */

import { defineNemesis } from '../rig/define.ts';
import { describeRequests, type SomeRequests, someRequests, WRITES } from './some-requests.ts';

type LateDuplicates = SomeRequests & {
  readonly when: 'answered' | 'released';
  readonly afterMs: number;
  readonly to: 'same' | 'others';
};

/** What is kept at one time is bounded, and the heal delivers all of it. */
const MOST = 100;

export const lateDuplicate = defineNemesis<'traffic', LateDuplicates>({
  name: 'late-duplicate',
  summary: 'Copies of keyed requests are kept and delivered seconds after the answer, or when the fault is healed.',
  controls: ['traffic'],
  choose: (context) => ({
    ...someRequests(context),
    when: context.rng.pick(['answered', 'released']),
    afterMs: context.rng.integer(500, 4_000),
    to: context.rng.pick(['same', 'others']),
  }),
  inject: ({ when, afterMs, to, ...requests }, { traffic }) =>
    traffic.apply({
      ...requests,
      methods: WRITES,
      key: '*',
      most: MOST,
      act: { do: 'repeat', copies: 1, to, when, gapMs: afterMs, answer: 'passed' },
    }),
  describe: ({ when, afterMs, to, ...requests }) => {
    const then = when === 'answered' ? `${(afterMs / 1000).toFixed(1)} s after the answer` : 'when this is over';
    const where = to === 'same' ? 'the same node' : 'another node';
    return `${describeRequests(requests, 'keyed writes')} arrive at ${where} once more ${then}`;
  },
});
