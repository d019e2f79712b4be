/** What is judged of keys themselves: what they stand for, whether they get stuck, and what the wire log adds. */

import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Json, Verdict, WireEntry } from '../../rig/contract.ts';
import { History } from '../../rig/history.ts';
import { notJudged as notJudgedOf } from './guarantees.ts';
import { exactlyOnce, type TransfersInput, type TransfersOutput } from '../exactly-once.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };

type End = { readonly ok: Json } | { readonly fail: string } | { readonly info: string };
/** A request and how it ended, through the node and at the seconds given; otherwise one after the other through n1. */
type Step = readonly [input: object, end: End, where?: { node?: string; from?: number; to?: number }];

const pay = (key: string, amount = 10, from = 'a', to = 'b') => ({ f: 'transfer', key, from, to, amount });
const applied = (id: string, key: string, amount = 10, from = 'a', to = 'b') => ({ id, key, from, to, amount });
const receipt = (id: string, amount = 10): End => ({ ok: { id, amount, replayed: false } });
const refused = (error = 'http-422'): End => ({ fail: error });
const lost: End = { info: 'timeout' };

interface Extras {
  readonly faults?: readonly { readonly action: string; readonly second: number }[];
  readonly wire?: readonly Partial<WireEntry>[];
  readonly incomplete?: string;
  /** The second at which all is healed. */
  readonly finalFrom?: number;
}

/** Judged with a list of what was applied and the accounts at its end, as they follow from that list. */
function verdictOf(steps: readonly Step[], books: readonly ReturnType<typeof applied>[], extras: Extras = {}): Verdict {
  const moved = books.reduce((sum, { amount, from }) => sum + (from === 'a' ? amount : -amount), 0);
  const last = Math.max(100, ...steps.map(([, , where]) => (where?.to ?? 0) + 1));
  const all: Step[] = [
    ...steps,
    [{ f: 'applied' }, { ok: books as unknown as Json }, { from: last, to: last + 1 }],
    [
      { f: 'accounts' },
      {
        ok: [
          { account: 'a', opening: 100, balance: 100 - moved },
          { account: 'b', opening: 100, balance: 100 + moved },
        ],
      },
      { from: last + 2, to: last + 3 },
    ],
  ];
  const events = all.flatMap(([input, end, where], process) => {
    const who = { process, node: where?.node ?? 'n1' };
    const [[type, what]] = Object.entries(end) as [[string, Json]];
    const completion = { ...who, type, ...(type === 'ok' ? { output: what } : { error: what }) };
    const from = where?.from ?? process;
    return [
      { timeNs: from * 1e9, event: { ...who, type: 'invoke', input } },
      { timeNs: (where?.to ?? from + 0.5) * 1e9, event: completion },
    ];
  });
  const faults = (extras.faults ?? []).map(({ action, second }) => ({
    timeNs: second * 1e9,
    event: { type: 'nemesis', nemesis: 'kill', hold: 'kill-1', action, fault: null, sentence: 'n1 is killed' },
  }));
  const phases = extras.finalFrom === undefined ? [] : [{ timeNs: extras.finalFrom * 1e9, event: FINAL }];
  const sorted = [...events, ...faults, ...phases].toSorted((one, other) => one.timeNs - other.timeNs);
  const { parts } = new History(
    sorted.map(({ event, timeNs }, index) => ({ ...event, index, timeNs }) as unknown as HistoryEvent),
  );
  const entries = extras.wire?.map((entry, number) => ({ ...onWire, number, ...entry }));
  const wire = entries ? { wire: { entries, incomplete: extras.incomplete ?? null } } : {};
  const history = new History<TransfersInput, TransfersOutput>({ ...parts, ...wire });
  return exactlyOnce.check(history, patient) as Verdict;
}

const FINAL = { type: 'phase', phase: 'final' };

