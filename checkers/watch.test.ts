import { describe, expect, it } from 'vitest';
import type { FeedChange, HistoryEvent, Verdict } from '../rig/contract.ts';
import { History } from '../rig/history.ts';
import { watch, type WatchInput, type WatchOutput } from './watch.ts';

type Message = { readonly revision: number; readonly changes: readonly FeedChange[] };

/** `x=1@5` became 1 at revision 5; `+` marks a creation, `x=@6` a deletion, `(0)` the value before. */
function change(text: string): FeedChange {
  const [, key = '', value = '', revision, created, previous] =
    /^([^=]+)=(\w*)@(\d+)(\+?)(?:\((\w+)\))?$/.exec(text) ?? [];
  return {
    key,
    value: value === '' ? null : Number(value),
    revision: Number(revision),
    created: created === '+',
    ...(previous === undefined ? {} : { previous: Number(previous) }),
  };
}

/** Messages, changes in each; one that is a number is a bookmark. */
const messages = (...all: (string | number)[]): Message[] =>
  all.map((one) => {
    const changes = typeof one === 'number' ? [] : one.split(' ').map(change);
    return { revision: typeof one === 'number' ? one : (changes.at(-1)?.revision ?? 0), changes };
  });

type Told = readonly [input: WatchInput, output: WatchOutput];
const wrote = (text: string): Told => {
  const { key, value, revision } = change(text);
  return [{ f: 'write', key, value }, revision];
};
const watched = (from: number, ...all: (string | number)[]): Told => [
  { f: 'watch', prefix: 'x', from },
  messages(...all) as unknown as WatchOutput,
];

/** One operation after the other, each by a process of its own. */
function judge(...told: Told[]): Verdict {
  const events = told.flatMap(([input, output], process) => [
    { index: 2 * process, timeNs: 2 * process, process, node: 'n1', type: 'invoke', input },
    { index: 2 * process + 1, timeNs: 2 * process + 1, process, node: 'n1', type: 'ok', output },
  ]);
  const history = new History(events as HistoryEvent<WatchInput, WatchOutput>[]);
  return watch.check(history, { exhausted: () => false, reason: () => 'nothing' }) as Verdict;
}

const names = (verdict: Verdict) => [...new Set(verdict.anomalies.map(({ name }) => name))];

describe('watch', () => {
  it('accepts watches that are told everything, from different revisions, in different messages', () => {
    const verdict = judge(
      wrote('x1=1@2'),
      wrote('x2=2@3'),
      wrote('x1=@4'),
      watched(1, 'x1=1@2+ x2=2@3+', 'x1=@4(1)', 4),
      watched(3, 'x2=2@3+', 'x1=@4(1)'),
    );
    expect(verdict).toMatchObject({ validity: 'valid', statistics: { watches: 2, changes: 5, writes: 3 } });
  });

  it.each([
    ['filter', [watched(1, 'y=1@2+ x=1@3+')]],
    ['ordered', [watched(1, 'x1=1@3+ x2=1@2+')]],
    ['unique', [watched(1, 'x=1@2+ x=1@2+')]],
    ['atomic', [watched(1, 'x1=1@2+', 'x2=1@2+')]],
    ['resumable', [watched(3, 'x1=1@2+ x2=2@3+')]],
    ['bookmarkable', [watched(1, 'x1=1@2+', 5, 'x2=2@4+')]],
    ['reliable', [watched(1, 'x1=1@2+ x2=2@3+ x3=3@4+'), watched(1, 'x1=1@2+ x3=3@4+')]],
    ['is-create', [watched(1, 'x=1@2+ x=2@3+(1)')]],
    ['is-create', [watched(1, 'x=1@2+ x=@3(1) x=2@4')]],
    ['prev-kv', [watched(1, 'x=1@2+ x=2@3(7)')]],
    ['inconsistent-revision', [wrote('x=1@2'), watched(1, 'x=2@2+')]],
    ['nonmonotonic-revision', [wrote('x=1@3'), wrote('x=2@2'), watched(1, 'x=2@2+ x=1@3(2)')]],
  ] as const)('finds what is not %s, and only that', (name, told) => {
    expect(names(judge(...told))).toEqual([name]);
  });

  it('says of a change that was left out who was told of it', () => {
    const verdict = judge(wrote('x2=2@3'), watched(1, 'x1=1@2+ x3=3@4+'));
    expect(verdict.anomalies[0]?.explanation).toMatch(/was not told that "x2" became 2 at revision 3, as operation 0/);
  });

  it('expects nothing from before a watch began, or after the last that it was told of', () => {
    expect(
      judge(wrote('x=1@2'), wrote('x=2@3'), wrote('x=3@4'), watched(1, 'x=1@2+ x=2@3(1)'), watched(3, 'x=2@3 x=3@4(2)'))
        .validity,
    ).toBe('valid');
  });

  it('is unknown when an acknowledged write was watched by nobody, or an answer is no list of messages', () => {
    expect(judge(wrote('x=1@2'), wrote('x=2@3'), watched(1, 'x=1@2+'))).toMatchObject({
      validity: 'unknown',
      statistics: { unwatched: 1 },
    });
    expect(judge(wrote('x=1@2'), [{ f: 'watch', prefix: 'x', from: 1 }, [{ revision: 'old' }]]).validity).toBe(
      'unknown',
    );
    const [, answer] = watched(1, 'x=1@2+');
    const odd = { f: 'watch', prefix: { toString: false }, from: 1 } as unknown as WatchInput;
    expect(judge(wrote('x=1@2'), [odd, answer]).summary).toContain('could not be understood');
  });
});
