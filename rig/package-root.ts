/** The folder of Ordeal's own package.json: the same from source and from `dist/`. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function nearestPackage(directory: string): string {
  if (existsSync(join(directory, 'package.json'))) return directory;
  const parent = dirname(directory);
  if (parent === directory) throw new Error('Ordeal cannot find its own package.json');
  return nearestPackage(parent);
}

/** Absolute. */
export const packageRoot: string = nearestPackage(dirname(fileURLToPath(import.meta.url)));
