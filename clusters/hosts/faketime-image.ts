/** Lays the libfaketime of this machine into an image of the same Debian, so that tests need no registry for it. */

import { copyFile, readdir } from 'node:fs/promises';
import path from 'node:path';

/** The line of the Dockerfile in that folder that puts it where nodes find it. Rejects where it is not installed. */
export async function faketimeFor(folder: string): Promise<string> {
  for (const architecture of await readdir('/usr/lib')) {
    const file = `/usr/lib/${architecture}/faketime/libfaketimeMT.so.1`;
    try {
      await copyFile(file, path.join(folder, path.basename(file)));
    } catch {
      continue;
    }
    return `COPY ${path.basename(file)} ${file}`;
  }
  throw new Error('libfaketime is not installed: apt-get install libfaketime');
}
