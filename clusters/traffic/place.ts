/** Where a connection of the traffic control stands: between which client and node, and whom it tells. */

import type { Clock } from '../../rig/clock.ts';
import type { NodeId } from '../../rig/contract.ts';
import type { Address } from '../hosts/host.ts';
import type { Copies } from './copies.ts';
import type { RequestTraits, RuleInForce } from './rules.ts';
import type { WireLog } from './wire-log.ts';

/** What a connection needs to know of the place it is in. */
export interface Place {
  readonly node: NodeId;
  readonly target: Address;
  readonly clock: Clock;
  readonly log: WireLog;
  readonly copies: Copies;
  /** The name of the field with the idempotency key, in lower case. */
  readonly keyField: string;
  /** The rule that has this request. */
  pick(request: RequestTraits): RuleInForce | null;
}

export interface ConnectionEvents {
  ended(): void;
  /** Nobody listens at the target. */
  refused(): void;
}