const onWire: WireEntry = {
  number: 0,
  origin: 'client',
  node: 'n1',
  method: 'POST',
  path: '/transfers',
  key: 'k1',
  payload: 'p',
  sentNs: 0,
  endedNs: 1,
  status: 201,
  answer: 'r1',
  answered: true,
};

const namesOf = (...judged: Parameters<typeof verdictOf>): string[] =>
  verdictOf(...judged).anomalies.map(({ name }) => name);
const notJudged = (...judged: Parameters<typeof verdictOf>): string =>
  notJudgedOf(verdictOf(...judged).guarantees ?? []).join('; ');

const first: Step = [pay('k1'), receipt('t1')];
const book = [applied('t1', 'k1')];

describe('a key that is used with another payload', () => {
  it('may be refused, and then gets its own answer again', () => {
    expect(namesOf([first, [pay('k1', 11), refused()], first], book)).toEqual([]);
    expect(namesOf([first, [pay('k1', 10, 'a', 'c'), refused('key-reused')], first], book)).toEqual([]);
  });

  it('must not be acknowledged for both, whatever the receipt says', () => {
    expect(namesOf([first, [pay('k1', 11), receipt('t1')]], book)).toEqual(['payload-ignored']);
    expect(namesOf([first, [pay('k1', 11), receipt('t1', 11)]], book)).toEqual(['payload-ignored']);
    expect(namesOf([first, [pay('k1', 10, 'a', 'c'), receipt('t1')]], book)).toEqual(['payload-ignored']);
  });

  it('must not be applied for the one that was not acknowledged', () => {
    expect(namesOf([first, [pay('k1', 11), lost]], [applied('t1', 'k1', 11)])).toEqual(['payload-ignored']);
    expect(
      namesOf(
        [
          [pay('k1'), lost],
          [pay('k1', 11), lost],
        ],
        [applied('t1', 'k1', 11)].slice(1),
      ),
    ).toEqual([]);
  });

  it('must not be applied for the one that was refused, though the other is in doubt', () => {
    const [mine, other] = [
      [pay('k1'), lost],
      [pay('k1', 11), refused()],
    ] as const satisfies Step[];
    expect(namesOf([mine, other, [pay('k2'), receipt('t2')]], [applied('t1', 'k1'), applied('t2', 'k2')])).toEqual([]);
    expect(namesOf([mine, other, [pay('k2'), receipt('t2')]], [applied('t1', 'k1', 11), applied('t2', 'k2')])).toEqual([
      'rejected-but-applied',
    ]);
  });

  it('must not be applied for both', () => {
    expect(namesOf([first, [pay('k1', 11), lost]], [...book, applied('t2', 'k1', 11)])).toContain(
      'duplicate-application',
    );
  });
});

describe('a key that is used with one payload', () => {
  it('must not be refused as used with another: it was taken for some other key', () => {
    expect(namesOf([first, [pay('k2'), refused()]], book)).toEqual(['key-collision']);
    expect(namesOf([first, [pay('k2'), refused('key-reused')]], book)).toEqual(['key-collision']);
    expect(namesOf([first, [pay('k2'), refused('http-409')]], book)).toEqual([]);
  });

  it('must not be refused for good once it was acknowledged, and not acknowledged once it was refused', () => {
    expect(namesOf([first, [pay('k1'), refused('http-402')]], book)).toEqual(['unstable-response']);
    expect(namesOf([[pay('k1'), refused('http-402')], first], book)).toContain('unstable-response');
    expect(namesOf([first, [pay('k1'), refused('http-503')]], book)).toEqual([]);
  });

  it('must not be applied once it was refused for good, though other attempts are in doubt', () => {
    const steps: Step[] = [
      [pay('k1'), lost],
      [pay('k1'), refused('http-402')],
      [pay('k2'), receipt('t2')],
    ];
    expect(namesOf(steps, [applied('t1', 'k1'), applied('t2', 'k2')])).toEqual(['rejected-but-applied']);
    expect(namesOf(steps, [applied('t2', 'k2')])).toEqual([]);
    const early: Step = [{ f: 'applied' }, { ok: [applied('t1', 'k1')] }];
    const [mine, no, other] = steps as [Step, Step, Step];
    expect(namesOf([mine, early, no, other], [applied('t2', 'k2')])).toEqual(['lost-application']);
  });
});

