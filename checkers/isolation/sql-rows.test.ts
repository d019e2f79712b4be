import { describe, expect, it } from 'vitest';
import type { Checker, HistoryEvent, Json, Verdict } from '../../rig/contract.ts';
import { History } from '../../rig/history.ts';
import { isolationBy } from './by-name.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };

type Statement = readonly [f: string, key: Json, row: Json, changed?: number];
type Transaction = readonly [type: 'ok' | 'fail' | 'info', ...Statement[]];

const row = (version: number): Json => ({ version, name: 'somebody' });
const select = (key: Json, version: number | null): Statement => [
  'select',
  key,
  version === null ? null : row(version),
];
const insert = (key: Json, version: number): Statement => ['insert', key, row(version)];
const update = (key: Json, version: number, changed = 1): Statement => ['update', key, row(version), changed];
const remove = (key: Json, changed = 1): Statement => ['delete', key, null, changed];

/** Transactions of one stage run at the same time, each stage after the one before it. */
function judge(model: string, ...stages: readonly (readonly Transaction[])[]): Verdict {
  const events: object[] = [];
  let processes = 0;
  for (const stage of stages) {
    const first = processes;
    for (const [, ...did] of stage) {
      const value = did.map(([f, key, of]) => [f, key, f === 'select' ? null : of]);
      events.push({ type: 'invoke', process: processes++, input: { f: 'txn', value } });
    }
    for (const [at, [type, ...did]] of stage.entries())
      events.push({ process: first + at, type, ...(type === 'ok' ? { output: did } : { error: 'test' }) });
  }
  const history = new History(
    events.map((event, index) => ({ ...event, index, timeNs: index, node: 'n1' }) as unknown as HistoryEvent),
  );
  return (isolationBy(`sql-rows:${model}`) as Checker).check(history, patient) as Verdict;
}

const names = ({ anomalies }: Verdict): string[] => [...new Set(anomalies.map(({ name }) => name))].sort();

