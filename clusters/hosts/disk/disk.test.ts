/** A disk of our own, mounted by the real kernel: a file system as any other, until it is told to fail. */

import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../../../rig/needs.ts';
import { Disk, healDisks, mountsOf, removeDisks } from './disk.ts';

const runId = '0d15c0de';
let folder = '';
let disk: Disk;
const file = (name: string) => path.join(folder, 'mounted', name);
const backing = (name: string) => path.join(folder, 'behind', name);

/** A child does it, since the disk's own process must not wait for this one; it says what came of it. */
function calls(script: string): string {
  return execFileSync(process.execPath, ['-e', `const fs = require('node:fs'); ${script}`], {
    cwd: file(''),
    encoding: 'utf8',
  });
}
const outcome = (script: string): string =>
  calls(`try { ${script}; console.log('ok') } catch (error) { console.log(error.code) }`).trim();

describeWith(['root', 'fuse'], 'a disk', () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'ordeal-disk-'));
    disk = await Disk.open(runId, 'n1', path.join(folder, 'behind'), path.join(folder, 'mounted'));
  });

  afterAll(async () => {
    await removeDisks(runId);
    expect(await mountsOf(runId)).toEqual([]);
    await rm(folder, { recursive: true });
  });

  it('is a file system: names, links, folders, sizes, times and contents', () => {
    calls(`
      fs.mkdirSync('a/b', { recursive: true });
      fs.writeFileSync('a/b/one', 'x'.repeat(3_000_000));
      fs.appendFileSync('a/b/one', 'end');
      fs.renameSync('a/b', 'c');
      fs.linkSync('c/one', 'two');
      fs.symlinkSync('c/one', 'three');
      fs.truncateSync('two', 2_999_999);
      fs.chmodSync('two', 0o640);
      fs.chownSync('two', 1234, 1234);
      fs.utimesSync('two', 1000, 2000);
      const open = fs.openSync('gone', 'w+');
      fs.writeSync(open, 'still here');
      fs.unlinkSync('gone');
      const bytes = Buffer.alloc(10);
      fs.readSync(open, bytes, 0, 10, 0);
      console.log(String(bytes), fs.fstatSync(open).size);
      fs.closeSync(open);
      for (let i = 0; i < 300; i++) fs.writeFileSync('c/' + 'n'.repeat(50) + i, '');
      fs.rmSync('c/' + 'n'.repeat(50) + 7);
    `);
    expect(fs.readdirSync(file('.')).sort()).toEqual(['a', 'c', 'three', 'two']);
    expect(fs.readdirSync(file('c')).length).toBe(300);
    expect(fs.readdirSync(backing('c')).length).toBe(300);
    expect(fs.readFileSync(file('three'), 'utf8')).toBe('x'.repeat(2_999_999));
    const { mode, uid, nlink, size, mtimeMs } = fs.statSync(file('two'));
    expect({ mode: mode & 0o777, uid, nlink, size, mtimeMs }).toEqual({
      mode: 0o640,
      uid: 1234,
      nlink: 2,
      size: 2_999_999,
      mtimeMs: 2_000_000,
    });
    expect(outcome(`fs.rmdirSync('c')`)).toBe('ENOTEMPTY');
    expect(outcome(`fs.readFileSync('nobody')`)).toBe('ENOENT');
  });

  it('keeps what was made durable and loses what was not, when the power fails', async () => {
    calls(`
      const durable = fs.openSync('durable', 'w');
      fs.writeSync(durable, 'first,');
      fs.fsyncSync(durable);
      fs.writeSync(durable, 'second');
      fs.writeSync(durable, 'FIRST', 0);
      const at = fs.openSync('at-once', fs.constants.O_CREAT | fs.constants.O_WRONLY | fs.constants.O_DSYNC);
      fs.writeSync(at, 'at once');
      fs.writeFileSync('never', 'never made durable');
      fs.renameSync('never', 'renamed');
    `);
    expect(fs.readFileSync(file('durable'), 'utf8')).toBe('FIRST,second');
    expect((await disk.order({ do: 'lose' })).done).toMatch(/^\d+ bytes in \d+ files$/);
    expect(fs.readFileSync(file('durable'), 'utf8')).toBe('first,');
    expect(fs.readFileSync(file('at-once'), 'utf8')).toBe('at once');
    expect(fs.readFileSync(file('renamed'), 'utf8')).toBe('');
    expect((await disk.order({ do: 'lose' })).done).toBe('0 bytes in 0 files');
  });

  it.each([
    ['full', { do: 'full' }, { write: 'ENOSPC', sync: 'ok', name: 'ENOSPC', read: 'ok', remove: 'ok' }],
    ['read-only', { do: 'read-only' }, { write: 'EROFS', sync: 'ok', name: 'EROFS', read: 'ok', remove: 'EROFS' }],
    [
      'failing',
      { do: 'fail', calls: ['read', 'sync'], chance: 1, seed: 1 },
      { write: 'ok', sync: 'EIO', name: 'ok', read: 'EIO', remove: 'ok' },
    ],
  ] as const)('can be %s, and is as before when nobody wants that any more', async (_, rule, expected) => {
    const tries = () => ({
      write: outcome(`fs.writeFileSync('there', 'more')`),
      sync: outcome(`fs.fsyncSync(fs.openSync('there', 'r'))`),
      name: outcome(`fs.mkdirSync('new'); fs.rmdirSync('new')`),
      read: outcome(`fs.readFileSync('other')`),
      remove: outcome(`fs.unlinkSync('victim')`),
    });
    for (const name of ['there', 'other', 'victim']) fs.writeFileSync(file(name), 'x');
    await disk.order({ do: 'rule', rules: { hold: [rule] } });
    const failing = tries();
    const { struck } = await disk.order({ do: 'rule', rules: {} });
    fs.writeFileSync(file('victim'), 'x');
    expect(failing).toEqual(expected);
    expect(struck['hold']?.refused).toBeGreaterThan(0);
    expect(Object.values(tries())).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
  });

  it('can be slow, by the sum of what all want', async () => {
    const rules = { one: [{ do: 'slow', ms: 100 }], two: [{ do: 'slow', ms: 150 }] } as const;
    await disk.order({ do: 'rule', rules });
    const took = Number(calls(`const t = Date.now(); fs.writeFileSync('slow', 'x'); console.log(Date.now() - t)`));
    const { struck } = await disk.order({ do: 'rule', rules: {} });
    expect(took).toBeGreaterThanOrEqual(500); // A name, and a write.
    expect(struck['two']?.delayed).toBeGreaterThan(0);
  });

  it('is healed by anybody who knows the run, without its rig', async () => {
    await disk.order({ do: 'rule', rules: { hold: [{ do: 'full' }] } });
    expect(healDisks(runId)).toEqual([`faults of the disk ordeal-${runId}-n1`]);
    await expect.poll(async () => (await disk.order({ do: 'look' })).rules).toEqual({});
    expect(healDisks(runId)).toEqual([]);
    expect(outcome(`fs.writeFileSync('there', 'more')`)).toBe('ok');
  });

  it('can have its files damaged, the same for the same seed', async () => {
    const content = Buffer.alloc(5000);
    for (const how of ['flip', 'truncate'] as const) {
      const said: (string | undefined)[] = [];
      for (let again = 0; again < 2; again++) {
        for (const name of fs.readdirSync(file('.'))) fs.rmSync(file(name), { recursive: true });
        fs.writeFileSync(file('whole'), content);
        said.push((await disk.order({ do: 'damage', damage: { how, seed: 5 } })).done);
        expect(fs.readFileSync(backing('whole')).equals(content)).toBe(false);
      }
      expect(said[0]).toContain('whole');
      expect(said[1]).toBe(said[0]);
    }
  });
});
