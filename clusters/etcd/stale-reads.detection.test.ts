/** etcd whose nodes answer reads from their own copies, cut in two: what that shows is found, and asked properly it is sound. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../../rig/needs.ts';
import { packageRoot } from '../../rig/package-root.ts';

const FAULTS = '--nemesis partition-minority --calm 300ms..600ms --fault 1500ms..2s --time-limit 4s --warm-up 300ms';

describeWith(['root', 'etcd'], 'etcd on netns', () => {
  let store: string;
  beforeAll(() => {
    store = mkdtempSync(join(tmpdir(), 'ordeal-stale-reads-'));
  });
  afterAll(() => rmSync(store, { recursive: true, force: true }));

  it.each([
    ['etcd:stale-reads', 'versions', 1, /nonmonotonic-version: Process \d+ knew key "\w+" at version \d+/],
    ['etcd:stale-reads', 'causal', 1, /causally-(overwritten-read|missing-write)/],
    ['etcd', 'versions', 0, /Versions and epochs only go up, and one of them is one thing: \d+ versions/],
  ])('%s by %s ends with exit code %i', { timeout: 120_000 }, async (cluster, workload, code, says) => {
    const words = `run --cluster ${cluster} --host netns --workload ${workload} ${FAULTS} --seed 3 --quiet --store`;
    const { exitCode, all } = await execa(
      process.execPath,
      [join(packageRoot, 'rig', 'ordeal.mjs'), ...words.split(' '), store],
      { all: true, reject: false, env: { NO_COLOR: '1', FORCE_COLOR: undefined } },
    );
    expect(exitCode, all).toBe(code);
    expect(all).toMatch(says);
  });
});
