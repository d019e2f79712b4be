import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Json, Verdict } from '../rig/contract.ts';
import { History } from '../rig/history.ts';
import { exactlyOnce, type TransfersInput, type TransfersOutput } from './exactly-once.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };

/** A request that was answered before the next one began: what was asked, and how it ended. */
type Step = readonly [
  input: object,
  end: { readonly ok: Json } | { readonly fail: string } | { readonly info: string },
];

const payment = (key: string, from = 'a', to = 'b', amount = 10) => ({ f: 'transfer', key, from, to, amount });
const applied = (id: string, key: string, from = 'a', to = 'b', amount = 10) => ({ id, key, from, to, amount });
const receipt = (id: string, amount = 10) => ({ ok: { id, amount, replayed: false } });
const lost = { info: 'timeout' };
const refused = { fail: 'http-503' };
const books = (...entries: object[]): Step => [{ f: 'applied' }, { ok: entries as unknown as Json }];
const holding = (a: number, b: number): Step => [
  { f: 'accounts' },
  {
    ok: [
      { account: 'a', opening: 100, balance: a },
      { account: 'b', opening: 0, balance: b },
    ],
  },
];

function verdictOf(...steps: Step[]): Verdict {
  const events = steps.flatMap(([input, end], process) => {
    const who = { process, node: `n${(process % 3) + 1}` };
    const [[type, what]] = Object.entries(end) as [[string, Json]];
    return [
      { ...who, type: 'invoke', input },
      { ...who, type, ...(type === 'ok' ? { output: what } : { error: what }) },
    ];
  });
  const history = new History(
    events.map((event, index) => ({ ...event, index, timeNs: index * 1e9 }) as HistoryEvent),
  ) as unknown as History<TransfersInput, TransfersOutput>;
  return exactlyOnce.check(history, patient) as Verdict;
}

const namesOf = (...steps: Step[]): string[] => [...new Set(verdictOf(...steps).anomalies.map(({ name }) => name))];

