/** Nemeses that break on real nodes, halfway through: the run ends with a sentence, all is undone, and the history is kept. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mountsOf } from '../clusters/hosts/disk/disk.ts';
import { processesWith } from '../clusters/hosts/process-table.ts';
import { describeWith } from './needs.ts';
import { packageRoot } from './package-root.ts';

let folder: string;
const ordeal = (...words: string[]) =>
  execa(process.execPath, [join(packageRoot, 'rig', 'ordeal.mjs'), ...words], {
    cwd: folder,
    reject: false,
    env: { NO_COLOR: '1', FORCE_COLOR: undefined, ORDEAL_STORE: undefined },
    timeout: 150_000,
  });

const halfway = `await disks.slow([node], 20); await resources.processor([node], 50);
  await calls.fail([node], 'sync_file_range', 'EIO', 1); await processes.pause([node]);`;
const nemesis = (end: string) => `import { defineNemesis } from 'ordeal';
export default defineNemesis({ name: 'mine', summary: 'Mine.', controls: ['calls', 'disks', 'processes', 'resources'],
  choose: ({ rng, nodes }) => ({ node: rng.pick(nodes) }),
  async inject({ node }, { calls, disks, processes, resources }) { ${halfway} ${end} },
  describe: ({ node }) => node + ' is in trouble' });`;

describeWith(['root', 'etcd', 'fuse', 'tools'], 'a nemesis on real nodes', () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ordeal-broken-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['throws', `throw new Error('half')`, /nemesis mine: half/],
    ['names nobody', `await disks.fill(['n9'])`, /n9, which is not there; there are n1/],
    ['hangs', 'await new Promise(() => {})', /nemesis mine: nothing within 20 s/],
  ])(
    'that %s halfway ends the run with a sentence and everything undone',
    { timeout: 180_000 },
    async (_, end, says) => {
      writeFileSync(join(folder, 'mine.ts'), nemesis(end));
      const flags = ['--cluster', 'etcd', '--host', 'netns', '--time-limit', '40s', '--calm', '1s..1s', '--quiet'];
      const { exitCode, stdout, stderr } = await ordeal('run', ...flags, '--nemesis', './mine.ts');
      expect(stdout + stderr).toMatch(says);
      expect(exitCode).toBe(3);
      const history = readFileSync(join(folder, '.ordeal/latest/history.jsonl'), 'utf8');
      expect(history).toContain('"action":"released"');
      expect(history).not.toContain('"action":"stuck"');
      const { id } = JSON.parse(readFileSync(join(folder, '.ordeal/latest/spec.json'), 'utf8')) as { id: string };
      const left = ['ORDEAL_RUN', 'ORDEAL_DISK', 'ORDEAL_TRACER', 'ORDEAL_GUARDS'].flatMap((name) =>
        processesWith(name, id),
      );
      expect([...left, ...(await mountsOf(id))]).toEqual([]);
    },
  );
});
