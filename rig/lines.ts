/** Reads text line by line from a file or bytes, gunzipped where needed, without ever holding all of it. */

import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { UsageError } from './exit.ts';

/** What a file may not be: longer lines, or a stream that ends in the middle of its compression. */
export class UnreadableFile extends UsageError {
  override readonly name = 'UnreadableFile';
}

/** The longest line that is read, in bytes. */
export const LONGEST_LINE = 64 << 20;

const NEWLINE = 0x0a;
const CHUNK_BYTES = 1 << 19;
/** With room for a second chunk beside the one that is in use. */
const UNPACKING = { chunkSize: CHUNK_BYTES, readableHighWaterMark: 2 * CHUNK_BYTES };

/** Reads a whole line from bytes at once; returns where the next begins, or −1 to have it visited as text. */
export type TakeLine = (bytes: Buffer, from: number) => number;

/**
 * Calls `visit` for each line, numbered from 1, without its newline, unless `take` takes it first. `isTorn`: it is the
 * last and no newline ends it. Returns a warning for each thing that was wrong with the file but did not keep it from
 * being read.
 */
export async function eachLine(
  source: string | Uint8Array,
  visit: (text: string, number: number, isTorn: boolean) => void,
  take: TakeLine = () => -1,
): Promise<string[]> {
  const warnings: string[] = [];
  let number = 0;
  let rest: Buffer[] = [];
  let restLength = 0;
  /** A file may begin with a byte order mark. */
  const show = (text: string, isTorn: boolean) =>
    visit(++number === 1 && text.startsWith('\ufeff') ? text.slice(1) : text, number, isTorn);
  /** Every whole line; returns where the line begins that does not end. */
  const takeLines = (bytes: Buffer, from: number): number => {
    const until = bytes.lastIndexOf(NEWLINE) + 1;
    let begin = from;
    while (begin < until) {
      const next = take(bytes, begin);
      if (next < 0) {
        const end = bytes.indexOf(NEWLINE, begin);
        assertLength(end - begin, number + 1);
        show(bytes.toString('utf8', begin, end), false);
        begin = end + 1;
      } else {
        number++;
        begin = next;
      }
    }
    return begin;
  };
  const joined = (last: Buffer) => {
    const bytes = Buffer.concat([...rest, last]);
    rest = [];
    restLength = 0;
    return bytes;
  };
  try {
    for await (const chunk of decompressed(source)) {
      let begin = 0;
      if (restLength > 0) {
        const end = chunk.indexOf(NEWLINE);
        if (end >= 0) {
          assertLength(restLength + end, number + 1);
          takeLines(joined(chunk.subarray(0, end + 1)), 0);
          begin = end + 1;
        }
      }
      if (restLength === 0) begin = takeLines(chunk, begin);
      if (begin === chunk.length) continue;
      restLength += chunk.length - begin;
      assertLength(restLength, number + 1);
      rest.push(Buffer.from(chunk.subarray(begin)));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'Z_BUF_ERROR') throw readable(error);
    warnings.push('the compressed file ends too early; what came before was read');
  }
  if (restLength > 0) show(joined(Buffer.alloc(0)).toString('utf8'), true);
  return warnings;
}

/** The first bytes of a file, gunzipped where needed, and whether there is more. */
export async function opening(source: string | Uint8Array, length: number): Promise<string> {
  const chunks: Buffer[] = [];
  let held = 0;
  try {
    for await (const chunk of decompressed(source)) {
      chunks.push(Buffer.from(chunk));
      held += chunk.length;
      if (held >= length) break;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'Z_BUF_ERROR') throw readable(error);
  }
  return Buffer.concat(chunks).subarray(0, length).toString('utf8');
}

/** Chunks that last until the next is asked for. */
async function* decompressed(source: string | Uint8Array): AsyncGenerator<Buffer> {
  if (typeof source !== 'string') {
    const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
    if (isGzip(bytes)) yield* gunzipped(Readable.from([bytes]));
    else yield bytes;
    return;
  }
  const start = Buffer.alloc(2);
  const file = await open(source);
  try {
    await file.read(start, 0, 2, 0);
  } finally {
    await file.close();
  }
  if (isGzip(start)) yield* gunzipped(createReadStream(source, { highWaterMark: CHUNK_BYTES }));
  else yield* chunksOf(source);
}

/**
 * One buffer, filled again and again: a chunk is gone when the next is asked for. Read where it is used, which leaves
 * it in the cache of that core; in between others have their turn.
 */
async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  const file = openSync(path, 'r');
  try {
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    for (;;) {
      const length = readSync(file, chunk, 0, CHUNK_BYTES, null);
      if (length === 0) return;
      yield chunk.subarray(0, length);
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    closeSync(file);
  }
}

const isGzip = (bytes: Buffer): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/**
 * The next chunk is unpacked while the one before is used. An error of either stream is the gunzipped one's; ending it
 * early ends both.
 */
const gunzipped = (stream: Readable): AsyncIterable<Buffer> => pipeline(stream, createGunzip(UNPACKING), () => {});

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
