/** What is done to the files of a disk for ever: bits are turned over, or the end of a file is cut off. Drawn from a seed. */

import { closeSync, fstatSync, ftruncateSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import { Random } from '../../../rig/random.ts';

export type Damage = { readonly how: 'flip' | 'truncate'; readonly seed: number };

const MOST_FLIPS = 16;
const LONGEST_CUT = 4096;

/** Strikes one file that has content, the larger the likelier; says which, and what was done to it. */
export function damage(folder: string, { how, seed }: Damage): string {
  const rng = new Random(seed);
  const files = [...filesBelow(folder)].sort();
  const total = files.reduce((sum, file) => sum + statSync(file).size, 0);
  if (total === 0) throw new Error('no file on this disk has any content');
  let at = rng.integer(0, total - 1);
  const file = files.find((one) => (at -= statSync(one).size) < 0) as string;
  const descriptor = openSync(file, 'r+');
  try {
    const { size } = fstatSync(descriptor);
    const name = path.relative(folder, file);
    if (how === 'truncate') {
      const cut = rng.integer(1, Math.min(LONGEST_CUT, size));
      ftruncateSync(descriptor, size - cut);
      return `the last ${cut} bytes of ${name} were cut off`;
    }
    const flips = rng.integer(1, Math.min(MOST_FLIPS, size));
    for (let flip = 0; flip < flips; flip++) {
      const offset = rng.integer(0, size - 1);
      const byte = Buffer.alloc(1);
      readSync(descriptor, byte, 0, 1, offset);
      byte[0] = (byte[0] as number) ^ (1 << rng.integer(0, 7));
      writeSync(descriptor, byte, 0, 1, offset);
    }
    return `${flips} bit${flips === 1 ? '' : 's'} of ${name} were turned over`;
  } finally {
    closeSync(descriptor);
  }
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const found = path.join(folder, entry.name);
    if (entry.isDirectory()) return [...filesBelow(found)];
    return entry.isFile() && statSync(found).size > 0 ? [found] : [];
  });
}
