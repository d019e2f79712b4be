/** What takes deliveries to the rig's sink by one protocol, and the bounds that hold for each. */

import type { Server } from 'node:net';

/** Of one delivery. */
export const LARGEST_BYTES = 64 * 1024;
export const MOST_CONNECTIONS = 1_024;

/** By HTTP `method`, `path`, `headers` and `body`; by mail `from`, `to`, `subject`, `headers`, `text` and `html`. */
export type Delivery = Readonly<Record<string, unknown>>;

export interface Receiver {
  readonly server: Server;
  /** Connections that are open are not waited for. */
  close(): void;
}

/** Counts a delivery of that size; `false`: the sink is full, and it was not. */
export type Receive = (delivery: Delivery, bytes: number) => boolean;
