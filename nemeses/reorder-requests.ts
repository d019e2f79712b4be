/** Lets requests overtake each other on their way: two change places, or some travel longer than the rest. */

import { defineNemesis } from '../rig/define.ts';
import { describeRequests, type SomeRequests, someRequests } from './some-requests.ts';

type Reordering = SomeRequests & { readonly how: 'swap' | 'delay'; readonly ms: number };

export const reorderRequests = defineNemesis<'traffic', Reordering>({
  name: 'reorder-requests',
  summary:
    'Requests change places with the next one, or travel up to three seconds, also past their clients’ patience.',
  controls: ['traffic'],
  choose: (context) => {
    const how = context.rng.pick(['swap', 'delay'] as const);
    const ms = how === 'swap' ? context.rng.integer(50, 500) : context.rng.integer(20, 3_000);
    return { ...someRequests(context), how, ms };
  },
  inject: ({ how, ms, ...requests }, { traffic }) =>
    traffic.apply({
      ...requests,
      act: how === 'swap' ? { do: 'swap', withinMs: ms } : { do: 'delay', what: 'request', ms },
    }),
  describe: ({ how, ms, ...requests }) =>
    how === 'swap'
      ? `${describeRequests(requests, 'requests')} change places with the next of them within ${ms} ms`
      : `${describeRequests(requests, 'requests')} travel ${ms} ms`,
});
