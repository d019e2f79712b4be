/** Makes names unknown, which is noticed by whoever has to look one up again. */

import { defineNemesis } from '../rig/define.ts';
import { listed } from './listed.ts';
import { chooseTargets, type Targets } from './targets.ts';

type Failure = Targets & { readonly by: 'silence' | 'refusal' };

export const dnsFailure = defineNemesis<'network', Failure>({
  name: 'dns-failure',
  summary: 'Name servers do not answer some nodes, or refuse them.',
  controls: ['network'],
  choose: (context) => ({
    ...chooseTargets(context, { one: 2, minority: 2, all: 3 }),
    by: context.rng.pick(['silence', 'refusal']),
  }),
  inject: ({ nodes, by }, { network }) => network.failNames(nodes, by),
  describe: ({ nodes, by }) =>
    by === 'silence' ? `${listed(nodes)} get no answer from name servers` : `name servers refuse ${listed(nodes)}`,
});
