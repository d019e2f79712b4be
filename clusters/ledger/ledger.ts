/**
 * The cluster `ledger`: three processes of a small HTTP service in front of one durable store. On `loopback` the
 * store is an SQLite file in the run's directory, on `docker` a PostgreSQL container.
 */

import path from 'node:path';
import type { HostName } from '../../rig/contract.ts';
import { packageRoot } from '../../rig/package-root.ts';
import { CLIENTS, type Program } from '../hosts/host.ts';
import { type Deployment, onHosts } from '../hosts/hosted.ts';
import { loopback } from '../hosts/loopback.ts';
import { ledgerClient } from './client.ts';
import { BUGS, LEDGER_PORT, SETTING } from './terms.ts';

export const ledger = onHosts({
  name: 'ledger',
  summary: 'An HTTP service that moves money, with idempotency keys: three processes in front of one durable store.',
  controls: ['network', 'processes'],
  variants: BUGS,
  nodeCounts: { default: 3, allowed: [1, 2, 3, 5] },
  hosts: [loopback],
  apis: {
    ledger: async (node, { lab }) => ledgerClient(lab.address(CLIENTS, node, LEDGER_PORT)),
  },
  members: (nodeCount) => ({ nodes: Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`) }),
  parties: ({ nodes }) => [...nodes, CLIENTS],
  // The nodes never talk to one another, only to their store: here a file.
  links: ({ nodes }) => nodes.map((node) => [CLIENTS, node]),
  plan: (id) => ({ id, ports: [LEDGER_PORT] }),
  program: (node, deployment) => ({
    command: serviceCommand(deployment.host),
    env: {
      [SETTING.node]: node,
      [SETTING.listen]: listenOf(node, deployment),
      [SETTING.store]: `sqlite:${path.join(deployment.lab.data('store'), 'ledger.db')}`,
      [SETTING.bug]: deployment.variant ?? '',
    },
  }),
  async ready(node, { lab }, signal) {
    await using client = ledgerClient(lab.address(CLIENTS, node, LEDGER_PORT));
    await client.accounts(signal);
  },
  primaries: async () => [],
});

function listenOf(node: string, { lab }: Deployment): string {
  const { host, port } = lab.listen(node, LEDGER_PORT);
  return `${host}:${port}`;
}

function serviceCommand(_host: HostName): Program['command'] {
  return [process.execPath, '--enable-source-maps', path.join(packageRoot, 'dist/clusters/ledger/service.js')];
}
