/** MariaDB, one server with InnoDB: transactions at SERIALIZABLE, or at a weaker level as a variant. */

import path from 'node:path';
import type { NodeId } from '../../rig/contract.ts';
import { packageRoot } from '../../rig/package-root.ts';
import { docker } from '../hosts/docker.ts';
import { CLIENTS } from '../hosts/host.ts';
import { type Deployment, onHosts } from '../hosts/hosted.ts';
import { netns } from '../hosts/netns.ts';
import { connectSql, levelOf } from '../sql-transactions.ts';
import { mariadbDialect, prepare } from './dialect.ts';

const PORT = 3306;
/** A network cut leaves transactions open for so long at most, and others waiting for their locks. */
const OPEN_SECONDS = 2;

export const mariadb = onHosts({
  name: 'mariadb',
  summary: 'MariaDB with InnoDB, one server; its transactions are serializable unless asked otherwise.',
  controls: ['network', 'processes'],
  variants: {
    'repeatable-read': 'Transactions run at REPEATABLE READ, the default of MariaDB: updates can be lost.',
    'read-committed': 'Transactions run at READ COMMITTED: updates can be lost, and two reads can differ.',
  },
  nodeCounts: { default: 1, allowed: [1] },
  quorum: false,
  hosts: [docker, netns],
  apis: {
    txn: async (node, deployment) => connectSql(mariadbDialect(address(node, deployment)), levelOf(deployment.variant)),
  },
  members: () => ({ nodes: ['n1'] }),
  parties: ({ nodes }) => [...nodes, CLIENTS],
  plan: (id) => ({
    id,
    ports: [PORT],
    image: { name: 'mariadb', directory: path.join(packageRoot, 'clusters', 'mariadb', 'image') },
    executables: [
      { name: 'mariadbd', install: 'mariadb-server-core' },
      { name: 'mariadb-install-db', install: 'mariadb-server-core' },
    ],
  }),
  program: (node, deployment) => ({ command: ['sh', '-c', script(node, deployment)] }),
  ready: (node, deployment) => prepare(address(node, deployment)),
  primaries: async ({ nodes }) => nodes,
  facts: async ({ lab, nodes }) => {
    const version = await lab.execute(nodes[0] as NodeId, ['mariadbd', '--version']);
    return { 'mariadb version': version.trim().slice(0, 80) };
  },
});

const address = (node: NodeId, { lab }: Deployment) => lab.address(CLIENTS, node, PORT);

function script(node: NodeId, { lab }: Deployment): string {
  const settings = [
    '--no-defaults',
    '--user=root',
    `--datadir="$data"`,
    '--innodb-buffer-pool-size=32M',
    '--innodb-log-file-size=16M',
  ].join(' ');
  const serving = [
    `--bind-address=${lab.listen(node, PORT).host}`,
    `--port=${PORT}`,
    // In its data folder; a path may have 107 characters.
    '--socket=socket',
    '--pid-file="$data/pid"',
    '--skip-name-resolve',
    '--skip-networking=0',
    '--skip-grant-tables',
    `--innodb-lock-wait-timeout=${OPEN_SECONDS}`,
    `--idle-transaction-timeout=${OPEN_SECONDS}`,
  ].join(' ');
  return [
    'set -eu',
    `data='${lab.data(node)}/mariadb'`,
    'if [ ! -f "$data/ready" ]; then',
    '  rm -rf "$data"; mkdir -p "$data"',
    `  mariadb-install-db ${settings} --auth-root-authentication-method=normal --skip-test-db`,
    '  sync; touch "$data/ready"',
    'fi',
    `exec mariadbd ${settings} ${serving}`,
  ].join('\n');
}