describe('sql-rows', () => {
  it('accepts rows that come, change and go, and come again', () => {
    const verdict = judge(
      'strict-serializable',
      [['ok', select('a', null), insert('a', 1)]],
      [['ok', update('a', 2), select('a', 2)]],
      [['ok', select('a', 2), remove('a'), select('a', null), remove('a', 0)]],
      [['ok', update('a', 3, 0), insert('a', 4)]],
      [['ok', select('a', 4)]],
    );
    expect(verdict).toMatchObject({ validity: 'valid', anomalies: [] });
  });

  it('takes a row for the same in whatever order its columns stand', () => {
    const verdict = judge(
      'serializable',
      [['ok', insert('a', 1)]],
      [['ok', ['select', 'a', { name: 'somebody', version: 1 }]]],
    );
    expect(verdict.validity).toBe('valid');
  });

  it('G1a, G1b and thin-air-read: rows that were never committed', () => {
    const seen = (type: 'ok' | 'fail' | 'info') =>
      judge('read-committed', [[type, insert('a', 1)]], [['ok', select('a', 1)]]);
    expect(names(seen('fail'))).toEqual(['G1a']);
    expect(seen('ok').validity).toBe('valid');
    expect(seen('info').validity).toBe('valid');
    const between = (version: number) =>
      judge('read-committed', [
        ['ok', insert('a', 1), update('a', 2)],
        ['ok', select('a', version)],
      ]);
    expect(names(between(1))).toEqual(['G1b']);
    expect(between(2).validity).toBe('valid');
    expect(names(judge('read-committed', [['ok', select('a', 9)]]))).toEqual(['thin-air-read']);
  });

  it('internal: a statement that contradicts the transaction’s own', () => {
    const own = (...did: Statement[]) => judge('read-atomic', [['ok', ...did]], [['ok', select('a', null)]]);
    expect(names(own(insert('a', 1), select('a', null)))).toEqual(['internal']);
    expect(names(own(insert('a', 1), update('a', 2, 0)))).toContain('internal');
    expect(names(own(insert('a', 1), remove('a'), select('a', 1)))).toContain('internal');
    expect(names(own(insert('a', 1), remove('a'), remove('a')))).toContain('internal');
    expect(names(own(insert('a', 1), remove('a'), select('a', null), insert('a', 2), remove('a')))).toEqual([]);
    const [twice] = own(insert('a', 1), remove('a'), remove('a')).anomalies;
    expect(twice?.explanation).toContain('T1 found a row of key a, which is not what it had itself read or written');
  });

  it('lost-update: two inserts of one key that was never deleted, two updates of one version', () => {
    const inserts = (second: Statement) =>
      judge('serializable', [
        ['ok', insert('a', 1)],
        ['ok', second],
      ]);
    expect(names(inserts(insert('a', 2)))).toEqual(['G2-item', 'lost-update']);
    expect(inserts(update('a', 2)).validity).toBe('valid');
    const updates = (second: number) =>
      judge(
        'snapshot-isolation',
        [['ok', insert('a', 1)]],
        [
          ['ok', select('a', 1), update('a', 2)],
          ['ok', select('a', second), update('a', 3)],
        ],
      );
    expect(names(updates(1))).toContain('lost-update');
    expect(updates(2).validity).toBe('valid');
  });

  it('G2-item: write skew over two rows, which snapshot isolation allows', () => {
    const skew = (model: string, seen: number) =>
      judge(
        model,
        [['ok', insert('a', 1), insert('b', 1)]],
        [
          ['ok', select('a', 1), select('b', 1), update('a', 2)],
          ['ok', select('a', seen), select('b', 1), update('b', 2)],
        ],
      );
    expect(names(skew('serializable', 1))).toEqual(['G2-item']);
    expect(skew('snapshot-isolation', 1).validity).toBe('valid');
    expect(skew('serializable', 2).validity).toBe('valid');
  });

  it('by real time: a row that was there cannot be missing, unless somebody may have deleted it', () => {
    const missing = (model: string, between: readonly Transaction[]) =>
      judge(
        model,
        [['ok', insert('a', 1)]],
        between,
        [['ok', select('a', null)]],
        [['ok', select('a', 1), remove('a')]],
      );
    expect(names(missing('strict-serializable', []))).toEqual(['G-single-item-realtime']);
    expect(missing('serializable', []).validity).toBe('valid');
    expect(names(missing('strict-serializable', [['fail', remove('a')]]))).toEqual(['G-single-item-realtime']);
    const gone = (outcome: 'ok' | 'info') =>
      judge('strict-serializable', [['ok', insert('a', 1)]], [[outcome, remove('a')]], [['ok', select('a', null)]]);
    expect(gone('ok').validity).toBe('valid');
    expect(gone('info').validity).toBe('valid');
    const again = judge(
      'strict-serializable',
      [['ok', insert('a', 1)]],
      [['ok', remove('a')]],
      [['ok', insert('a', 2)]],
      [['ok', select('a', null)]],
    );
    expect(names(again)).toEqual(['G-single-item-realtime']);
    expect(again.anomalies[0]?.explanation).toContain('T2 found no row of key a, though T1, which left one there');
  });

  it('an update of unknown outcome may have found no row, though its transaction happened', () => {
    const later = (seen: number | null) =>
      judge('serializable', [['info', update('a', 5), insert('b', 1)]], [['ok', select('b', 1), select('a', seen)]]);
    expect(later(null).validity).toBe('valid');
    expect(names(later(6))).toEqual(['thin-air-read']);
  });

  it('searches for an order where it is not known what was deleted', () => {
    const third = (seen: number | null) =>
      judge('serializable', [
        ['ok', insert('a', 1)],
        ['ok', remove('a'), insert('b', 1)],
        ['ok', select('b', 1), select('a', seen)],
      ]);
    expect(third(null).validity).toBe('valid');
    expect(third(1).validity).toBe('invalid');
    const twice = judge('serializable', [
      ['ok', insert('a', 1)],
      ['ok', remove('a')],
      ['ok', remove('a'), insert('b', 1)],
      ['ok', select('b', 1)],
    ]);
    expect(names(twice)).toEqual(['nonserializable']);
    expect(twice.anomalies[0]?.explanation).toContain('no order of all transactions explains what was read');
  });

  it('a statement without its result is no transaction, and rows that are not unique are not judged', () => {
    const bare = judge('serializable', [['ok', ['update', 'a', row(1)]]]);
    expect(bare).toMatchObject({ validity: 'unknown' });
    expect(bare.summary).toContain('where changed is 0 or 1: found [["update","a"');
    const same = judge('serializable', [
      ['ok', insert('a', 1)],
      ['ok', update('a', 1)],
    ]);
    expect(same.summary).toContain('values must be unique');
  });
});
