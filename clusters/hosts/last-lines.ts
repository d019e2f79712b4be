/** The last lines of nodes' logs, safe to print: they come from a system under test. */

import { open } from 'node:fs/promises';
import path from 'node:path';

const tailBytes = 2048;
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

async function tail(file: string): Promise<string> {
  await using log = await open(file).catch(() => undefined);
  if (!log) return '';
  const { size } = await log.stat();
  const start = Math.max(0, size - tailBytes);
  const { buffer, bytesRead } = await log.read(Buffer.alloc(tailBytes), 0, tailBytes, start);
  const text = buffer.toString('utf8', 0, bytesRead);
  // Nothing but printable text and line ends: a log must not be able to drive the terminal.
  return text.replace(/[^\P{C}\n]/gu, ' ');
}
