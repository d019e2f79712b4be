/** The ends of nodes' logs: to keep, and to print. They come from a system under test, which may write without end. */

import { open, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** How much of a log is kept. */
export const keptLogBytes = 8 << 20;

const printedBytes = 2048;
const tailLines = 4;

/** For each node that wrote a log below `directory`, its last lines, indented, on lines of their own. */
export async function lastLines(directory: string, nodes: readonly string[]): Promise<string> {
  const tails = await Promise.all(
    nodes.map(async (node) => {
      const lines = (await tail(path.join(directory, `${node}.log`))).split('\n').filter((line) => line.trim() !== '');
      if (lines.length === 0) return '';
      return [`\n  the log of ${node} ends:`, ...lines.slice(-tailLines)].join('\n    ');
    }),
  );
  return tails.join('');
}

/** Writes the newest 8 MiB of one file to another; an empty one if there is no such file. */
export async function copyTail(from: string, to: string): Promise<void> {
  await writeFile(to, await lastBytes(from, keptLogBytes));
}

async function tail(file: string): Promise<string> {
  const text = (await lastBytes(file, printedBytes)).toString('utf8');
  // Nothing but printable text and line ends: a log must not be able to drive the terminal.
  return text.replace(/[^\P{C}\n]/gu, ' ');
}

async function lastBytes(file: string, maxBytes: number): Promise<Buffer> {
  await using log = await open(file).catch(() => undefined);
  if (!log) return Buffer.alloc(0);
  const { size } = await log.stat();
  const length = Math.min(size, maxBytes);
  const { buffer, bytesRead } = await log.read(Buffer.alloc(length), 0, length, size - length);
  return buffer.subarray(0, bytesRead);
}
