/** Reads a file that a person wrote: YAML, of which JSON is a part, or JSON. Bounded, and never executed. */

import { readFileSync, statSync } from 'node:fs';
import { UsageError } from './exit.ts';
import { sentenceOf } from './outcome.ts';
import { yaml } from './packages.ts';

const LARGEST_BYTES = 8 << 20;

/** What a file holds; YAML is a superset of JSON. */
export function readValue(path: string): unknown {
  try {
    if (statSync(path).size > LARGEST_BYTES) throw new Error('it is larger than 8 MiB');
    const text = readFileSync(path, 'utf8');
    return path.endsWith('.json') ? JSON.parse(text) : yaml().parse(text, { maxAliasCount: 20 });
  } catch (error) {
    throw new UsageError(`${path} cannot be read as a configuration: ${sentenceOf(error)}`);
  }
}
