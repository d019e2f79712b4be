/** The folder of a Dockerfile that a service's definition means: its own, or one that only names an image. */

import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ServiceImage } from '../../rig/service-definition.ts';

export function imageFolder({ build, name = '' }: ServiceImage, folder: string): string {
  if (build !== undefined) return path.resolve(folder, build);
  if (!/^[\w./:@-]+$/.test(name)) throw new RangeError(`start.image.name is "${name}", which is no name of an image`);
  const made = path.join(os.tmpdir(), `ordeal-image-${name.replaceAll(/[^\w.-]/g, '_')}`);
  mkdirSync(made, { recursive: true });
  writeFileSync(path.join(made, 'Dockerfile'), `FROM ${name}\n`);
  return made;
}
