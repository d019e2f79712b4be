/** Real databases, asked for less than they can give: what follows is found within three seeds, and asked properly they are sound. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith, type Need } from '../rig/needs.ts';
import { packageRoot } from '../rig/package-root.ts';

const SEEDS = [3, 1, 2];
const CUT_OFF = '--nemesis partition-minority --calm 300ms..600ms --fault 1500ms..2s';
const IN_A_HURRY = '--nemesis none --concurrency 20 --rate closed';

type Row = readonly [cluster: string, workload: string, more: string, code: number, says: RegExp];

const TABLE: Readonly<Record<'etcd' | 'postgres', readonly Row[]>> = {
  etcd: [
    ['etcd:stale-reads', 'versions', CUT_OFF, 1, /nonmonotonic-version: Process \d+ knew key "\w+" at version \d+/],
    ['etcd:stale-reads', 'causal', CUT_OFF, 1, /causally-(overwritten-read|missing-write)/],
    ['etcd', 'versions', CUT_OFF, 0, /Versions and epochs only go up, and one of them is one thing: \d+ versions/],
  ],
  postgres: [
    ['postgres:read-committed', 'long-fork', IN_A_HURRY, 1, /long-fork: /],
    [
      'postgres:repeatable-read',
      'long-fork',
      IN_A_HURRY,
      0,
      /All readers see the writes of different keys in one order/,
    ],
  ],
};

let store: string;
beforeAll(() => {
  store = mkdtempSync(join(tmpdir(), 'ordeal-isolated-'));
});
afterAll(() => rmSync(store, { recursive: true, force: true }));

for (const [system, rows] of Object.entries(TABLE))
  describeWith(['root', system as Need], `${system} on netns`, () => {
    it.each(rows)('%s by %s (%s) ends with exit code %i', { timeout: 200_000 }, async (...row) => {
      const [cluster, workload, more, code, says] = row;
      const ends: (number | undefined)[] = [];
      let told = '';
      // What is sound must be so at once.
      for (const seed of code === 0 ? SEEDS.slice(0, 1) : SEEDS) {
        const words = `run --cluster ${cluster} --host netns --workload ${workload} ${more} --seed ${seed}`;
        const time = `--time-limit 4s --warm-up 300ms --quiet --store ${store}`;
        const { exitCode, all } = await execa(
          process.execPath,
          [join(packageRoot, 'rig', 'ordeal.mjs'), ...words.split(' '), ...time.split(' ')],
          { all: true, reject: false, env: { NO_COLOR: '1', FORCE_COLOR: undefined } },
        );
        ends.push(exitCode);
        told = all;
        if (exitCode === code) break;
      }
      expect(ends.at(-1), `${ends.join(', ')}: ${told}`).toBe(code);
      expect(told).toMatch(says);
    });
  });
