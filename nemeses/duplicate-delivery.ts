/**
 * Delivers keyed requests more than once, as proxies, queues and impatient clients do: at the same time or right
 * after the answer, through the same node or through others.
 */

import { defineNemesis } from '../rig/define.ts';
import { describeRequests, type SomeRequests, someRequests, WRITES } from './some-requests.ts';

type Duplicates = SomeRequests & {
  readonly copies: number;
  readonly to: 'same' | 'others';
  readonly when: 'at-once' | 'answered';
  readonly gapMs: number;
};

export const duplicateDelivery = defineNemesis<'traffic', Duplicates>({
  name: 'duplicate-delivery',
  summary: 'Keyed requests arrive up to four times, at once or after the answer, at the same node or at others.',
  controls: ['traffic'],
  choose: (context) => ({
    ...someRequests(context),
    copies: context.rng.integer(1, 3),
    to: context.rng.pick(['same', 'others', 'others']),
    when: context.rng.pick(['at-once', 'answered']),
    gapMs: context.rng.pick([0, 0, 5, 30]),
  }),
  inject: ({ copies, to, when, gapMs, ...requests }, { traffic }) =>
    traffic.apply({
      ...requests,
      methods: WRITES,
      key: '*',
      act: { do: 'repeat', copies, to, when, gapMs, answer: 'passed' },
    }),
  describe: ({ copies, to, when, ...requests }) => {
    const where = to === 'same' ? 'at the same node' : 'at other nodes';
    const then = when === 'at-once' ? 'at once' : 'after the answer';
    return `${describeRequests(requests, 'keyed writes')} arrive ${copies + 1} times, the copies ${where} and ${then}`;
  },
});
