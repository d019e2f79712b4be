/** Whether programs are installed on this machine, with the way out where they are not. */

import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';

/** Where programs are looked for: a user's own path, and where those of the system administrator are. */
export const searchPath = (): string =>
  [process.env['PATH'] ?? '', '/usr/local/sbin', '/usr/sbin', '/sbin'].filter(Boolean).join(path.delimiter);

/** A sentence for each executable that is not on the PATH: `etcd is not installed: apt-get install etcd-server`. */
export async function missingExecutables(
  wanted: readonly { readonly name: string; readonly install: string }[],
): Promise<readonly string[]> {
  const unique = [...new Map(wanted.map((executable) => [executable.name, executable])).values()];
  const found = await Promise.all(unique.map(({ name }) => isInstalled(name)));
  return unique
    .filter((_, index) => !found[index])
    .map(({ name, install }) => `${name} is not installed: apt-get install ${install}`);
}

async function isInstalled(name: string): Promise<boolean> {
  const folders = searchPath().split(path.delimiter);
  const tries = await Promise.allSettled(folders.map((folder) => access(path.join(folder, name), constants.X_OK)));
  return tries.some((result) => result.status === 'fulfilled');
}
