/** What systems that are no HTTP services of anybody's are asked for through the API `service`: to place orders. */

import type { Service, ServiceTerms } from '../rig/contract.ts';
import { Refused } from '../rig/define.ts';

/** What is on trial is the promise that people read into a key: that it holds for ever, whatever the payload. */
export const orderTerms = (name: string, method: string, longestKey: number): ServiceTerms => ({
  name,
  operations: { place: { values: { quantity: { integer: [1, 100] } } } },
  keyPrefix: '',
  longestKey,
  scope: [],
  inUse: [],
  mismatch: [],
  kept: [],
  ok: [200],
  fail: [],
  methods: [method],
  repeatsBody: false,
  comparesMeaning: false,
  retentionMs: null,
  expiry: null,
  expired: [],
});

/** Rejects what the system would take for no key, or cut. */
export function mustBeKey(key: string, { longestKey }: ServiceTerms): void {
  if (key === '' || key.length > longestKey) throw new Refused('bad-key', `a key has 1 to ${longestKey} characters`);
}

/** What only HTTP services can be asked. */
export const notHttp: Pick<Service, 'state' | 'probe' | 'memory'> = {
  state: () => Promise.reject(new Refused('no-state', 'methods are a matter of HTTP services')),
  probe: () => Promise.reject(new Refused('no-probe', 'what is spoilt is a matter of HTTP services')),
  memory: async () => null,
};
