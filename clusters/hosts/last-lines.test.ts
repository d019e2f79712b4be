/** Logs come from a system under test: their ends are kept and printed with care. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyTail, keptLogBytes, lastLines } from './last-lines.ts';

describe('the end of a log', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'ordeal-log-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('is its last four lines, for each node that wrote one', async () => {
    await writeFile(path.join(directory, 'n1.log'), 'one\ntwo\nthree\n\nfour\nfive\n');
    expect(await lastLines(directory, ['n1', 'n2'])).toBe(
      '\n  the log of n1 ends:\n    two\n    three\n    four\n    five',
    );
  });

  it('cannot drive the terminal', async () => {
    await writeFile(path.join(directory, 'n3.log'), 'red \u001b[31m bell \u0007 back\rhidden \u202e');
    expect(await lastLines(directory, ['n3'])).not.toMatch(/[^\P{C}\n]/u);
  });

  it('is kept up to its newest 8 MiB', async () => {
    const file = path.join(directory, 'n4.log');
    await writeFile(file, Buffer.concat([Buffer.alloc(1000, 'a'), Buffer.alloc(keptLogBytes, 'b')]));
    await copyTail(file, path.join(directory, 'copy'));
    const kept = await readFile(path.join(directory, 'copy'));
    expect([kept.length, kept[0]]).toEqual([keptLogBytes, 'b'.charCodeAt(0)]);
  });
});
