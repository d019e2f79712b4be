/**
 * Does the rig find what is there, and only that? Each known bug of the memory cluster must be found by the
 * workload and nemesis named here, and nothing may be found in the correct cluster, nor in a buggy one that is left
 * in peace. A checker that always says `valid`, or always `invalid`, fails this table.
 */

import { describe, expect, it, vi } from 'vitest';
import { memory } from '../clusters/memory/memory.ts';
import type { RunSpec, Verdict } from './contract.ts';
import { worst } from './define.ts';
import { rehearsalSpec, rehearse } from './rehearsal.ts';
import { castOf } from './rooms.ts';

type Row = readonly [bug: string, workload: string, nemeses: readonly string[], anomaly: string];

const TABLE: readonly Row[] = [
  ['stale-read', 'register', ['partition'], 'nonlinearizable'],
  ['stale-read', 'register', ['kill'], 'nonlinearizable'],
  ['stale-read', 'transfers', ['partition'], 'stale-balance'],
  ['stale-read', 'set', ['partition'], 'stale'],
  ['stale-read', 'queue', ['kill'], 'false-empty'],
  ['stale-read', 'counter', ['partition'], 'nonmonotonic-read'],
  ['lost-update', 'register', ['partition-primaries'], 'nonlinearizable'],
  ['lost-update', 'transfers', ['partition-primaries'], 'acknowledged-not-applied'],
  ['lost-update', 'set', ['partition-primaries'], 'lost'],
  ['lost-update', 'counter', ['partition-primaries'], 'lost-add'],
  ['lost-update', 'lock', ['partition-primaries'], 'mutual-exclusion'],
  ['lost-update', 'watch', ['partition-primaries'], 'reliable'],
  ['split-brain', 'register', ['partition'], 'nonlinearizable'],
  ['split-brain', 'transfers', ['partition-primaries'], 'acknowledged-not-applied'],
  ['split-brain', 'queue', ['partition-primaries'], 'duplicated'],
  ['split-brain', 'unique-ids', ['partition-primaries'], 'duplicate-id'],
  ['split-brain', 'lock', ['partition-primaries'], 'duplicate-token'],
  ['split-brain', 'watch', ['partition-primaries'], 'inconsistent-revision'],
  ['lost-reply', 'register', ['partition-one-way'], 'nonlinearizable'],
  ['lost-reply', 'transfers', ['partition'], 'rejected-but-applied'],
  ['lost-reply', 'set', ['partition-one-way'], 'aborted-read'],
  ['lost-reply', 'queue', ['partition'], 'unexpected'],
  ['lost-reply', 'counter', ['partition-one-way'], 'excess-add'],
  ['double-apply', 'transfers', ['partition'], 'duplicate-application'],
  ['double-apply', 'transfers', ['kill'], 'duplicate-application'],
  ['forgets-on-restart', 'register', ['kill'], 'nonlinearizable'],
  ['forgets-on-restart', 'transfers', ['kill'], 'acknowledged-not-applied'],
  ['forgets-on-restart', 'queue', ['kill'], 'lost'],
  ['forgets-on-restart', 'watch', ['kill'], 'nonmonotonic-revision'],
  ['half-done', 'bank', ['partition'], 'wrong-total'],
  ['stale-read', 'staleness', ['partition'], 'stale-read'],
  ['forgets-on-restart', 'causal', ['kill'], 'causally-overwritten-read'],
  ['stale-read', 'causal', ['partition'], 'causally-overwritten-read'],
  ['lost-reply', 'causal', ['partition'], 'thin-air-read'],
  ['lost-update', 'staleness', ['partition-primaries'], 'stale-read'],
  ['lost-update', 'log', ['partition-primaries'], 'lost-write'],
  ['split-brain', 'log', ['partition-primaries'], 'inconsistent-offsets'],
  ['lost-reply', 'log', ['partition'], 'aborted-read'],
  ['skips-missed', 'staleness', ['kill'], 'lost-write'],
  ['skips-missed', 'staleness', ['partition'], 'divergence'],
  ['skips-missed', 'register', ['partition'], 'nonlinearizable'],
  ['half-done', 'long-fork', ['partition'], 'long-fork'],
  ['half-done', 'sql-rows', ['partition'], 'lost-update'],
  ['split-brain', 'versions', ['partition-primaries'], 'duplicate-version'],
  ['stale-read', 'versions', ['partition'], 'nonmonotonic-version'],
  ['write-skew', 'list-append', ['partition'], 'G2-item'],
];

// Virtual time makes these tests exact, not short: a busy machine may take its time.
vi.setConfig({ testTimeout: 120_000 });

const SEEDS = [1, 2, 3];
const EVERYTHING = ['partition', 'kill', 'pause'];
const unlimited = { exhausted: () => false, reason: () => '' };

