/** What a reader of a report must know of the machine and of Ordeal itself: versions, never names or paths. */

import { readFileSync } from 'node:fs';
import { arch, availableParallelism, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from './package-root.ts';

export const version: string = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version;

export function describeEnvironment(): Readonly<Record<string, string>> {
  return {
    ordeal: version,
    node: process.version,
    system: `${platform()} ${arch()} ${release()}`,
    machine: `${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB of memory`,
  };
}
