/**
 * A real PostgreSQL or MariaDB for a test, on a port of 127.0.0.1 and in a folder of its own, both gone with it. Neither
 * server runs as root, so there it gets the user of its package, or nobody.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './published-ports.ts';

const POSTGRES = '/usr/lib/postgresql/15/bin';

export interface OwnDatabase extends AsyncDisposable {
  /** It may not listen yet. */
  readonly url: string;
  readonly server: ChildProcess;
}

export async function ownPostgres(): Promise<OwnDatabase> {
  const { data, as, folder } = place('postgres');
  mustEnd(as(`${POSTGRES}/initdb`, '-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync'));
  const [port] = await freePorts(1);
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'shared_buffers=16MB'];
  const server = as(`${POSTGRES}/postgres`, '-D', data, ...settings.flatMap((one) => ['-c', one]));
  return running(server, `postgres://postgres@127.0.0.1:${port}/postgres`, 'SIGINT', folder);
}

export async function ownMariadb(): Promise<OwnDatabase> {
  const { data, as, folder } = place('nobody');
  const words = ['--no-defaults', `--datadir=${data}`, '--innodb-buffer-pool-size=16M', '--innodb-log-file-size=8M'];
  mustEnd(as('mariadb-install-db', ...words, '--auth-root-authentication-method=normal', '--skip-test-db'));
  const [port] = await freePorts(1);
  const reach = [`--port=${port}`, '--bind-address=127.0.0.1', `--socket=${join(folder, 'socket')}`];
  const server = as('/usr/sbin/mariadbd', ...words, ...reach, '--skip-name-resolve');
  return running(server, `mysql://root@127.0.0.1:${port}/mysql`, 'SIGTERM', folder);
}

type Command = readonly [program: string, ...args: string[]];

/** `as` makes a command one of that user. */
function place(user: string): { folder: string; data: string; as: (...command: Command) => Command } {
  const folder = mkdtempSync(join(tmpdir(), 'ordeal-database-'));
  const isRoot = process.getuid?.() === 0;
  const id = (flag: string) => spawnSync('id', [flag, user]).stdout.toString().trim();
  if (isRoot) chownSync(folder, Number(id('-u')), Number(id('-g')));
  const setpriv = ['--reuid', user, '--regid', isRoot ? id('-g') : '', '--clear-groups'];
  return {
    folder,
    data: join(folder, 'data'),
    as: (...command) => (isRoot ? ['setpriv', ...setpriv, ...command] : command),
  };
}

function mustEnd([program, ...args]: Command): void {
  const { status, stderr } = spawnSync(program, args, { cwd: '/' });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr?.toString()}`);
}

function running([program, ...args]: Command, url: string, end: NodeJS.Signals, folder: string): OwnDatabase {
  const server = spawn(program, args, { stdio: 'ignore', cwd: '/' });
  return {
    url,
    server,
    async [Symbol.asyncDispose]() {
      const ended = once(server, 'exit');
      server.kill('SIGCONT');
      if (server.kill(end)) await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
