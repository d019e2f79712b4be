/** Clients on bad lines: requests trickle in a few bytes at a time, or answers are read so slowly that they wait at the node. */

import { defineNemesis } from '../rig/define.ts';
import { describeRequests, type SomeRequests, someRequests } from './some-requests.ts';

type Slow = SomeRequests & { readonly what: 'request' | 'answer'; readonly bytesPerSecond: number };

/** A node must have connections left for the others. */
const MOST = 60;

export const slowClients = defineNemesis<'traffic', Slow>({
  name: 'slow-clients',
  summary: 'Requests trickle in, or answers are read, at 20 to 2000 bytes a second.',
  controls: ['traffic'],
  choose: (context) => ({
    ...someRequests(context),
    what: context.rng.pick(['request', 'answer']),
    bytesPerSecond: context.rng.pick([20, 50, 200, 500, 2_000]),
  }),
  inject: ({ what, bytesPerSecond, ...requests }, { traffic }) =>
    traffic.apply({ ...requests, most: MOST, act: { do: 'slow', what, bytesPerSecond } }),
  describe: ({ what, bytesPerSecond, ...requests }) =>
    what === 'request'
      ? `${describeRequests(requests, 'requests')} come in at ${bytesPerSecond} bytes a second`
      : `the answers to ${describeRequests(requests, 'requests')} are read at ${bytesPerSecond} bytes a second`,
});
