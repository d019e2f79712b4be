/** etcd: a replicated key-value store by Raft, as Debian packages it. Judged by `register`; its own reads of old copies are a variant. */

import path from 'node:path';
import type { NodeId } from '../../rig/contract.ts';
import { packageRoot } from '../../rig/package-root.ts';
import { docker } from '../hosts/docker.ts';
import type { Program } from '../hosts/host.ts';
import { type Deployment, onHosts } from '../hosts/hosted.ts';
import { netns } from '../hosts/netns.ts';
import { connectEtcd, type EtcdOptions } from './client.ts';
import { connectFeed } from './feed.ts';
import { connectLocks } from './locks.ts';
import { membership, PEER_PORT, peerUrl } from './membership.ts';
import { leaders, SNAPSHOT_COUNT, states } from './states.ts';
import { ask, CLIENT_PORT, origin } from './status.ts';
import { connectTransactions } from './transactions.ts';

const readsOf = ({ variant }: Deployment): EtcdOptions => ({ serializable: variant === 'stale-reads' });

const imageFolder = path.join(packageRoot, 'clusters', 'etcd', 'image');

export const etcd = onHosts({
  name: 'etcd',
  summary: 'A replicated key-value store by Raft, version 3.4 of Debian; linearizable unless asked otherwise.',
  controls: ['calls', 'clocks', 'descriptors', 'disks', 'membership', 'network', 'processes', 'resources', 'upgrades'],
  lacks: () => ({
    'clocks.shift': 'etcd is a Go program, which asks the kernel for the time and not the C library',
  }),
  variants: {
    'stale-reads': 'Clients use serializable reads, which a node answers from its own copy, however old that is.',
  },
  nodeCounts: { default: 3, allowed: [3, 5] },
  hosts: [docker, netns],
  apis: {
    feed: async (node, deployment) => connectFeed(origin(node, deployment), readsOf(deployment)),
    lock: async (node, deployment) => connectLocks(origin(node, deployment)),
    kv: async (node, deployment) => connectEtcd(origin(node, deployment), readsOf(deployment)),
    txn: async (node, deployment) => connectTransactions(origin(node, deployment), readsOf(deployment)),
  },
  members: (nodeCount) => ({
    nodes: Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`),
    spares: [`n${nodeCount + 1}`],
  }),
  membership,
  plan: (id) => ({
    id,
    ports: [CLIENT_PORT, PEER_PORT],
    image: { name: 'etcd', directory: imageFolder },
    executables: [{ name: 'etcd', install: 'etcd-server' }],
  }),
  program: (node, deployment) => programOf(flags(node, deployment)),
  // Debian has one version of it: the other one holds elections, batches and compacts in another way.
  upgraded: (node, deployment) => programOf([...flags(node, deployment), ...NEXT_FLAGS]),
  ready: async (node, deployment, signal) => {
    const answer = await ask(node, deployment, 'GET', '/health', signal);
    if (answer['health'] !== 'true') throw new Error(`it says that it is not healthy: ${JSON.stringify(answer)}`);
  },
  primaries: leaders,
  states,
  facts: async (deployment, signal) => {
    const answer = await ask(deployment.nodes[0] as NodeId, deployment, 'GET', '/version', signal);
    return { 'etcd version': String(answer['etcdserver']).slice(0, 40) };
  },
});

const NEXT_FLAGS = ['--pre-vote', '--backend-batch-limit', '1000', '--auto-compaction-retention', '0'];

const programOf = (given: readonly string[]): Program => ({
  command: ['etcd', ...given],
  // Without it this version refuses to run on other processors than amd64.
  ...(process.arch === 'arm64' ? { env: { ETCD_UNSUPPORTED_ARCH: 'arm64' } } : {}),
});

function flags(node: NodeId, deployment: Deployment): readonly string[] {
  const { lab, roster, runId } = deployment;
  const joins = roster.joins(node);
  const peer = (name: NodeId) => peerUrl(name, deployment, node);
  const listen = (port: number) => `http://${lab.listen(node, port).host}:${port}`;
  return [
    ['--name', node],
    ['--data-dir', `${lab.data(node)}/etcd${joins === 0 ? '' : `-${joins}`}`],
    ['--listen-peer-urls', listen(PEER_PORT)],
    ['--initial-advertise-peer-urls', peer(node)],
    ['--listen-client-urls', listen(CLIENT_PORT)],
    ['--advertise-client-urls', `http://${lab.address(node, node, CLIENT_PORT).host}:${CLIENT_PORT}`],
    [
      '--initial-cluster',
      roster
        .whenJoined(node)
        .map((name) => `${name}=${peer(name)}`)
        .join(','),
    ],
    ['--initial-cluster-token', runId],
    ['--initial-cluster-state', joins === 0 ? 'new' : 'existing'],
    ['--heartbeat-interval', '100'],
    ['--election-timeout', '1000'],
    ['--snapshot-count', String(SNAPSHOT_COUNT)],
  ].flat();
}
