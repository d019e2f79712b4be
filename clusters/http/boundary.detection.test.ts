/** The ledger at its boundary, as real processes under kills: the bug in it is found, and in the correct one nothing is. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageRoot } from '../../rig/package-root.ts';

let store: string;
beforeAll(() => {
  store = mkdtempSync(join(tmpdir(), 'ordeal-boundary-'));
});
afterAll(() => rmSync(store, { recursive: true, force: true }));

it.each([
  ['ledger', 0, /spoilt requests were refused or taken for sound, and none did harm/],
  ['ledger:trusts-its-input', 1, /server-error|malformed-accepted/],
])('%s ends with exit code %i', { timeout: 200_000 }, async (cluster, code, says) => {
  const words = ['run', '--cluster', cluster, '--host', 'loopback', '--workload', 'boundary', '--nemesis', 'kill'];
  const more = ['--seed', '1', '--time-limit', '6s', '--rate', '60', '--quiet', '--store', store];
  const { exitCode, all } = await execa(process.execPath, [join(packageRoot, 'rig', 'ordeal.mjs'), ...words, ...more], {
    all: true,
    reject: false,
    env: { NO_COLOR: '1', FORCE_COLOR: undefined },
  });
  expect(exitCode, all).toBe(code);
  expect(all).toMatch(says);
});