describe('each known bug is found', () => {
  it.each(TABLE)('%s by %s with %s, as %s, within three seeds', async (variant, workload, nemeses, anomaly) => {
    const found: string[] = [];
    for (const seed of SEEDS) {
      const { verdicts, workloadValidity } = await judged({ variant, workload, nemeses, seed });
      if (workloadValidity !== 'invalid') continue;
      found.push(...verdicts.flatMap(({ anomalies }) => anomalies.map(({ name }) => name)));
      for (const { anomalies } of verdicts) for (const { witnesses } of anomalies) expect(witnesses).not.toEqual([]);
      if (found.includes(anomaly)) break;
    }
    expect(found).toContain(anomaly);
  });

  it('with every variant of the cluster in the table', () => {
    expect([...new Set(TABLE.map(([bug]) => bug))].sort()).toEqual(Object.keys(memory.variants).sort());
  });
});

describe('nothing is found in the correct cluster', () => {
  it.each(['register', 'transfers'])('by %s with every nemesis at once, over twenty seeds', async (workload) => {
    for (let seed = 1; seed <= 20; seed++) {
      const spec = { workload, nemeses: EVERYTHING, seed, timeLimitMs: 4000 };
      const { errors, stuck, verdicts, workloadValidity } = await judged(spec);
      expect({ errors, stuck }).toEqual({ errors: [], stuck: [] });
      expect(workloadValidity, `seed ${seed}: ${verdicts.map(({ summary }) => summary).join('; ')}`).toBe('valid');
    }
  });

  it.each([
    'bank',
    'causal',
    'counter',
    'lock',
    'log',
    'long-fork',
    'queue',
    'set',
    'sql-rows',
    'staleness',
    'unique-ids',
    'versions',
    'watch',
  ])('by %s with every nemesis at once, over five seeds', async (workload) => {
    for (let seed = 1; seed <= 5; seed++) {
      const spec = { workload, nemeses: EVERYTHING, seed, timeLimitMs: 4000 };
      const { verdicts, workloadValidity } = await judged(spec);
      expect(workloadValidity, `seed ${seed}: ${verdicts.map(({ summary }) => summary).join('; ')}`).toBe('valid');
    }
  });

  it('by queue, however many values are left in the end', async () => {
    const { verdicts } = await judged({ workload: 'queue', nemeses: ['partition'], seed: 1, timeLimitMs: 30_000 });
    expect(verdicts.map(({ checker, validity }) => [checker, validity])).toContainEqual(['total-queue', 'valid']);
  });

  it.each(EVERYTHING)('by anything that judges a run with %s alone', async (nemesis) => {
    for (const workload of ['register', 'transfers']) {
      const { verdicts, validity } = await judged({ workload, nemeses: [nemesis], seed: 7 });
      expect(validity, verdicts.map(({ summary }) => summary).join('; ')).toBe('valid');
    }
  });
});

describe('nothing is found in a buggy cluster that is left in peace', () => {
  it.each(Object.keys(memory.variants))('%s', async (variant) => {
    for (const workload of ['register', 'transfers']) {
      const { verdicts, validity } = await judged({ variant, workload, nemeses: [], seed: 1 });
      expect(validity, verdicts.map(({ summary }) => summary).join('; ')).toBe('valid');
    }
  });
});

describe('one seed', () => {
  const spec = { workload: 'register', nemeses: EVERYTHING, seed: 5, timeLimitMs: 5000 };

  it('gives one history, byte for byte', async () => {
    const first = await judged(spec);
    expect((await judged(spec)).sha256).toBe(first.sha256);
    expect((await judged({ ...spec, seed: 6 })).sha256).not.toBe(first.sha256);
  });

  it('asks the same first requests whatever the nemeses do', async () => {
    const askedFirst = async (nemeses: readonly string[]) => {
      const { history } = await judged({ ...spec, nemeses });
      return Array.from({ length: rehearsalSpec.workerCount }, (_, worker) =>
        history.input(history.process.indexOf(worker)),
      );
    };
    expect(await askedFirst([])).toEqual(await askedFirst(EVERYTHING));
  });
});

/** A rehearsal and what is made of it, by the workload's own checkers and by all that judge a run. */
async function judged(changes: Partial<RunSpec>) {
  const spec: RunSpec = { ...rehearsalSpec, timeLimitMs: 8000, ...changes };
  const { cluster, workload, nemeses, checkers } = castOf(spec);
  const rehearsal = await rehearse({ cluster, workload, nemeses }, spec);
  const verdicts: Verdict[] = [];
  for (const checker of checkers) verdicts.push(await checker.check(rehearsal.history, unlimited));
  const own = verdicts.slice(0, workload.checkers.length);
  const validityOf = (some: readonly Verdict[]) => worst(some.map(({ validity }) => validity));
  return { ...rehearsal, verdicts, validity: validityOf(verdicts), workloadValidity: validityOf(own) };
}
