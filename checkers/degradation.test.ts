import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Json } from '../rig/contract.ts';
import { History } from '../rig/history.ts';
import { degradation } from './degradation.ts';

const checker = degradation({
  table: { outage: { pay: 'closed', look: 'marked' }, trouble: { pay: 'open' } },
  oldestMs: 1_000,
  answers: ['http-402'],
  blurredBy: { failover: (outage) => (outage as { readonly how?: string }).how !== 'all' },
});

type Step = {
  readonly at: number;
  readonly node?: string;
  readonly f: string;
  readonly output?: Json;
  readonly error?: string;
};
type Fault = {
  readonly nemesis: string;
  readonly from: number;
  readonly to: number;
  readonly nodes?: readonly string[];
  readonly how?: string;
};

/** Times in seconds; a request takes a tenth of one, and so does it until a fault is in force, or gone. */
function verdictOf(steps: readonly Step[], faults: readonly Fault[] = [{ nemesis: 'outage', from: 10, to: 20 }]) {
  const events = [
    ...steps.flatMap(({ at, node = 'n1', f, output, error }, process) => [
      { timeNs: at * 1e9, type: 'invoke', process, node, input: { f } },
      error === undefined
        ? { timeNs: (at + 0.1) * 1e9, type: 'ok', process, node, output: output ?? null }
        : { timeNs: (at + 0.1) * 1e9, type: 'fail', process, node, error },
    ]),
    ...faults.flatMap(({ nemesis, from, to, nodes, how }, number) => {
      const about = {
        type: 'nemesis',
        nemesis,
        hold: `${nemesis}-${number}`,
        fault: { ...(nodes ? { nodes } : {}), ...(how ? { how } : {}) },
        sentence: 'it is so',
      };
      return [
        { ...about, timeNs: from * 1e9, action: 'inject' },
        { ...about, timeNs: (from + 0.1) * 1e9, action: 'injected' },
        { ...about, timeNs: to * 1e9, action: 'release' },
        { ...about, timeNs: (to + 0.1) * 1e9, action: 'released' },
      ];
    }),
  ].sort((one, other) => one.timeNs - other.timeNs);
  const history = new History(events.map((event, index) => ({ ...event, index }) as unknown as HistoryEvent));
  return checker.check(history, { exhausted: () => false, reason: () => '' }) as Awaited<
    ReturnType<typeof checker.check>
  >;
}

const found = (...given: Parameters<typeof verdictOf>) => verdictOf(...given).anomalies.map(({ name }) => name);

describe('in an outage', () => {
  it('what fails closed may be refused, and must not be acknowledged', () => {
    expect(verdictOf([{ at: 12, f: 'pay', error: 'http-503' }]).validity).toBe('valid');
    expect(found([{ at: 12, f: 'pay' }])).toEqual(['fail-open']);
  });

  it('what is marked may be refused or bear its age, and must bear it, within the bound', () => {
    expect(found([{ at: 12, f: 'look', error: 'http-503' }])).toEqual([]);
    expect(found([{ at: 12, f: 'look', output: { balance: 1, staleMs: 900 } }])).toEqual([]);
    expect(found([{ at: 12, f: 'look', output: 1 }])).toEqual(['unmarked-stale-read']);
    expect(found([{ at: 12, f: 'look', output: { balance: 1, staleMs: 1_100 } }])).toEqual(['too-stale']);
  });

  it('only requests are judged that lie within it, at a node that has it', () => {
    for (const at of [9.95, 10.05, 19.95, 20.5]) expect(found([{ at, f: 'pay' }])).toEqual([]);
    const ofOne = [{ nemesis: 'outage', from: 10, to: 20, nodes: ['n1'] }];
    expect(found([{ at: 12, f: 'pay', node: 'n2' }], ofOne)).toEqual([]);
    expect(found([{ at: 12, f: 'pay', node: 'n1' }], ofOne)).toEqual(['fail-open']);
  });

  it('nothing is judged beside a fault that gives nodes another store', () => {
    const outage = { nemesis: 'outage', from: 10, to: 20 };
    expect(found([{ at: 12, f: 'pay' }], [outage, { nemesis: 'failover', from: 19, to: 25 }])).toEqual([]);
    expect(found([{ at: 12, f: 'pay' }], [outage, { nemesis: 'failover', from: 21, to: 25 }])).toEqual(['fail-open']);
  });

  it('an outage of every store is judged all the same', () => {
    const outage = { nemesis: 'outage', from: 10, to: 20, how: 'all' };
    expect(found([{ at: 12, f: 'pay' }], [outage, { nemesis: 'failover', from: 11, to: 15 }])).toEqual(['fail-open']);
  });

  it('without any request there is no verdict', () => {
    expect(verdictOf([{ at: 1, f: 'pay' }]).validity).toBe('unknown');
    expect(verdictOf([{ at: 12, f: 'other' }]).validity).toBe('unknown');
  });
});

describe('in a trouble that changes nothing', () => {
  const trouble = { nemesis: 'trouble', from: 10, to: 20 };
  const pays = (refused: number, error = 'http-503'): Step[] =>
    Array.from({ length: 30 }, (_, nth) => ({ at: 11 + nth / 5, f: 'pay', ...(nth < refused ? { error } : {}) }));

  it('a few requests may be refused, and many must not, unless the answer is no', () => {
    expect(found(pays(2), [trouble])).toEqual([]);
    expect(found(pays(10), [trouble])).toEqual(['needless-refusal']);
    expect(found(pays(10, 'http-402'), [trouble])).toEqual([]);
  });

  it('as many may be refused as in calm', () => {
    const calm = Array.from(
      { length: 30 },
      (_, nth): Step => ({
        at: 30 + nth / 5,
        f: 'pay',
        ...(nth < 10 ? { error: 'http-503' } : {}),
      }),
    );
    expect(found([...pays(10), ...calm], [trouble])).toEqual([]);
    expect(found([...pays(20), ...calm], [trouble])).toEqual(['needless-refusal']);
  });

  it('many may be refused while something else is broken as well', () => {
    expect(found(pays(10), [trouble, { nemesis: 'kill', from: 10, to: 20 }])).toEqual([]);
    expect(found(pays(10), [trouble, { nemesis: 'kill', from: 1, to: 5 }])).toEqual(['needless-refusal']);
  });
});
