/**
 * The files that a container needs to run the service: its compiled sources, and `pg` with all that `pg` depends on,
 * as they are installed beside Ordeal.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { packageRoot } from '../../rig/package-root.ts';

const FOLDER = 'ledger';
const SOURCES = [
  'balance-cache',
  'balance-reads',
  'cache-server',
  'postgres-store',
  'service',
  'store',
  'terms',
  'transfers',
];

/** The service as a program, in its container. */
export const SERVICE_IN_IMAGE = `/${FOLDER}/service.js`;

/** The cache as a program, in its container. */
export const CACHE_IN_IMAGE = `/${FOLDER}/cache-server.js`;

/** Place in the image's folder → file here. */
export function serviceFiles(): Readonly<Record<string, string>> {
  const files: Record<string, string> = { [`${FOLDER}/package.json`]: path.join(packageRoot, 'package.json') };
  for (const source of SOURCES) {
    files[`${FOLDER}/${source}.js`] = path.join(packageRoot, 'dist/clusters/ledger', `${source}.js`);
  }
  for (const [name, folder] of installed('pg', path.join(packageRoot, 'package.json'))) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const file = path.join(entry.parentPath, entry.name);
      const place = path.relative(folder, file).split(path.sep).join('/');
      if (!entry.isFile() || place.startsWith('node_modules/') || !/\.(js|mjs|cjs|json)$/.test(place)) continue;
      files[`${FOLDER}/node_modules/${name}/${place}`] = file;
    }
  }
  return files;
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** That package and its dependencies, each with its folder; optional and peer dependencies are left out. */
function installed(name: string, from: string, found = new Map<string, string>()): ReadonlyMap<string, string> {
  if (found.has(name)) return found;
  const manifest = manifestOf(name, from);
  found.set(name, path.dirname(manifest));
  const { dependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as Manifest;
  for (const dependency of Object.keys(dependencies)) installed(dependency, manifest, found);
  return found;
}

/** Not every package lets its package.json be resolved, so it is looked for where Node would look. */
function manifestOf(name: string, from: string): string {
  for (const folder of createRequire(from).resolve.paths(name) ?? []) {
    const manifest = path.join(folder, name, 'package.json');
    try {
      readFileSync(manifest);
      return manifest;
    } catch {
      // It is in a folder further up.
    }
  }
  throw new Error(`the npm package ${name} is not installed beside Ordeal; run npm ci`);
}