describe('a key that is in use', () => {
  const asking = (...seconds: number[]): Step[] =>
    seconds.map((second) => [pay('k2'), refused('http-409'), { from: second, to: second + 0.1 }]);

  it('is stuck if it is so for two seconds without any fault', () => {
    expect(namesOf([first, ...asking(5, 6, 7.5)], book)).toEqual(['stuck-key']);
  });

  it('is not stuck if that is shorter, rarer, during a fault, or has an end', () => {
    expect(namesOf([first, ...asking(5, 5.5, 6)], book)).toEqual([]);
    expect(namesOf([first, ...asking(5, 9)], book)).toEqual([]);
    const during = {
      faults: [
        { action: 'inject', second: 4 },
        { action: 'released', second: 7 },
      ],
    };
    expect(namesOf([first, ...asking(5, 6, 7.5)], book, during)).toEqual([]);
    const late = verdictOf([first, ...asking(5, 6, 7.5, 8.5, 9.6)], book, during).anomalies;
    expect(late.map(({ name }) => name)).toEqual(['stuck-key']);
    expect(late[0]?.detail).toEqual({ wire: [], faults: ['n1 is killed, from 4.000 s to 7.000 s'] });
    const settled: Step = [pay('k2'), receipt('t2'), { from: 9, to: 9.1 }];
    expect(namesOf([first, ...asking(5, 6, 7.5), settled], [...book, applied('t2', 'k2')])).toEqual([]);
  });
});

describe('the wire log', () => {
  it('shows retries that nobody asked for', () => {
    expect(namesOf([first], book, { wire: [{}] })).toEqual([]);
    const verdict = verdictOf([first], book, { wire: [{ answered: false, status: null }, {}] });
    expect(verdict.anomalies.map(({ name }) => name)).toEqual(['hidden-retry']);
    expect(verdict.anomalies[0]?.detail).toMatchObject({
      wire: [{ number: 0, answered: false }, { number: 1 }],
      faults: [],
    });
    expect(verdict.anomalies[0]?.explanation).toContain(
      'sent to n1 2 times (on the wire #0, #1), although it was asked',
    );
  });

  it('does not take for a retry what a rule made, what went through another node, or another payer’s equal key', () => {
    const again: Step = [pay('k1'), receipt('t1'), { node: 'n2', from: 50, to: 51 }];
    const other: Step = [pay('k1', 10, 'b', 'a'), receipt('t9')];
    const two = [...book, applied('t9', 'k1', 10, 'b', 'a')];
    expect(namesOf([first], book, { wire: [{}, { origin: 'copy', of: 0 }] })).toEqual([]);
    expect(namesOf([first, again], book, { wire: [{}, { node: 'n2' }] })).toEqual([]);
    expect(namesOf([first, again], book, { wire: [{}, {}] })).toEqual(['hidden-retry']);
    expect(namesOf([first, other], two, { wire: [{}, { payload: 'q', answer: 'r9' }] })).toEqual([]);
  });

  it('does not take for a retry what was sent after the history broke off', () => {
    expect(namesOf([first], book, { wire: [{}, { sentNs: 1e15 }] })).toEqual([]);
    expect(namesOf([first], book, { wire: [{}, { sentNs: 1e9 }] })).toEqual(['hidden-retry']);
  });

  it('does not compare the answers to two payers whose requests look alike', () => {
    const other: Step = [pay('k1', 10, 'blue.a', 'blue.b'), receipt('t9')];
    const two = [...book, applied('t9', 'k1', 10, 'blue.a', 'blue.b')];
    expect(namesOf([first, other], two, { wire: [{}, { answer: 'r9' }] })).not.toContain('unstable-response');
  });

  it('shows answers that disagree, though no client heard more than one of them', () => {
    const copy = { origin: 'copy', of: 0 } as const;
    expect(namesOf([first], book, { wire: [{}, { ...copy, answer: 'r2' }] })).toEqual(['unstable-response']);
    expect(namesOf([first], book, { wire: [{}, { ...copy, status: 402, answer: 'no' }] })).toEqual([
      'unstable-response',
    ]);
    for (const entry of [{ answer: 'r1' }, { answer: null }, { status: 503, answer: 'no' }, { status: null }])
      expect(namesOf([first], book, { wire: [{}, { ...copy, ...entry }] })).toEqual([]);
  });

  it('is counted in the statistics', () => {
    const wire = [{}, { origin: 'copy', of: 0 }, { key: null, method: 'GET', answered: false }] as const;
    expect(verdictOf([first], book, { wire }).statistics).toMatchObject({
      wire: { requests: 3, keyed: 2, copies: 1, copiesAnswered: 1, answersLost: 1, incomplete: null },
    });
  });
});

