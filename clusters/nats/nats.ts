/**
 * NATS JetStream: a replicated log that drops a message whose `Nats-Msg-Id` it has seen within its duplicate window.
 * Within the window a retry is safe; beyond it the same message is stored again, as its documentation says.
 */

import path from 'node:path';
import type { NodeId } from '../../rig/contract.ts';
import { packageRoot } from '../../rig/package-root.ts';
import { docker } from '../hosts/docker.ts';
import { CLIENTS } from '../hosts/host.ts';
import { type Deployment, onHosts } from '../hosts/hosted.ts';
import { netns } from '../hosts/netns.ts';
import { connectOrders, ensureStream } from './orders.ts';
import { undici } from '../../rig/packages.ts';

const CLIENT_PORT = 4222;
const PEER_PORT = 6222;
const MONITOR_PORT = 8222;
const ANSWER_BYTES = 1 << 20;
/** The documented default. */
const WINDOW_MS = 120_000;
const SHORT_WINDOW_MS = 1_000;

const windowMs = ({ variant }: Deployment): number => (variant === 'short-window' ? SHORT_WINDOW_MS : WINDOW_MS);

export const nats = onHosts({
  name: 'nats',
  summary: 'NATS JetStream: a log of three copies that drops messages whose id it has seen in the last two minutes.',
  controls: ['network', 'processes'],
  variants: {
    'short-window': 'Ids are remembered for one second, so that a later retry is stored again, as is documented.',
  },
  nodeCounts: { default: 3, allowed: [3, 5] },
  hosts: [docker, netns],
  apis: {
    service: (node, deployment) => connectOrders(address(node, CLIENT_PORT, deployment)),
  },
  members: (nodeCount) => ({ nodes: Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`) }),
  plan: (id) => ({
    id,
    ports: [CLIENT_PORT, PEER_PORT, MONITOR_PORT],
    image: { name: 'nats', directory: path.join(packageRoot, 'clusters', 'nats', 'image') },
    executables: [{ name: 'nats-server', install: 'nats-server' }],
  }),
  program: (node, deployment) => ({ command: ['nats-server', ...flags(node, deployment)] }),
  ready: async (node, deployment, signal) => {
    const health = await ask(node, deployment, '/healthz', signal);
    if (health['status'] !== 'ok') throw new Error(`it says of its health: ${JSON.stringify(health).slice(0, 200)}`);
    await ensureStream(address(node, CLIENT_PORT, deployment), windowMs(deployment), deployment.nodes.length, signal);
  },
  primaries: async (deployment, signal) => {
    const answers = await Promise.allSettled(
      deployment.nodes.map((node) => ask(node, deployment, '/jsz?streams=true', signal)),
    );
    const leaders = answers.flatMap((answer) => (answer.status === 'fulfilled' ? leadersIn(answer.value) : []));
    return deployment.nodes.filter((node) => leaders.includes(node));
  },
  facts: async (deployment, signal) => {
    const answer = await ask(deployment.nodes[0] as NodeId, deployment, '/varz', signal);
    return { 'nats version': String(answer['version']).slice(0, 40) };
  },
});

function flags(node: NodeId, { lab, nodes }: Deployment): readonly string[] {
  const { host } = lab.listen(node, CLIENT_PORT);
  const routes = nodes
    .filter((other) => other !== node)
    .map((other) => `nats://${lab.address(node, other, PEER_PORT).host}:${PEER_PORT}`);
  return [
    ['--name', node],
    ['--addr', host],
    ['--port', `${CLIENT_PORT}`],
    ['--http_port', `${MONITOR_PORT}`],
    ['--jetstream'],
    ['--store_dir', `${lab.data(node)}/nats`],
    ['--cluster_name', 'ordeal'],
    ['--cluster', `nats://${host}:${PEER_PORT}`],
    ['--routes', routes.join(',')],
  ].flat();
}

const address = (node: NodeId, port: number, { lab }: Deployment) => lab.address(CLIENTS, node, port);

/** Who leads the stream, by what one server says. */
function leadersIn(answer: Readonly<Record<string, unknown>>): readonly string[] {
  const accounts = (answer['account_details'] ?? []) as readonly {
    readonly stream_detail?: readonly { readonly cluster?: { readonly leader?: string } }[];
  }[];
  return accounts.flatMap(({ stream_detail = [] }) => stream_detail.map(({ cluster }) => cluster?.leader ?? ''));
}

async function ask(
  node: NodeId,
  deployment: Deployment,
  asked: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const { host, port } = address(node, MONITOR_PORT, deployment);
  const { body } = await undici().request(`http://${host}:${port}${asked}`, { signal, reset: true });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES) throw new Error(`it answers with more than ${ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Readonly<Record<string, unknown>>;
}
