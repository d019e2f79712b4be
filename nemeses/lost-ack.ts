/**
 * Loses the answers to writes that were done: the node finishes its work, and the client never hears of it. What is
 * then safe to do is what idempotency keys are for.
 */

import { defineNemesis } from '../rig/define.ts';
import { describeRequests, type SomeRequests, someRequests, WRITES } from './some-requests.ts';

type LostAck = SomeRequests & { readonly by: 'reset' | 'silence' };

export const lostAck = defineNemesis<'traffic', LostAck>({
  name: 'lost-ack',
  summary: 'Nodes do the writes they are asked for, and their answers are lost: by a reset, or without a word.',
  controls: ['traffic'],
  choose: (context) => ({ ...someRequests(context), by: context.rng.pick(['reset', 'reset', 'silence']) }),
  inject: ({ by, ...requests }, { traffic }) =>
    traffic.apply({ ...requests, methods: WRITES, act: { do: 'lose-answer', by } }),
  describe: (fault) =>
    `the answers to ${describeRequests(fault, 'writes')} are lost ${fault.by === 'reset' ? 'in a reset' : 'in silence'}`,
});
