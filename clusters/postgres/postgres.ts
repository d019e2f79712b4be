/**
 * PostgreSQL, one server: transactions at SERIALIZABLE, or at a weaker level as a variant. What is acknowledged is on
 * disk, and what a lost client has left open is rolled back after a while.
 */

import path from 'node:path';
import type { NodeId } from '../../rig/contract.ts';
import { packageRoot } from '../../rig/package-root.ts';
import { docker } from '../hosts/docker.ts';
import { CLIENTS } from '../hosts/host.ts';
import { type Deployment, onHosts } from '../hosts/hosted.ts';
import { netns } from '../hosts/netns.ts';
import { connectSql, levelOf } from '../sql-transactions.ts';
import { postgresDialect, prepare } from './dialect.ts';

const PORT = 5432;
const BIN = '/usr/lib/postgresql/15/bin';
/** A network cut leaves transactions open for so long at most, and others waiting for their locks. */
const OPEN_MS = 2_000;

export const postgres = onHosts({
  name: 'postgres',
  summary: 'PostgreSQL 15, one server; its transactions are serializable unless asked otherwise.',
  controls: ['network', 'processes'],
  variants: {
    'repeatable-read': 'Transactions run at REPEATABLE READ, which is snapshot isolation: write skew is possible.',
    'read-committed': 'Transactions run at READ COMMITTED, the default of PostgreSQL: updates can be lost.',
  },
  nodeCounts: { default: 1, allowed: [1] },
  quorum: false,
  hosts: [docker, netns],
  apis: {
    txn: async (node, deployment) =>
      connectSql(postgresDialect(address(node, deployment)), levelOf(deployment.variant)),
  },
  members: () => ({ nodes: ['n1'] }),
  parties: ({ nodes }) => [...nodes, CLIENTS],
  plan: (id) => ({
    id,
    ports: [PORT],
    image: { name: 'postgres', directory: path.join(packageRoot, 'clusters', 'postgres', 'image') },
    executables: [{ name: 'pg_ctlcluster', install: 'postgresql-15' }],
  }),
  program: (node, deployment) => ({ command: ['sh', '-c', script(node, deployment)] }),
  ready: (node, deployment) => prepare(address(node, deployment)),
  primaries: async ({ nodes }) => nodes,
  facts: async ({ lab, nodes }) => {
    const version = await lab.execute(nodes[0] as NodeId, [`${BIN}/postgres`, '--version']);
    return { 'postgres version': version.trim().slice(0, 60) };
  },
});

const address = (node: NodeId, { lab }: Deployment) => lab.address(CLIENTS, node, PORT);

/** It refuses to be root; in a namespace of this machine it must be able to pass through the folders of root. */
function script(node: NodeId, { lab, host }: Deployment): string {
  const passes = host === 'netns' ? '--inh-caps +dac_read_search --ambient-caps +dac_read_search' : '';
  const settings = {
    listen_addresses: lab.listen(node, PORT).host,
    port: PORT,
    unix_socket_directories: '',
    shared_buffers: '32MB',
    lock_timeout: OPEN_MS,
    idle_in_transaction_session_timeout: OPEN_MS,
    tcp_user_timeout: OPEN_MS,
  };
  const flags = Object.entries(settings)
    .map(([name, value]) => `-c ${name}='${value}'`)
    .join(' ');
  return [
    'set -eu',
    `data='${lab.data(node)}/postgresql'`,
    `as_postgres='setpriv --reuid postgres --regid postgres --clear-groups ${passes}'`,
    'if [ ! -f "$data/ready" ]; then',
    '  rm -rf "$data"; install -d -o postgres -g postgres -m 700 "$data"',
    `  $as_postgres ${BIN}/initdb --pgdata "$data" --username postgres --auth trust --encoding UTF8 --locale C`,
    '  echo "host all all 0.0.0.0/0 trust" >>"$data/pg_hba.conf"; sync; touch "$data/ready"',
    'fi',
    '# All of a node dies at once, so a process number of before says nothing.',
    'rm -f "$data/postmaster.pid"',
    `exec $as_postgres ${BIN}/postgres -D "$data" ${flags}`,
  ].join('\n');
}