describe('a doubt', () => {
  const doubts = (end: End): Step[] => [
    [pay('k2'), lost, { from: 1, to: 2 }],
    ...[31, 32, 33].map((from): Step => [pay('k2'), end, { from, to: from + 0.5 }]),
  ];

  it('that is settled when all is healed, or was not asked about again, is none', () => {
    expect(namesOf([first, ...doubts(receipt('t2'))], [...book, applied('t2', 'k2')], { finalFrom: 30 })).toEqual([]);
    expect(namesOf([first, ...doubts(refused('http-402'))], book, { finalFrom: 30 })).toEqual([]);
    expect(namesOf([first, ...doubts(lost)], book, { finalFrom: 90 })).toEqual([]);
  });

  it('that is settled at last is none, however often it was asked about', () => {
    const settled: Step = [pay('k2'), receipt('t2'), { from: 34, to: 35 }];
    expect(namesOf([first, ...doubts(lost), settled], [...book, applied('t2', 'k2')], { finalFrom: 30 })).toEqual([]);
  });

  it('must not outlive the faults', () => {
    expect(namesOf([first, ...doubts(lost)], book, { finalFrom: 30 })).toEqual(['unresolved-outcome']);
  });
});

it('what was refused may be applied for a copy that the network delivered, unless that was refused too', () => {
  const steps: Step[] = [first, [pay('k2'), refused('http-503')]];
  const both = [...book, applied('t2', 'k2')];
  const sent = { key: 'k2', payload: 'q', status: 503, answer: 'shed' } as const;
  const copy = { ...sent, origin: 'copy', of: 1 } as const;
  const names = (...wire: Partial<WireEntry>[]) => namesOf(steps, both, { wire: [{}, sent, ...wire] });
  expect(names({ ...copy, status: 201, answer: 'r2' })).toEqual([]);
  expect(names({ ...copy, status: null, answer: null })).toEqual([]);
  expect(names()).toEqual(['rejected-but-applied']);
  expect(names(copy)).toEqual(['rejected-but-applied']);
  expect(names({ ...copy, key: 'k3', status: 201 })).toEqual(['rejected-but-applied']);
});

