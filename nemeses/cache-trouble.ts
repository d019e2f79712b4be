/** A cache in front of the store that forgets everything, or that hands out what nobody put into it. */

import { defineNemesis } from '../rig/define.ts';

export const cacheExpiry = defineNemesis<'drills', { readonly drill: 'cache-expiry' }>({
  name: 'cache-expiry',
  summary: 'The cache forgets everything at once, and remembers nothing for a while.',
  controls: ['drills'],
  drills: ['cache-expiry'],
  choose: () => ({ drill: 'cache-expiry' }),
  inject: ({ drill }, { drills }) => drills.begin({ name: drill, nodes: [] }),
  describe: () => 'the cache has forgotten everything',
});

export const cachePoison = defineNemesis<'drills', { readonly drill: 'cache-poison' }>({
  name: 'cache-poison',
  summary: 'The cache hands out wrong values for what was put into it.',
  controls: ['drills'],
  drills: ['cache-poison'],
  choose: () => ({ drill: 'cache-poison' }),
  inject: ({ drill }, { drills }) => drills.begin({ name: drill, nodes: [] }),
  describe: () => 'the cache hands out wrong values',
});
