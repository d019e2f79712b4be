/** The yardstick of the benches: what `JSON.parse` of a file takes, line by line. */

import { closeSync, openSync, readSync } from 'node:fs';

const CHUNK_BYTES = 1 << 20;

/** Milliseconds that reading the file, which is ASCII, and parsing each of its lines takes. */
export function parsingMs(path: string): number {
  const begunMs = performance.now();
  const file = openSync(path, 'r');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let rest = '';
  let parsed = 0;
  for (let length = readSync(file, chunk); length > 0; length = readSync(file, chunk)) {
    const lines = (rest + chunk.toString('utf8', 0, length)).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) if (JSON.parse(line) !== null) parsed++;
  }
  closeSync(file);
  const takenMs = performance.now() - begunMs;
  if (parsed === 0) throw new Error(`there is nothing in ${path}`);
  return takenMs;
}
