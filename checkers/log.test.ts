import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Verdict } from '../rig/contract.ts';
import { History } from '../rig/history.ts';
import { sketch } from '../rig/sketch.ts';
import { log, type LogInput, type LogOutput } from './log.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };
const SHAPE = { send: ['value'], poll: [], assign: [] };
const judge = (picture: string): Verdict => log.check(sketch<LogInput, LogOutput>(picture, SHAPE), patient) as Verdict;
const names = (verdict: Verdict) => verdict.anomalies.map(({ name }) => name);

const sent = 'p0 |-send a = 0-|  |-send b = 1-|  |-send c = 2-|';
/** After all that was sent. */
const then = (process: number, polls: string) => `p${process}${' '.repeat(60)}${polls}`;

describe('log', () => {
  it('accepts readers that go forward, each at its own pace', () => {
    const all = '|-poll = [[0,"a"],[1,"b"]]-|  |-poll = []-|  |-poll = [[2,"c"]]-|';
    expect(judge(`${sent}\n${then(1, all)}\n${then(2, '|-poll = [[0,"a"]]-|')}`)).toMatchObject({
      validity: 'valid',
      statistics: { acknowledged: 3, polled: 3, unseen: 0 },
    });
  });

  it.each([
    ['lost-write', '|-poll = [[0,"a"],[2,"c"]]-|'],
    ['duplicate', '|-poll = [[0,"a"],[1,"b"],[2,"c"],[3,"a"]]-|'],
    ['inconsistent-offsets', '|-poll = [[0,"a"],[1,"b"],[2,"c"]]-|  |-assign-|  |-poll = [[2,"d"]]-|'],
    ['phantom', '|-poll = [[0,"a"],[1,"b"],[2,"c"],[3,"z"]]-|'],
    ['nonmonotonic-poll', '|-poll = [[0,"a"],[1,"b"],[2,"c"]]-|  |-poll = [[1,"b"]]-|'],
    ['int-nonmonotonic-poll', '|-poll = [[0,"a"],[2,"c"],[1,"b"]]-|'],
    ['poll-skip', '|-poll = [[0,"a"]]-|  |-poll = [[2,"c"]]-|  |-assign-|  |-poll = [[1,"b"]]-|'],
  ])('finds a %s', (name, polls) => {
    expect(names(judge(`${sent}\n${then(1, polls)}`))).toContain(name);
  });

  it('finds a value polled that was refused, and not one of unknown outcome', () => {
    const poll = then(1, '|-poll = [[0,"a"]]-|');
    expect(names(judge(`p0 |-send a-x\n${poll}`))).toEqual(['aborted-read']);
    expect(judge(`p0 |-send a-?\np2 |-send b = 1-|\n${then(1, '|-poll = [[0,"a"],[1,"b"]]-|')}`).validity).toBe(
      'valid',
    );
  });

  it('finds offsets that go back, of one sender and of two', () => {
    const poll = then(2, '|-poll = [[4,"b"],[5,"a"]]-|');
    expect(names(judge(`p0 |-send a = 5-|  |-send b = 4-|\n${poll}`))).toEqual(['nonmonotonic-send']);
    expect(names(judge(`p0 |-send a = 5-|\np1                 |-send b = 4-|\n${poll}`))).toEqual(['reordered-send']);
    expect(judge(`p0 |-send a = 5-|\np1     |-send b = 4-|\n${poll}`).validity).toBe('valid');
  });

  it('lets a reader that was assigned anew begin anywhere', () => {
    const polls = '|-poll = [[0,"a"],[1,"b"],[2,"c"]]-|  |-assign-|  |-poll = [[1,"b"]]-|';
    expect(judge(`${sent}\n${then(1, polls)}`).validity).toBe('valid');
  });

  it('finds a poll that does not begin where it was asked to', () => {
    const shape = { send: ['value'], poll: ['from'] };
    const from = (picture: string) =>
      log.check(sketch<LogInput, LogOutput>(`${sent}\n${then(1, picture)}`, shape), patient) as Verdict;
    expect(names(from('|-poll 0 = [[0,"a"],[1,"b"],[2,"c"]]-|  |-poll 1 = [[1,"b"]]-|'))).toEqual([]);
    expect(names(from('|-poll 0 = [[0,"a"],[1,"b"],[2,"c"]]-|  |-poll 1 = [[2,"c"]]-|'))).toEqual(['poll-skip']);
    expect(names(from('|-poll 0 = [[0,"a"],[1,"b"],[2,"c"]]-|  |-poll 1 = [[0,"a"]]-|'))).toEqual([
      'nonmonotonic-poll',
    ]);
  });

  it('is unknown when the end of a log was polled by nobody, or nothing at all', () => {
    expect(judge(`${sent}\n${then(1, '|-poll = [[0,"a"],[1,"b"]]-|')}`)).toMatchObject({
      validity: 'unknown',
      statistics: { unseen: 1 },
    });
    expect(judge(sent).validity).toBe('unknown');
    expect(judge(`${sent}\n${then(1, '|-poll = ["a"]-|')}`).validity).toBe('unknown');
  });

  it('reads the micro-operations of Jepsen too', () => {
    const told = [
      [
        0,
        'send',
        [
          ['send', 'k', 'a'],
          ['send', 'k', 'b'],
        ],
        [
          ['send', 'k', [0, 'a']],
          ['send', 'k', [2, 'b']],
        ],
      ],
      [1, 'txn', [['send', 'k', 'c']], [['send', 'k', [3, 'c']]]],
      [
        2,
        'poll',
        [['poll']],
        [
          [
            'poll',
            {
              k: [
                [0, 'a'],
                [3, 'c'],
              ],
            },
          ],
        ],
      ],
    ] as const;
    const events = told.flatMap(([process, f, value, output], at) => [
      { index: 2 * at, timeNs: 2 * at, process, node: 'n1', type: 'invoke', input: { f, value } },
      { index: 2 * at + 1, timeNs: 2 * at + 1, process, node: 'n1', type: 'ok', output },
    ]);
    const verdict = log.check(
      new History(events as unknown as HistoryEvent<LogInput, LogOutput>[]),
      patient,
    ) as Verdict;
    expect(names(verdict).sort()).toEqual(['int-poll-skip', 'lost-write']);
  });
});
