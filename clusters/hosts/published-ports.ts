/** Ports of 127.0.0.1 for an engine to publish nodes' ports on. */

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** Free at the moment and all different: each is held until the last is found. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  try {
    await Promise.all(servers.map((server) => once(server, 'listening')));
    return servers.map((server) => (server.address() as AddressInfo).port);
  } finally {
    for (const server of servers) server.close();
  }
}
