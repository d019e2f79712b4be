/**
 * Makes one request into a storm of itself, as clients do whose patience is shorter than the service takes: the
 * answer is lost, and the same key comes again and again, a few milliseconds apart.
 */

import { defineNemesis } from '../rig/define.ts';
import { describeRequests, type SomeRequests, someRequests, WRITES } from './some-requests.ts';

type Storm = SomeRequests & { readonly copies: number; readonly gapMs: number; readonly to: 'same' | 'others' };

/** Requests that become a storm; all others must still be served. */
const MOST = 60;

export const retryStorm = defineNemesis<'traffic', Storm>({
  name: 'retry-storm',
  summary: 'The answer to a keyed request is lost, and the request is repeated up to twenty times within moments.',
  controls: ['traffic'],
  choose: (context) => {
    const requests = someRequests(context);
    return {
      ...requests,
      chance: Math.round(100 * requests.chance * 0.3) / 100,
      copies: context.rng.integer(5, 20),
      gapMs: context.rng.integer(1, 40),
      to: context.rng.pick(['same', 'others']),
    };
  },
  inject: ({ copies, gapMs, to, ...requests }, { traffic }) =>
    traffic.apply({
      ...requests,
      methods: WRITES,
      key: '*',
      most: MOST,
      act: { do: 'repeat', copies, to, when: 'at-once', gapMs, answer: 'lost' },
    }),
  describe: ({ copies, gapMs, to, ...requests }) =>
    `${describeRequests(requests, 'keyed writes')} lose their answer and are repeated ${copies} times, ` +
    `${gapMs} ms apart, at ${to === 'same' ? 'the same node' : 'other nodes'}`,
});
