/** Recorded traffic once more, through the compiled command line and real processes. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunVerdict } from './contract.ts';
import { packageRoot } from './package-root.ts';

const store = mkdtempSync(join(tmpdir(), 'ordeal-replay-'));
afterAll(() => rmSync(store, { recursive: true, force: true }));

const ordeal = (...words: string[]) =>
  execa(process.execPath, [join(packageRoot, 'rig', 'ordeal.mjs'), ...words], {
    reject: false,
    env: { ORDEAL_STORE: store, NO_COLOR: '1', FORCE_COLOR: undefined },
    timeout: 120_000,
  });

/** The id of the run that is sent again. */
let recorded = '';

const replay = (into: string, ...words: string[]) =>
  ordeal('replay-traffic', recorded, '--into', into, '--host', 'loopback', '--json', ...words);

const verdictIn = (stdout: string): RunVerdict => JSON.parse(stdout) as RunVerdict;

/** What each checker says, and the names of the anomalies. */
function said(stdout: string): { readonly replayed: string | undefined; readonly anomalies: ReadonlySet<string> } {
  const { verdicts } = verdictIn(stdout);
  return {
    replayed: verdicts.find(({ checker }) => checker === 'replayed')?.validity,
    anomalies: new Set(verdicts.flatMap(({ anomalies }) => anomalies.map(({ name }) => name))),
  };
}

describe('ordeal replay-traffic', { timeout: 180_000 }, () => {
  beforeAll(async () => {
    const load = ['--cluster', 'ledger', '--host', 'loopback', '--workload', 'idempotency', '--nemesis', 'none'];
    const { stdout, stderr } = await ordeal('run', ...load, '--time-limit', '3s', '--seed', '3', '--json');
    expect(verdictIn(stdout).validity, stderr).toBe('valid');
    recorded = verdictIn(stdout).id;
  }, 120_000);

  it('changes nothing in a sound ledger, also shuffled, and after its store was restored from a backup', async () => {
    for (const words of [
      ['--order', 'shuffled'],
      ['--restore', '--speed', 'recorded'],
    ]) {
      const { stdout, stderr, exitCode } = await replay('ledger', ...words);
      expect(exitCode, stderr).toBe(0);
      expect(said(stdout)).toEqual({ replayed: 'valid', anomalies: new Set() });
    }
  });

  it('is applied again by a ledger that forgets keys: of other nodes, or of before a backup', async () => {
    for (const [into, ...words] of [['ledger:key-in-memory'], ['ledger:backup-forgets-keys', '--restore']] as const) {
      const { stdout, exitCode } = await replay(into, ...words);
      expect(exitCode).toBe(1);
      expect(said(stdout).replayed).toBe('invalid');
      expect([...said(stdout).anomalies]).toEqual(expect.arrayContaining(['duplicate-application', 'state-changed']));
    }
  });

  it('is refused with a sentence where there is nothing to send, or nothing to compare with', async () => {
    await ordeal('run', '--cluster', 'memory', '--workload', 'register', '--time-limit', '1s', '--nemesis', 'none');
    const other = await ordeal('replay-traffic', 'latest', '--into', 'ledger');
    expect([other.exitCode, other.stderr]).toEqual([64, expect.stringMatching(/requests bear no keys; .*transfers/)]);
    const memory = await ordeal('replay-traffic', recorded, '--into', 'memory', '--restore');
    expect([memory.exitCode, memory.stderr]).toEqual([64, expect.stringContaining('cannot be restored')]);
    const nobody = await ordeal('replay-traffic', 'no-such-run', '--into', 'ledger');
    expect(nobody.exitCode).toBe(64);
  });
});
