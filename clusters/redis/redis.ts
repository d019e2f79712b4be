/**
 * Redis with sentinels: a primary, its replicas, and an automatic failover. Keys are taken with `SET … NX` in the same
 * script that appends the effect, as is widely done. Replication is asynchronous, so that a failover may lose both, as
 * the documentation of Redis Sentinel says.
 */

import path from 'node:path';
import type { NodeId } from '../../rig/contract.ts';
import { packageRoot } from '../../rig/package-root.ts';
import { docker } from '../hosts/docker.ts';
import { CLIENTS } from '../hosts/host.ts';
import { type Deployment, onHosts } from '../hosts/hosted.ts';
import { netns } from '../hosts/netns.ts';
import { connectOrders } from './orders.ts';
import { dial } from './connection.ts';

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;
const PRIMARY_AT_FIRST: NodeId = 'n1';

export const redis = onHosts({
  name: 'redis',
  summary: 'Redis with replicas and sentinels; keys are taken by SET NX. A failover may forget what was acknowledged.',
  controls: ['network', 'processes'],
  variants: {},
  nodeCounts: { default: 3, allowed: [3, 5] },
  hosts: [docker, netns],
  apis: { service: (node, deployment) => connectOrders(address(node, REDIS_PORT, deployment)) },
  members: (nodeCount) => ({ nodes: Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`) }),
  plan: (id) => ({
    id,
    ports: [REDIS_PORT, SENTINEL_PORT],
    image: { name: 'redis', directory: path.join(packageRoot, 'clusters', 'redis', 'image') },
    executables: [{ name: 'redis-server', install: 'redis-server' }],
  }),
  program: (node, deployment) => ({ command: ['sh', '-c', script(node, deployment)] }),
  ready,
  primaries: async (deployment, signal) => {
    const roles = await Promise.allSettled(deployment.nodes.map((node) => roleOf(node, deployment, signal)));
    return deployment.nodes.filter((_, index) => {
      const role = roles[index];
      return role?.status === 'fulfilled' && role.value.name === 'master';
    });
  },
  facts: async (deployment, signal) => {
    await using connection = await dial(address(deployment.nodes[0] as NodeId, REDIS_PORT, deployment), signal);
    const info = String(await connection.redis.info('server'));
    return { 'redis version': /redis_version:(\S{1,40})/.exec(info)?.[1] ?? 'unknown' };
  },
});

/** Both write to their own file what they learn, so that a node that starts again knows what it was. */
function script(node: NodeId, { lab, nodes }: Deployment): string {
  const { host } = lab.listen(node, REDIS_PORT);
  const first = lab.address(node, PRIMARY_AT_FIRST, REDIS_PORT).host;
  const quorum = Math.floor(nodes.length / 2) + 1;
  const server = [
    `bind ${host}`,
    `port ${REDIS_PORT}`,
    'protected-mode no',
    'appendonly yes',
    'appendfsync always',
    'repl-diskless-sync-delay 0',
    'repl-ping-replica-period 1',
    'repl-timeout 5',
    ...(node === PRIMARY_AT_FIRST ? [] : [`replicaof ${first} ${REDIS_PORT}`]),
  ];
  const sentinel = [
    `bind ${host}`,
    `port ${SENTINEL_PORT}`,
    'protected-mode no',
    `sentinel monitor ordeal ${first} ${REDIS_PORT} ${quorum}`,
    'sentinel down-after-milliseconds ordeal 1000',
    'sentinel failover-timeout ordeal 3000',
    'sentinel parallel-syncs ordeal 1',
  ];
  const file = (name: string, lines: readonly string[]) =>
    `[ -f ${name} ] || printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} >${name}`;
  return [
    `mkdir -p '${lab.data(node)}/redis' && cd '${lab.data(node)}/redis'`,
    file('server.conf', server),
    file('sentinel.conf', sentinel),
    'redis-server ./server.conf & exec redis-server ./sentinel.conf --sentinel',
  ].join('\n');
}

const address = (node: NodeId, port: number, { lab }: Deployment) => lab.address(CLIENTS, node, port);

/** Resolves when the node is the primary that its sentinel knows, or a replica that follows it. */
async function ready(node: NodeId, deployment: Deployment, signal: AbortSignal): Promise<void> {
  const role = await roleOf(node, deployment, signal);
  await using sentinel = await dial(address(node, SENTINEL_PORT, deployment), signal);
  const [host] = (await sentinel.redis.call('SENTINEL', 'get-master-addr-by-name', 'ordeal')) as readonly string[];
  await sentinel.redis.call('SENTINEL', 'ckquorum', 'ordeal');
  // It asks the primary for its replicas every ten seconds, and without knowing them it makes nobody take over.
  const replicas = (await sentinel.redis.call('SENTINEL', 'replicas', 'ordeal')) as readonly unknown[];
  if (replicas.length < deployment.nodes.length - 1)
    throw new Error(`its sentinel knows ${replicas.length} of ${deployment.nodes.length - 1} replicas`);
  const own = deployment.lab.address(node, node, REDIS_PORT).host;
  if (role.name === 'master' && host !== own) throw new Error(`it still believes to be the primary, which is ${host}`);
  for (const other of role.name === 'master' ? deployment.nodes : []) {
    // Its own sentinel may not have heard yet of the failover that the others made.
    const isToo = other !== node && (await roleOf(other, deployment, signal)).name === 'master';
    if (isToo) throw new Error(`it believes to be the primary, and so does ${other}`);
  }
  if (role.name !== 'master' && role.link !== 'connected')
    throw new Error(`its link to the primary is in the state ${role.link}`);
}

async function roleOf(
  node: NodeId,
  deployment: Deployment,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly link: string }> {
  await using connection = await dial(address(node, REDIS_PORT, deployment), signal);
  const [name, , , link] = (await connection.redis.call('ROLE')) as readonly unknown[];
  return { name: String(name), link: String(link) };
}
