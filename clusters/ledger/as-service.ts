/** The ledger as any HTTP service is described: how to ask it, what its answers mean, where its effects are listed. */

import type { Client } from '../../rig/contract.ts';
import { RealClock } from '../../rig/clock.ts';
import type { HttpServiceDefinition } from '../../rig/service-definition.ts';
import { residentBytes } from '../hosts/process-table.ts';
import type { Address } from '../hosts/host.ts';
import { serviceClient } from '../http/client.ts';
import { termsOf } from '../http/outcomes.ts';
import { ACCOUNTS, KEY_FIELD, LIMITS, RETENTIONS, SAID_OF_KEYS } from './terms.ts';

const DEFINITION: HttpServiceDefinition = {
  name: 'ledger',
  idempotencyKey: { header: KEY_FIELD, scope: ['from'], longest: LIMITS.keyLength, compares: 'meaning' },
  operations: {
    transfer: {
      method: 'POST',
      path: '/transfers',
      body: { from: '{{from}}', to: '{{to}}', amount: '{{amount}}' },
      values: {
        from: { oneOf: ACCOUNTS },
        to: { oneOf: ACCOUNTS, not: 'from' },
        amount: { integer: [1, 100] },
      },
      answer: { id: 'id', repeated: 'body' },
    },
  },
  outcomes: {
    ok: [201],
    fail: [400, 402, 404, 405, 413, 431, 503],
    inUse: [409],
    mismatch: [422],
    kept: [402],
  },
  effects: {
    endpoint: {
      path: `/transfers?after={{after}}&limit=${LIMITS.pageLength}`,
      after: { field: 'sequence', from: '0' },
    },
    key: 'key',
    id: 'id',
    values: { from: 'from', to: 'to', amount: 'amount' },
  },
};

/** In the terms of a variant that does not keep keys for ever, for how long it does. */
function definitionOf(variant: string | null): HttpServiceDefinition {
  const retention = RETENTIONS[variant ?? ''];
  if (!retention) return DEFINITION;
  const { atLeastMs, atMostMs } = SAID_OF_KEYS;
  const expiry = { after: `${atMostMs}ms`, becomes: retention.says };
  return { ...DEFINITION, idempotencyKey: { ...DEFINITION.idempotencyKey, retention: `${atLeastMs}ms`, expiry } };
}

/** A client of the node at this address; what the node holds in memory is seen where its processes are. */
export function ledgerAsService(
  address: Address,
  runId: string,
  node: string,
  variant: string | null,
): Client<'service'> {
  const definition = definitionOf(variant);
  return serviceClient({
    definition,
    terms: termsOf(definition, ''),
    address,
    sink: null,
    clock: new RealClock(),
    memory: () => residentBytes(runId, node),
  });
}
