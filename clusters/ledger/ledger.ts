/**
 * The cluster `ledger`: three processes of a small HTTP service in front of one durable store. On `docker` the store
 * is a PostgreSQL container, on `loopback` an SQLite file in the run's directory.
 */

import path from 'node:path';
import type { HostName, Link, NodeId } from '../../rig/contract.ts';
import { packageRoot } from '../../rig/package-root.ts';
import { docker } from '../hosts/docker.ts';
import { type Address, CLIENTS, type NodePlan, type Program } from '../hosts/host.ts';
import { type Deployment, onHosts } from '../hosts/hosted.ts';
import { loopback } from '../hosts/loopback.ts';
import { ledgerAsService } from './as-service.ts';
import { ledgerClient } from './client.ts';
import { drillsOn } from './drills/index.ts';
import { storeFile } from './drills/embedded-drills.ts';
import { CACHE_IN_IMAGE, SERVICE_IN_IMAGE, serviceFiles } from './service-files.ts';
import { CACHE, CACHE_PORT, KEY_FIELD, LEDGER_PORT, REPLICA, SETTING, STORE, VARIANTS } from './terms.ts';

const POSTGRES_PORT = 5432;
const STORE_PROBE_MS = 2_000;
/** How often the client library of `retry-in-client` repeats a request by itself. */
const HIDDEN_RETRIES = 2;

