/** Reads text line by line from a file or bytes, gunzipped where needed, without ever holding all of it. */

import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { UsageError } from './exit.ts';

/** What a file may not be: longer lines, or a stream that ends in the middle of its compression. */
export class UnreadableFile extends UsageError {
  override readonly name = 'UnreadableFile';
}

/** The longest line that is read, in bytes. */
export const LONGEST_LINE = 8 << 20;

const NEWLINE = 0x0a;

/**
 * Calls `visit` for each line, numbered from 1, without its newline. `isTorn`: it is the last and no newline ends it.
 * Returns a warning for each thing that was wrong with the file but did not keep it from being read.
 */
export async function eachLine(
  source: string | Uint8Array,
  visit: (text: string, number: number, isTorn: boolean) => void,
): Promise<string[]> {
  const warnings: string[] = [];
  let number = 0;
  let rest: Buffer[] = [];
  let restLength = 0;
  const emit = (last: Buffer, isTorn: boolean) => {
    const bytes = rest.length === 0 ? last : Buffer.concat([...rest, last]);
    rest = [];
    restLength = 0;
    visit(bytes.toString('utf8'), ++number, isTorn);
  };
  try {
    for await (const chunk of await decompressed(source)) {
      let begin = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, begin)) {
        assertLength(restLength + end - begin, number + 1);
        emit(chunk.subarray(begin, end), false);
        begin = end + 1;
      }
      if (begin === chunk.length) continue;
      restLength += chunk.length - begin;
      assertLength(restLength, number + 1);
      rest.push(chunk.subarray(begin));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'Z_BUF_ERROR') throw readable(error);
    warnings.push('the compressed file ends too early; what came before was read');
  }
  if (restLength > 0) emit(Buffer.alloc(0), true);
  return warnings;
}

/** The first bytes of a file, gunzipped where needed, and whether there is more. */
export async function opening(source: string | Uint8Array, length: number): Promise<string> {
  const chunks: Buffer[] = [];
  let held = 0;
  try {
    for await (const chunk of await decompressed(source)) {
      chunks.push(chunk);
      held += chunk.length;
      if (held >= length) break;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'Z_BUF_ERROR') throw readable(error);
  }
  return Buffer.concat(chunks).subarray(0, length).toString('utf8');
}

async function decompressed(source: string | Uint8Array): Promise<AsyncIterable<Buffer>> {
  const raw =
    typeof source === 'string' ? createReadStream(source, { highWaterMark: 1 << 18 }) : Readable.from([source]);
  const chunks = raw[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const first = await chunks.next();
  const joined = Readable.from(
    (async function* () {
      if (!first.done) yield Buffer.from(first.value);
      for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield Buffer.from(next.value);
    })(),
  );
  const isGzip = !first.done && first.value[0] === 0x1f && first.value[1] === 0x8b;
  if (!isGzip) return joined;
  const gunzip = createGunzip();
  joined.on('error', (error) => gunzip.destroy(error));
  return joined.pipe(gunzip);
}

function assertLength(length: number, number: number): void {
  if (length > LONGEST_LINE)
    throw new UnreadableFile(`line ${number} is longer than ${LONGEST_LINE >> 20} MiB, the most that is read`);
}

function readable(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (typeof code === 'string' && code.startsWith('Z_'))
    return new UnreadableFile(`the compressed file is damaged: ${message}`);
  return error;
}
