/**
 * The cluster `ledger`: three processes of a small HTTP service in front of one durable store. On `docker` the store
 * is a PostgreSQL container, on `loopback` an SQLite file in the run's directory.
 */

import path from 'node:path';
import pg from 'pg';
import type { HostName, NodeId } from '../../rig/contract.ts';
import { packageRoot } from '../../rig/package-root.ts';
import { docker } from '../hosts/docker.ts';
import { CLIENTS, type NodePlan, type Program } from '../hosts/host.ts';
import { type Deployment, onHosts } from '../hosts/hosted.ts';
import { loopback } from '../hosts/loopback.ts';
import { ledgerClient } from './client.ts';
import { SERVICE_IN_IMAGE, serviceFiles } from './service-files.ts';
import { BUGS, KEY_FIELD, LEDGER_PORT, SETTING } from './terms.ts';

const STORE: NodeId = 'store';
const POSTGRES_PORT = 5432;
const STORE_PROBE_MS = 2_000;
/** How often the client library of `retry-in-client` repeats a request by itself. */
const HIDDEN_RETRIES = 2;

export const ledger = onHosts({
  name: 'ledger',
  summary: 'An HTTP service that moves money, with idempotency keys: three processes in front of one durable store.',
  controls: ['network', 'processes', 'traffic'],
  traffic: { port: LEDGER_PORT, keyField: KEY_FIELD },
  variants: BUGS,
  nodeCounts: { default: 3, allowed: [1, 2, 3, 5] },
  quorum: false,
  hosts: [docker, loopback],
  apis: {
    ledger: async (node, { entrance, variant }) =>
      ledgerClient(entrance(node, LEDGER_PORT), variant === 'retry-in-client' ? HIDDEN_RETRIES : 0),
  },
  members: (nodeCount, host) => ({
    nodes: Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`),
    supporting: host === 'loopback' ? [] : [STORE],
  }),
  parties: ({ nodes, supporting = [] }) => [...nodes, ...supporting, CLIENTS],
  // The nodes never talk to one another.
  links: ({ nodes, supporting = [] }) =>
    [CLIENTS, ...supporting].flatMap((other) => nodes.map((node) => [other, node])),
  plan: planOf,
  program: programOf,
  ready: async (node, deployment, signal) =>
    node === STORE ? storeIsReady(deployment) : nodeIsReady(node, deployment, signal),
  primaries: async () => [],
  facts: async ({ host }) => ({ store: host === 'loopback' ? 'SQLite, write-ahead log' : 'PostgreSQL 15' }),
});

function planOf(id: NodeId, host: HostName): NodePlan {
  const imageFolder = (name: string) => path.join(packageRoot, 'clusters/ledger', name);
  if (id === STORE) {
    return { id, ports: [POSTGRES_PORT], image: { name: 'ledger-store', directory: imageFolder('image-store') } };
  }
  if (host === 'loopback') return { id, ports: [LEDGER_PORT] };
  const image = { name: 'ledger-api', directory: imageFolder('image-api'), files: serviceFiles() };
  return { id, ports: [LEDGER_PORT], image };
}

function programOf(node: NodeId, { lab, host, variant }: Deployment): Program {
  if (node === STORE) return { command: ['start-store'] };
  const onLoopback = host === 'loopback';
  const listen = lab.listen(node, LEDGER_PORT);
  return {
    command: onLoopback
      ? [process.execPath, path.join(packageRoot, 'dist/clusters/ledger/service.js')]
      : ['node', SERVICE_IN_IMAGE],
    env: {
      [SETTING.node]: node,
      [SETTING.listen]: `${listen.host}:${listen.port}`,
      [SETTING.store]: onLoopback ? `sqlite:${path.join(lab.data(STORE), 'ledger.db')}` : storeFor(node, lab),
      [SETTING.bug]: variant ?? '',
    },
  };
}

function storeFor(party: string, lab: Deployment['lab']): string {
  const { host, port } = lab.address(party, STORE, POSTGRES_PORT);
  return `postgres://postgres@${host}:${port}/postgres`;
}

async function nodeIsReady(node: NodeId, { lab }: Deployment, signal: AbortSignal): Promise<void> {
  await using client = ledgerClient(lab.address(CLIENTS, node, LEDGER_PORT));
  await client.accounts(signal);
}

async function storeIsReady({ lab }: Deployment): Promise<void> {
  const client = new pg.Client({
    connectionString: storeFor(CLIENTS, lab),
    connectionTimeoutMillis: STORE_PROBE_MS,
    query_timeout: STORE_PROBE_MS,
  });
  client.on('error', () => {}); // It also fails the query or the connection that is awaited.
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end().catch(() => {});
  }
}
