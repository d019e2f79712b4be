/** etcd: a replicated key-value store by Raft, as Debian packages it. Judged by `register`; its own reads of old copies are a variant. */

import path from 'node:path';
import { request } from 'undici';
import type { NodeId } from '../../rig/contract.ts';
import { packageRoot } from '../../rig/package-root.ts';
import { docker } from '../hosts/docker.ts';
import { CLIENTS } from '../hosts/host.ts';
import { type Deployment, onHosts } from '../hosts/hosted.ts';
import { netns } from '../hosts/netns.ts';
import { connectEtcd } from './client.ts';
import { connectFeed } from './feed.ts';
import { connectLocks } from './locks.ts';
import { connectTransactions } from './transactions.ts';

const clientPort = 2379;
const peerPort = 2380;
const imageFolder = path.join(packageRoot, 'clusters', 'etcd', 'image');
const answerBytes = 64 * 1024;

export const etcd = onHosts({
  name: 'etcd',
  summary: 'A replicated key-value store by Raft, version 3.4 of Debian; linearizable unless asked otherwise.',
  controls: ['network', 'processes'],
  variants: {
    'stale-reads': 'Clients use serializable reads, which a node answers from its own copy, however old that is.',
  },
  nodeCounts: { default: 3, allowed: [3, 5] },
  hosts: [docker, netns],
  apis: {
    feed: async (node, deployment) => connectFeed(origin(node, deployment)),
    lock: async (node, deployment) => connectLocks(origin(node, deployment)),
    kv: async (node, deployment) =>
      connectEtcd(origin(node, deployment), { serializable: deployment.variant === 'stale-reads' }),
    txn: async (node, deployment) =>
      connectTransactions(origin(node, deployment), { serializable: deployment.variant === 'stale-reads' }),
  },
  members: (nodeCount) => ({ nodes: Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`) }),
  plan: (id) => ({
    id,
    ports: [clientPort, peerPort],
    image: { name: 'etcd', directory: imageFolder },
    executables: [{ name: 'etcd', install: 'etcd-server' }],
  }),
  program: (node, deployment) => ({
    command: ['etcd', ...flags(node, deployment)],
    // Without it this version refuses to run on other processors than amd64.
    ...(process.arch === 'arm64' ? { env: { ETCD_UNSUPPORTED_ARCH: 'arm64' } } : {}),
  }),
  ready: async (node, deployment, signal) => {
    const answer = await ask(node, deployment, 'GET', '/health', signal);
    if (answer['health'] !== 'true') throw new Error(`it says that it is not healthy: ${JSON.stringify(answer)}`);
  },
  primaries: async (deployment, signal) => {
    const leads = await Promise.allSettled(deployment.nodes.map((node) => believesItLeads(node, deployment, signal)));
    return deployment.nodes.filter((_, index) => {
      const lead = leads[index];
      return lead?.status === 'fulfilled' && lead.value;
    });
  },
  facts: async (deployment, signal) => {
    const answer = await ask(deployment.nodes[0] as NodeId, deployment, 'GET', '/version', signal);
    return { 'etcd version': String(answer['etcdserver']).slice(0, 40) };
  },
});

function flags(node: NodeId, { lab, nodes, runId }: Deployment): readonly string[] {
  const peer = (name: NodeId) => `http://${lab.address(node, name, peerPort).host}:${peerPort}`;
  const listen = (port: number) => `http://${lab.listen(node, port).host}:${port}`;
  return [
    ['--name', node],
    ['--data-dir', `${lab.data(node)}/etcd`],
    ['--listen-peer-urls', listen(peerPort)],
    ['--initial-advertise-peer-urls', peer(node)],
    ['--listen-client-urls', listen(clientPort)],
    ['--advertise-client-urls', `http://${lab.address(node, node, clientPort).host}:${clientPort}`],
    ['--initial-cluster', nodes.map((name) => `${name}=${peer(name)}`).join(',')],
    ['--initial-cluster-token', runId],
    ['--initial-cluster-state', 'new'],
    ['--heartbeat-interval', '100'],
    ['--election-timeout', '1000'],
  ].flat();
}

function origin(node: NodeId, { lab }: Deployment): string {
  const { host, port } = lab.address(CLIENTS, node, clientPort);
  return `http://${host}:${port}`;
}

async function believesItLeads(node: NodeId, deployment: Deployment, signal: AbortSignal): Promise<boolean> {
  const status = await ask(node, deployment, 'POST', '/v3/maintenance/status', signal);
  const self = (status['header'] as { readonly member_id?: string } | undefined)?.member_id;
  return self !== undefined && self === status['leader'];
}

/** One question on a connection of its own; rejects unless the answer is a JSON object. */
async function ask(
  node: NodeId,
  deployment: Deployment,
  method: 'GET' | 'POST',
  asked: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const { statusCode, body } = await request(`${origin(node, deployment)}${asked}`, {
    method,
    signal,
    reset: true,
    ...(method === 'POST' ? { body: '{}' } : {}),
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > answerBytes) throw new Error(`it answers with more than ${answerBytes} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (statusCode !== 200) throw new Error(`it answers ${statusCode}: ${text.slice(0, 200)}`);
  const answer: unknown = JSON.parse(text);
  if (typeof answer !== 'object' || answer === null) throw new Error('its answer is not an object');
  return answer as Readonly<Record<string, unknown>>;
}
