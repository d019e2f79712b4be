/**
 * What tests need of the machine: root, a Docker engine, Chromium. A test whose need is not met is skipped with the
 * reason in its name; in CI it fails instead, because there everything must be had.
 */

import { existsSync } from 'node:fs';
import Docker from 'dockerode';
import { describe, it } from 'vitest';

export type Need =
  | 'docker'
  | 'root'
  | 'chromium'
  | 'etcd'
  | 'fuse'
  | 'mariadb'
  | 'nats'
  | 'postgres'
  | 'redis'
  | 'tools';

/** Why a need is not met here; `null` where it is. */
const missing: Readonly<Record<Need, string | null>> = {
  docker: await new Docker({ timeout: 3_000 }).ping().then(
    () => null,
    (error: Error) => `no Docker engine answers (${error.message}); .ci/engine brings one`,
  ),
  root:
    process.platform === 'linux' && process.getuid?.() === 0
      ? null
      : 'network namespaces need Linux and root; run the tests as root',
  chromium: existsSync('/usr/bin/chromium') ? null : 'no /usr/bin/chromium; apt-get install chromium',
  fuse: existsSync('/dev/fuse') ? null : 'no /dev/fuse; the kernel has no FUSE, or this container may not use it',
  postgres: existsSync('/usr/lib/postgresql/15/bin/postgres')
    ? null
    : 'no /usr/lib/postgresql/15/bin/postgres; apt-get install postgresql-15',
  mariadb: existsSync('/usr/sbin/mariadbd')
    ? null
    : 'no /usr/sbin/mariadbd; apt-get install mariadb-server-core mariadb-client-core',
  tools: ['/usr/bin/strace', '/usr/bin/prlimit', '/usr/bin/busybox'].every((file) => existsSync(file))
    ? null
    : 'strace, prlimit or a static busybox is missing; apt-get install strace util-linux busybox-static libfaketime',
  nats: existsSync('/usr/sbin/nats-server') ? null : 'no /usr/sbin/nats-server; apt-get install nats-server',
  redis: existsSync('/usr/bin/redis-server') ? null : 'no /usr/bin/redis-server; apt-get install redis-server',
  etcd: existsSync('/usr/bin/etcd') ? null : 'no /usr/bin/etcd; apt-get install etcd-server',
};

/** A `describe` that runs only where every need is met. */
export function describeWith(needs: readonly Need[], title: string, body: () => void): void {
  const reasons = needs.map((need) => missing[need]).filter((reason): reason is string => reason !== null);
  if (reasons.length === 0) describe(title, body);
  else if (process.env['CI'] !== undefined)
    it(`${title}: cannot be skipped in CI`, () => {
      throw new Error(reasons.join('; '));
    });
  else describe.skip(`${title} (SKIPPED: ${reasons.join('; ')})`, body);
}