describe('exactly-once', () => {
  it('accepts transfers that were acknowledged, repeated, lost and refused', () => {
    const verdict = verdictOf(
      [payment('k1'), receipt('t1')],
      [payment('k1'), { ok: { id: 't1', amount: 10, replayed: true } }],
      [payment('k2'), lost],
      [payment('k3'), lost],
      [payment('k3'), receipt('t3')],
      [payment('k4'), refused],
      books(applied('t1', 'k1'), applied('t3', 'k3')),
      holding(80, 20),
    );
    expect(verdict).toMatchObject({ validity: 'valid', statistics: { transfers: 4, attempts: 6, attemptedAgain: 2 } });
  });

  it('tells one key of two payers apart', () => {
    expect(
      namesOf(
        [payment('k', 'a', 'b'), receipt('t1')],
        [payment('k', 'b', 'a', 5), receipt('t2', 5)],
        books(applied('t1', 'k'), applied('t2', 'k', 'b', 'a', 5)),
        holding(95, 5),
      ),
    ).toEqual([]);
  });

  it('finds duplicate-application, also of a transfer whose outcome is unknown, and tells its attempts', () => {
    const verdict = verdictOf([payment('k1'), lost], books(applied('t1', 'k1'), applied('t2', 'k1')), holding(80, 20));
    expect(verdict.anomalies.map(({ name }) => name)).toEqual(['duplicate-application']);
    expect(verdict.anomalies[0]).toMatchObject({ witnesses: [0, 2] });
    expect(verdict.anomalies[0]?.explanation).toBe(
      'key k1 of account a: applied 2 times, as t1 and t2 in the list read by operation 2, process 1 through n2, 2.000 s to 3.000 s. ' +
        'The only attempt: 10 to b (operation 0, process 0 through n1, 0.000 s to 1.000 s): info (timeout)',
    );
  });

  it('finds a duplicate in an early list that a later one no longer shows', () => {
    expect(
      namesOf(
        [payment('k1'), receipt('t1')],
        books(applied('t1', 'k1'), applied('t2', 'k1')),
        books(applied('t1', 'k1')),
        holding(90, 10),
      ),
    ).toEqual(['duplicate-application']);
  });

  it('finds acknowledged-not-applied', () => {
    expect(namesOf([payment('k1'), receipt('t1')], books(), holding(100, 0))).toEqual(['acknowledged-not-applied']);
  });

  it('finds acknowledged-not-applied where another id was applied than was acknowledged', () => {
    expect(namesOf([payment('k1'), receipt('t9')], books(applied('t1', 'k1')), holding(90, 10))).toEqual([
      'acknowledged-not-applied',
    ]);
  });

  it('finds rejected-but-applied, unless another attempt may have done it', () => {
    const list = [books(applied('t1', 'k1')), holding(90, 10)] as const;
    expect(namesOf([payment('k1'), refused], [payment('k2'), receipt('t2')], ...list)).toContain(
      'rejected-but-applied',
    );
    expect(namesOf([payment('k1'), refused], [payment('k1'), lost], ...list)).toEqual([]);
  });

  it('finds rejected-but-applied in a list that was read before the next attempt', () => {
    expect(
      namesOf(
        [payment('k1'), refused],
        books(applied('t1', 'k1')),
        [payment('k1'), receipt('t1')],
        books(applied('t1', 'k1')),
        holding(90, 10),
      ),
    ).toEqual(['rejected-but-applied']);
  });

  it('finds foreign-response', () => {
    expect(
      namesOf(
        [payment('k', 'a', 'b'), receipt('t1')],
        [payment('k', 'b', 'a'), receipt('t1')],
        books(applied('t1', 'k', 'a', 'b')),
        holding(90, 10),
      ),
    ).toContain('foreign-response');
    expect(namesOf([payment('k1'), receipt('t1', 11)], books(applied('t1', 'k1')), holding(90, 10))).toEqual([
      'foreign-response',
    ]);
  });

  it('finds unstable-response', () => {
    expect(
      namesOf(
        [payment('k1'), receipt('t1')],
        [payment('k1'), receipt('t2')],
        books(applied('t1', 'k1')),
        holding(90, 10),
      ),
    ).toEqual(['unstable-response']);
  });

  it('finds phantom-application: never asked for, or asked for otherwise', () => {
    const [first] = [[payment('k1'), receipt('t1')]] as const;
    expect(namesOf(first as Step, books(applied('t1', 'k1'), applied('t2', 'k2')), holding(80, 20))).toEqual([
      'phantom-application',
    ]);
    expect(namesOf(first as Step, books(applied('t1', 'k1', 'a', 'b', 12)), holding(88, 12))).toEqual([
      'phantom-application',
    ]);
  });

  it('finds lost-application: listed once, and not later', () => {
    expect(
      namesOf(
        [payment('k1'), lost],
        [payment('k2'), receipt('t2')],
        books(applied('t1', 'k1'), applied('t2', 'k2')),
        books(applied('t2', 'k2')),
        holding(90, 10),
      ),
    ).toEqual(['lost-application']);
  });

  it('finds stale-balance, and lets a balance miss what is not yet acknowledged', () => {
    const read = (balance: number): Step => [{ f: 'balance', account: 'a' }, { ok: balance }];
    const rest = [books(applied('t1', 'k1'), applied('t2', 'k2')), holding(80, 20)] as const;
    const told = (balance: number) =>
      namesOf([payment('k1'), receipt('t1')], [payment('k2'), lost], read(balance), ...rest);
    expect(told(90)).toEqual([]);
    expect(told(80)).toEqual([]);
    expect(told(100)).toEqual(['stale-balance']);
    expect(told(70)).toEqual(['stale-balance']);
  });

  it('finds stale-balance by what was acknowledged alone, where no later list tells more', () => {
    const read = (balance: number): Step => [{ f: 'balance', account: 'a' }, { ok: balance }];
    const names = (balance: number) =>
      namesOf(books(), holding(100, 0), [payment('k1'), receipt('t1')], [payment('k2'), lost], read(balance));
    expect(names(90)).toEqual([]);
    expect(names(80)).toEqual([]);
    expect(names(100)).toEqual(['stale-balance']);
  });

  it('lets a balance be as old as it says, and finds stale-beyond-bound', () => {
    // An event each second: the payments end at 1 s and 3 s, the read begins at 4 s.
    const names = (balance: number, staleMs: number) =>
      namesOf(
        [payment('k1'), receipt('t1')],
        [payment('k2'), receipt('t2')],
        [{ f: 'balance', account: 'a', mayBeOld: true }, { ok: { balance, staleMs } }],
        books(applied('t1', 'k1'), applied('t2', 'k2')),
        holding(80, 20),
      );
    expect(names(80, 0)).toEqual([]);
    expect(names(90, 2_000)).toEqual([]);
    expect(names(100, 3_000)).toEqual([]);
    expect(names(100, 4_000)).toEqual([]);
    expect(names(100, 500)).toEqual(['stale-beyond-bound']);
    expect(names(100, 1_000)).toEqual(['stale-beyond-bound']);
    expect(names(877, 4_000)).toEqual(['stale-beyond-bound']);
  });

  it('finds money-not-conserved: in one account, in all together, and in an opening that changed', () => {
    const before: readonly Step[] = [[payment('k1'), receipt('t1')], books(applied('t1', 'k1'))];
    expect(namesOf(...before, holding(90, 10))).toEqual([]);
    expect(namesOf(...before, holding(91, 9))).toEqual(['money-not-conserved']);
    expect(namesOf(...before, holding(90, 11))).toEqual(['money-not-conserved']);
    expect(
      verdictOf(...before, holding(90, 9))
        .anomalies.map(({ explanation }) => explanation)
        .join(),
    ).toContain('all accounts together opened with 100 and hold 99');
    const changed: Step = [{ f: 'accounts' }, { ok: [{ account: 'a', opening: 90, balance: 90 }] }];
    expect(namesOf(...before, holding(90, 10), changed)).toEqual(['money-not-conserved']);
  });

  it('is unknown without the evidence, and says what is missing', () => {
    expect(verdictOf([payment('k1'), receipt('t1')], holding(90, 10))).toMatchObject({
      validity: 'unknown',
      summary: 'no list of the applied transfers was read',
    });
    expect(verdictOf(books(), [payment('k1'), receipt('t1')], holding(90, 10)).summary).toBe(
      'no list of the applied transfers was read after the last acknowledged transfer',
    );
    expect(verdictOf([payment('k1'), lost], books(), holding(100, 0)).summary).toBe('no transfer was acknowledged');
    expect(verdictOf([payment('k1'), receipt('t1')], [{ f: 'applied' }, { ok: 'all of them' }]).summary).toContain(
      'operation 2 answered applied with something else',
    );
    expect(verdictOf().validity).toBe('unknown');
  });

  it('tells twenty anomalies of a name and counts the rest', () => {
    const steps = Array.from({ length: 50 }, (_, nth): Step => [payment(`k${nth}`), receipt(`t${nth}`)]);
    const verdict = verdictOf(...steps, books(), holding(100, 0));
    expect(verdict.anomalies).toHaveLength(20);
    expect(verdict).toMatchObject({ statistics: { anomalies: { 'acknowledged-not-applied': 50 } } });
  });
});