describe('several reads of the books', () => {
  const list = (books: readonly object[], from: number, to: number): Step => [
    { f: 'applied' },
    { ok: books as unknown as Json },
    { from, to },
  ];
  const held = (balance: number, from: number): Step => [
    { f: 'balance', account: 'a' },
    { ok: balance },
    { from, to: from + 1 },
  ];
  const second: Step = [pay('k2'), lost, { from: 1, to: 2 }];

  it('may differ where they overlap, but what one held the next must hold', () => {
    const both = [...book, applied('t2', 'k2')];
    expect(namesOf([first, second, list(both, 10, 20), list(book, 15, 25)], both)).toEqual([]);
    expect(namesOf([first, second, list(both, 10, 12), list(book, 15, 25)], both)).toEqual(['lost-application']);
  });

  it('do not make a balance wrong that was read before the second of two effects', () => {
    const twice = [...book, applied('t2', 'k1')];
    expect(namesOf([first, held(90, 5)], twice)).toEqual(['duplicate-application']);
    expect(namesOf([first, held(100, 5)], twice)).toEqual(['duplicate-application', 'stale-balance']);
  });

  it('rule out that something was applied earlier than the list that lacks it', () => {
    expect(namesOf([first, second, held(90, 5)], book)).toEqual([]);
    expect(namesOf([first, second, held(80, 5)], book)).toEqual(['stale-balance']);
  });
});

describe('each guarantee', () => {
  const of = (name: string, ...judged: Parameters<typeof verdictOf>) =>
    verdictOf(...judged).guarantees?.find((one) => one.name === name);

  it('is kept with the number of its cases, broken with what shows it, or not judged', () => {
    expect(of('at most once', [first], book)).toEqual({ name: 'at most once', validity: 'valid', cases: 1 });
    expect(of('at most once', [first], [...book, ...book])).toMatchObject({
      validity: 'invalid',
      reason: 'duplicate-application',
    });
    expect(of('crashes', [first], book)).toMatchObject({ validity: 'unknown', cases: 0 });
  });

  it('about crashes counts what was under way when a node died', () => {
    const faults = [
      { action: 'injected', second: 0.2 },
      { action: 'released', second: 0.4 },
    ];
    expect(of('crashes', [first], book, { faults })).toMatchObject({ validity: 'valid', cases: 1 });
    const later = faults.map((fault) => ({ ...fault, second: fault.second + 50 }));
    expect(of('crashes', [first], book, { faults: later })).toMatchObject({ validity: 'unknown' });
  });
});

describe('what is not judged', () => {
  it('is named, and is not named once it was seen', () => {
    const nothing = notJudged([first], book);
    for (const name of ['concurrent duplicates', 'one payload', 'scope', 'begin alike', 'hidden retries', 'restore'])
      expect(nothing).toContain(name);
    const steps: Step[] = [
      [pay('k1'), receipt('t1'), { from: 1, to: 3 }],
      [pay('k1'), receipt('t1'), { from: 2, to: 4, node: 'n2' }],
      [pay('k1', 11), refused(), { from: 5, to: 6 }],
      [pay('k1', 10, 'b', 'a'), receipt('t2'), { from: 7, to: 8 }],
      [pay(`${'x'.repeat(40)}1`, 1), receipt('t3', 1), { from: 9, to: 10 }],
      [pay(`${'x'.repeat(40)}2`, 1), receipt('t4', 1), { from: 11, to: 12 }],
    ];
    const books = [
      ...book,
      applied('t2', 'k1', 10, 'b', 'a'),
      applied('t3', `${'x'.repeat(40)}1`, 1),
      applied('t4', `${'x'.repeat(40)}2`, 1),
    ];
    const sameNode: Step[] = [
      [pay('k1'), receipt('t1'), { from: 1, to: 3 }],
      [pay('k1'), receipt('t1'), { from: 2, to: 4 }],
    ];
    expect(notJudged(sameNode, book)).toContain('concurrent');
    const seen = notJudged(steps, books, { wire: [{}, { origin: 'copy', of: 0 }] });
    for (const name of ['concurrent', 'one payload', 'scope', 'begin alike', 'hidden retries'])
      expect(seen).not.toContain(name);
    expect(seen).toContain('restore');
    expect(verdictOf(steps, books).validity).toBe('valid');
  });

  it('is what an incomplete wire log may lack', () => {
    expect(notJudged([first], book, { wire: [{}], incomplete: 'the wire log was full' })).toContain(
      'no hidden retries: the wire log was full',
    );
  });
});