export const ledger = onHosts({
  name: 'ledger',
  summary: 'An HTTP service that moves money, with idempotency keys: three processes in front of one durable store.',
  controls: ['calls', 'clocks', 'descriptors', 'disks', 'drills', 'network', 'processes', 'resources', 'traffic'],
  drills: drillsOn,
  traffic: { port: LEDGER_PORT, keyField: KEY_FIELD },
  variants: VARIANTS,
  nodeCounts: { default: 3, allowed: [1, 2, 3, 5] },
  quorum: false,
  hosts: [docker, loopback],
  apis: {
    ledger: async (node, { entrance, variant }) =>
      ledgerClient(entrance(node, LEDGER_PORT), variant === 'retry-in-client' ? HIDDEN_RETRIES : 0),
    service: async (node, { entrance, runId, variant }) =>
      ledgerAsService(entrance(node, LEDGER_PORT), runId, node, variant),
  },
  members: (nodeCount, host) => ({
    nodes: Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`),
    supporting: host === 'loopback' ? [CACHE] : [STORE, REPLICA, CACHE],
  }),
  // Without its cache the service is slower, and no more; it is left in peace.
  parties: ({ nodes, supporting = [] }) => [...nodes, ...supporting.filter((member) => member !== CACHE), CLIENTS],
  // The nodes never talk to one another.
  links: ({ nodes, supporting = [] }) => [
    ...[CLIENTS, ...supporting]
      .filter((other) => other !== CACHE)
      .flatMap((other) => nodes.map((node): Link => [other, node])),
    ...(supporting.includes(REPLICA) ? [[STORE, REPLICA] as const] : []),
  ],
  subjects: ({ nodes, supporting = [] }) => {
    const all = [...supporting, ...nodes];
    return { calls: all, clocks: all, disks: supporting.filter((member) => member !== CACHE), resources: all };
  },
  lacks: (host): Readonly<Record<string, string>> =>
    host === 'loopback'
      ? Object.fromEntries(
          ['fill', 'makeReadOnly', 'slow', 'fail', 'losePower', 'damage'].map((lever) => [
            `disks.${lever}`,
            'the processes of the ledger share a file on the disk of this machine, which no fault may strike',
          ]),
        )
      : {},
  plan: planOf,
  program: programOf,
  async ready(node, deployment, signal) {
    if (node === STORE || node === REPLICA) await storeIsReady(deployment, node);
    else if (node === CACHE) await cacheIsReady(deployment, signal);
    else await nodeIsReady(node, deployment, signal);
  },
  primaries: async () => [],
  facts: async ({ host }) => ({
    store: host === 'loopback' ? 'SQLite, write-ahead log' : 'PostgreSQL 15, synchronous replica',
  }),
});

const isDatabase = (id: NodeId): boolean => id === STORE || id === REPLICA;

function planOf(id: NodeId, host: HostName): NodePlan {
  const imageFolder = (name: string) => path.join(packageRoot, 'clusters/ledger', name);
  if (isDatabase(id)) {
    return { id, ports: [POSTGRES_PORT], image: { name: 'ledger-store', directory: imageFolder('image-store') } };
  }
  const ports = [id === CACHE ? CACHE_PORT : LEDGER_PORT];
  if (host === 'loopback') return { id, ports };
  return { id, ports, image: { name: 'ledger-api', directory: imageFolder('image-api'), files: serviceFiles() } };
}

function programOf(node: NodeId, deployment: Deployment): Program {
  const { lab, host, variant, runId } = deployment;
  if (isDatabase(node)) {
    const [role, peer] = node === STORE ? ['primary', REPLICA] : ['standby', STORE];
    return {
      command: ['start-store'],
      env: { STORE_ROLE: role, STORE_PEER: lab.address(node, peer, POSTGRES_PORT).host },
    };
  }
  const run = (here: string, inImage: string): Program['command'] =>
    host === 'loopback' ? [process.execPath, path.join(packageRoot, 'dist/clusters/ledger', here)] : ['node', inImage];
  const listen = addressText(lab.listen(node, node === CACHE ? CACHE_PORT : LEDGER_PORT));
  if (node === CACHE) {
    return { command: run('cache-server.js', CACHE_IN_IMAGE), env: { [SETTING.listen]: listen } };
  }
  return {
    command: run('service.js', SERVICE_IN_IMAGE),
    env: {
      [SETTING.node]: node,
      [SETTING.listen]: listen,
      [SETTING.store]: host === 'loopback' ? `sqlite:${storeFile(lab)}` : storesFor(node, lab),
      [SETTING.cache]: addressText(lab.address(node, CACHE, CACHE_PORT)),
      [SETTING.cacheSecret]: runId,
      [SETTING.variant]: variant ?? '',
    },
  };
}

const addressText = ({ host, port }: Address): string => `${host}:${port}`;

/** Both databases; which of them is the primary, the service finds out. */
function storesFor(party: string, lab: Deployment['lab']): string {
  const [store, replica] = [STORE, REPLICA].map((one) => addressText(lab.address(party, one, POSTGRES_PORT)));
  return `postgres://postgres@${store},${replica}/postgres`;
}

async function nodeIsReady(node: NodeId, { lab }: Deployment, signal: AbortSignal): Promise<void> {
  await using client = ledgerClient(lab.address(CLIENTS, node, LEDGER_PORT));
  await client.accounts(signal);
}

async function cacheIsReady({ lab }: Deployment, signal: AbortSignal): Promise<void> {
  await fetch(`http://${addressText(lab.address(CLIENTS, CACHE, CACHE_PORT))}/trouble`, { signal });
}

/** It answers; and if it is a replica, it is fed. */
async function storeIsReady({ lab }: Deployment, node: NodeId): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString: `postgres://postgres@${addressText(lab.address(CLIENTS, node, POSTGRES_PORT))}/postgres`,
    connectionTimeoutMillis: STORE_PROBE_MS,
    query_timeout: STORE_PROBE_MS,
  });
  client.on('error', () => {}); // It also fails the query or the connection that is awaited.
  try {
    await client.connect();
    const { rows } = await client.query<{ fed: boolean }>(
      "SELECT NOT pg_is_in_recovery() OR EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming') AS fed",
    );
    if (!rows[0]?.fed) throw new Error(`${node} is a replica, and nobody feeds it`);
  } finally {
    await client.end().catch(() => {});
  }
}
