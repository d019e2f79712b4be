/** Breaks connections in the middle of an answer, so that a client sees half of it, or of a request, so that the node does. */

import { defineNemesis } from '../rig/define.ts';
import { describeRequests, type SomeRequests, someRequests } from './some-requests.ts';

type Torn = SomeRequests & { readonly what: 'request' | 'answer'; readonly by: 'reset' | 'end' };

export const tornResponse = defineNemesis<'traffic', Torn>({
  name: 'torn-response',
  summary: 'Connections break in the middle of the answer, or more rarely of the request: by a reset or a clean end.',
  controls: ['traffic'],
  choose: (context) => ({
    ...someRequests(context),
    what: context.rng.pick(['answer', 'answer', 'answer', 'request']),
    by: context.rng.pick(['reset', 'end']),
  }),
  inject: ({ what, by, ...requests }, { traffic }) => traffic.apply({ ...requests, act: { do: 'tear', what, by } }),
  describe: ({ what, by, ...requests }) =>
    `half of ${what === 'answer' ? 'the answers to ' : ''}${describeRequests(requests, 'requests')} arrives, ` +
    `then ${by === 'reset' ? 'a reset' : 'the connection ends'}`,
});
