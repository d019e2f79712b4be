import { describe, expect, it } from 'vitest';
import type { Checker, HistoryEvent, Verdict } from '../../rig/contract.ts';
import { History } from '../../rig/history.ts';
import { isolationBy } from './by-name.ts';
import { listAppend } from './list-append.ts';
import { sketchTransactions } from './sketch-transactions.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };

function judge(picture: string, options = ''): Verdict {
  const checker = options === '' ? listAppend : isolationBy(`list-append:${options}`);
  return (checker as unknown as Checker).check(sketchTransactions(picture), patient) as Verdict;
}

const namesIn = (verdict: Verdict): string[] => [...new Set(verdict.anomalies.map(({ name }) => name))].sort();
const anomalies = (picture: string, model?: string): string[] => namesIn(judge(picture, model));
const refuted = (picture: string): unknown => (judge(picture).statistics as { readonly not: unknown }).not;

describe('list-append', () => {
  it('accepts transactions that have an order, and says of how many it speaks', () => {
    const verdict = judge(`
      p0  |-ax1 ay1-|      |-rx12 ay2-|
      p1          |-ax2-|                |-ry12 rx12-|
    `);
    expect(verdict.validity).toBe('valid');
    expect(verdict.summary).toBe('4 transactions over 2 keys show no anomaly that strict-serializable forbids');
  });

  it('G0: appends of two transactions in different orders on two keys', () => {
    const picture = (seen: string) => `
      p0  |-ax1 ay1-|
      p1  |-ax2 ay2-|
      p2                |-rx12 ${seen}-|
    `;
    expect(anomalies(picture('ry21'), 'read-uncommitted')).toEqual(['G0']);
    expect(refuted(picture('ry21'))).toEqual(['read-uncommitted']);
    expect(judge(picture('ry12')).validity).toBe('valid');
  });

  it('concludes nothing of order from an append that failed', () => {
    const picture = `
      p0  |-ax1 ay2-x
      p1  |-ax2 ay1-|
      p2               |-rx12 ry12-|
    `;
    expect(anomalies(picture, 'serializable')).toEqual(['G1a', 'dirty-update']);
    expect(anomalies(picture.replace('-x', '-?'), 'serializable')).toEqual(['G0']);
  });

  it('G1a: a read of what was aborted', () => {
    const picture = (end: string) => `
      p0  |-ax1-${end}
      p1            |-rx1-|
    `;
    expect(anomalies(picture('x'), 'read-committed')).toEqual(['G1a']);
    expect(judge(picture('x'), 'read-uncommitted').validity).toBe('valid');
    expect(judge(picture('|')).validity).toBe('valid');
    expect(judge(picture('?')).validity).toBe('valid');
  });

  it('G1b: a read between the appends of one transaction', () => {
    const picture = (seen: string) => `
      p0  |-ax1 ax2-|
      p1    |-${seen}-|
      p2                |-rx12-|
    `;
    expect(anomalies(picture('rx1'), 'read-committed')).toEqual(['G1b']);
    expect(judge(picture('rx12')).validity).toBe('valid');
    expect(judge(picture('rx_')).validity).toBe('valid');
  });

  it('does not take a read of the transaction itself between its own appends for G1b', () => {
    expect(judge('p0  |-ax1 rx1 ax2 rx12-|  |-rx12-|').validity).toBe('valid');
  });

  it('G1c: two transactions that each saw the other', () => {
    const picture = (seen: string) => `
      p0  |-ax1 ry1-|
      p1  |-ay1 ${seen}-|
    `;
    expect(anomalies(picture('rx1'), 'read-committed')).toEqual(['G1c']);
    expect(judge(picture('rx_')).validity).toBe('valid');
  });

  it('G-single: a read that saw one half of a transaction', () => {
    const picture = (seen: string) => `
      p0  |-ax1 ay1-|
      p1     |-rx1 ${seen}-|
      p2                     |-ry1-|
    `;
    expect(anomalies(picture('ry_'), 'snapshot-isolation')).toEqual(['G-single-item']);
    expect(refuted(picture('ry_'))).toEqual(['consistent-view', 'repeatable-read']);
    expect(judge(picture('ry_'), 'read-committed').validity).toBe('valid');
    expect(judge(picture('ry1')).validity).toBe('valid');
  });

  it('G-nonadjacent: two readers that saw two transactions in different orders', () => {
    const picture = (seen: string) => `
      p0  |-ax1----|
      p1  |-ay1----|
      p2     |-rx1 ry_-|
      p3     |-ry1 ${seen}-|
    `;
    expect(anomalies(picture('rx_'), 'snapshot-isolation')).toEqual(['G-nonadjacent-item']);
    expect(judge(picture('rx1')).validity).toBe('valid');
  });

  it('G2-item: write skew, which snapshot isolation allows', () => {
    const picture = (seen: string) => `
      p0  |-rx_ ay1-|
      p1  |-${seen} ax1-|
      p2                |-rx1 ry1-|
    `;
    expect(anomalies(picture('ry_'), 'serializable')).toEqual(['G2-item']);
    expect(judge(picture('ry_'), 'snapshot-isolation')).toMatchObject({ validity: 'valid' });
    expect(judge(picture('ry_'), 'snapshot-isolation').summary).toContain('there was G2-item');
    expect(judge(picture('ry1')).validity).toBe('valid');
  });

  it('lost-update: two transactions that read one version and both built on it', () => {
    const picture = (seen: string) => `
      p0  |-ax1-|  |-rx1 ax2-|
      p1           |-${seen} ax3-|
      p2                            |-rx123-|
    `;
    expect(anomalies(picture('rx1'))).toEqual(['G-single-item', 'lost-update']);
    expect(refuted(picture('rx1'))).toEqual(['cursor-stability', 'update-atomic']);
    expect(judge(picture('rx12')).validity).toBe('valid');
  });

  it('dirty-update: a commit built upon an abort', () => {
    const picture = (end: string) => `
      p0  |-ax1-${end}
      p1               |-ax2-|  |-rx12-|
    `;
    expect(anomalies(picture('x'))).toEqual(['G1a', 'dirty-update']);
    expect(judge(picture('|')).validity).toBe('valid');
  });

  it('internal: a transaction that contradicts itself', () => {
    for (const did of ['ax1 rx2', 'ax1 rx_', 'rx_ ax1 rx21', 'rx_ rx2'])
      expect(anomalies(`p0  |-${did}-|\np1  |-ax2-|`)).toContain('internal');
    expect(judge('p0  |-ax1 rx21-|\np1  |-ax2-|').validity).toBe('valid');
    expect(judge('p0  |-rx_ ax1 ax3 rx13-|\np1                     |-ax2-|').validity).toBe('valid');
  });

  it('future-read: a transaction that saw its own append before it made it', () => {
    expect(anomalies('p0  |-rx1 ax1-|')).toEqual(['future-read']);
    expect(judge('p0  |-rx_ ax1 rx1-|  |-rx1-|').validity).toBe('valid');
  });

  it('duplicate-elements: one append that shows twice', () => {
    expect(anomalies('p0  |-ax1 ax2-|  |-rx121-|', 'read-uncommitted')).toEqual(['duplicate-elements']);
    expect(judge('p0  |-ax1 ax2-|  |-rx12-|').validity).toBe('valid');
  });

  it('incompatible-order: reads of which none continues the other', () => {
    const picture = (seen: string) => `
      p0  |-ax1-|   |-rx1${seen}-|
      p1  |-ax2-|   |-rx12-|
      p2  |-ax3-----------|
    `;
    expect(anomalies(picture('32'))).toEqual(['incompatible-order']);
    expect(judge(picture('23')).validity).toBe('valid');
  });

  it('thin-air-read: an element that nobody appended', () => {
    expect(anomalies('p0  |-ax1-|  |-rx19-|')).toEqual(['thin-air-read']);
  });
});

describe('the order of time', () => {
  const stale = `
    p0  |-ax1-|
    p1            |-rx_-|
  `;

  it('forbids a read that missed what had completed before, if the model knows real time', () => {
    expect(anomalies(stale)).toEqual(['G-single-item-realtime']);
    expect(refuted(stale)).toEqual(['strong-snapshot-isolation']);
    expect(judge(stale, 'strong-session-serializable').validity).toBe('valid');
    expect(judge(stale, 'serializable').validity).toBe('valid');
  });

  it('allows the same read once the two overlap', () => {
    expect(
      judge(`
        p0  |-ax1------|
        p1          |-rx_-|
      `).validity,
    ).toBe('valid');
  });

  it('is named after the process when one process missed its own work', () => {
    const own = 'p0  |-ax1-|   |-rx_-|';
    expect(anomalies(own)).toEqual(['G-single-item-process']);
    expect(anomalies(own, 'strong-session-serializable')).toEqual(['G-single-item-process']);
    expect(judge(own, 'serializable').validity).toBe('valid');
  });

  it('holds through others: what was seen to have happened cannot be missed', () => {
    expect(
      anomalies(`
        p0  |-ax1------------------------------|
        p1      |-rx1 ay1-|
        p2                  |-ry1-|  |-rx_-|
      `),
    ).toContain('G-single-item-process');
    expect(
      anomalies(`
        p0  |-ax1------------------------------|
        p1      |-rx1-|
        p2              |-rx_-|
      `),
    ).toEqual(['G-single-item-realtime']);
  });

  it('finds a commit order against real time: G0 and G2 in their real-time forms', () => {
    expect(
      anomalies(`
        p0  |-ax1-|
        p1          |-ax2-|
        p2                  |-rx21-|
      `),
    ).toEqual(['G0-realtime']);
    expect(
      anomalies(`
        p0  |-rx_ ay1-----------------|
        p1             |-ax1-|
        p2                     |-rz_ ry_ az1-|
        p3                                      |-rx1 ry1 rz1-|
      `),
    ).toEqual(['G2-item-realtime']);
  });

  it('does not order what was never answered after anything', () => {
    expect(
      judge(`
        p0  |-ax1-?
        p1           |-rx_-|  |-rx1-|
      `).validity,
    ).toBe('valid');
    expect(
      anomalies(`
        p0  |-ax1-?
        p1           |-rx1-|
        p2                    |-rx_-|
      `),
    ).toEqual(['G-single-item-realtime']);
  });
});

describe('explanations', () => {
  it('name the transactions, give one reason for each step, and end in the contradiction', () => {
    const [anomaly] = judge(`
      p0  |-ax1 ay1-|
      p1     |-rx1 ry_-|
      p2                     |-ry1-|
    `).anomalies;
    expect(anomaly?.explanation).toContain(
      'T1 is operation 0, process 0 through n1, 10.000 s to 20.000 s: append 1 to x',
    );
    expect(anomaly?.explanation).toContain("T1 < T2, because T2 observed T1's append of 1 to key x.");
    expect(anomaly?.explanation).toContain(
      "However, T2 < T1, because T2 did not observe T1's append of 1 to key y: a contradiction!",
    );
    expect(anomaly?.witnesses).toEqual([0, 1]);
    expect(anomaly?.counterexample?.cycle?.map(({ index }) => index)).toEqual([0, 1]);
  });

  it('show the shortest cycle of a component', () => {
    const [anomaly] = judge(`
      p0  |-ax1 ay1 az1-|
      p1     |-rx1 ax2 ry_-|
      p2         |-rx12 az2 ry_-|
      p3                            |-ry1 rz12-|
    `).anomalies;
    expect(anomaly?.witnesses).toHaveLength(2);
  });
});

describe('a component with several kinds of cycles', () => {
  /** Write skew of the last two, on p and q, beside what else the first of them takes part in. */
  const skew = `
      p3     |-rq_ ap1-|
      p4                           |-rp1 rq1-|`;

  it('tells of the longer G-single before the shorter G2-item', () => {
    const verdict = judge(`
      p0  |-ax1-----|
      p1     |-rx1 ay1-|
      p2     |-ry1 rx_ rp_ aq1-|${skew}
    `);
    expect(namesIn(verdict)).toEqual(['G-single-item']);
    expect(verdict.anomalies[0]?.witnesses).toHaveLength(3);
  });

  it('tells of the longer G-nonadjacent before the shorter G2-item', () => {
    const verdict = judge(`
      p0  |-ax1-----|
      p1  |-ay1-----|
      p2     |-rx1 ry_ rp_ aq1-|
      p5     |-ry1 rx_-|${skew}
    `);
    expect(namesIn(verdict)).toEqual(['G-nonadjacent-item']);
    expect(verdict.anomalies[0]?.witnesses).toHaveLength(4);
  });
});

describe('many readers and writers of one version', () => {
  const picture = (last: string) =>
    [
      ...Array.from({ length: 30 }, () => 'p0  |-rx_ rz_-|'),
      'p0  |-rx_ ax9 az1-|',
      ...Array.from({ length: 30 }, (_, value) => `p0  |-a${'bcdefghijk'[value % 10]}${value % 10} axN-|`),
      `p0  |-${last}-|`,
    ].join(' ');

  /** One process after the other, with as many values as it takes. */
  function historyOf(last: string): History {
    let fresh = 100;
    const micros = [...picture(last).matchAll(/\|-(.*?)-\|/g)].map(([, text = '']) =>
      text.split(' ').map((micro) => {
        const [, f, key, value] = /^([ar])([a-z])(\d|_|N)$/.exec(micro) ?? [];
        if (f === 'r') return ['r', key, value === '_' ? [] : [Number(value)]];
        return ['append', key, value === 'N' || key !== 'z' ? ++fresh : Number(value)];
      }),
    );
    const events = micros.flatMap((output) => [
      {
        type: 'invoke',
        process: 0,
        input: { f: 'txn', value: output.map(([f, key, value]) => [f, key, f === 'r' ? null : value]) },
      },
      { type: 'ok', process: 0, output },
    ]);
    return new History(
      events.map((event, index) => ({ ...event, index, timeNs: index, node: 'n1' }) as unknown as HistoryEvent),
    );
  }

  it('are judged without an edge for each pair, also where one is both', () => {
    const check = (last: string) => listAppend.check(historyOf(last) as never, patient) as Verdict;
    expect(check('rz1')).toMatchObject({ validity: 'valid' });
    expect(check('rx_')).toMatchObject({ validity: 'invalid' });
  });
});

describe('what is not judged', () => {
  it('is unknown when nothing was asked, succeeded, or read', () => {
    expect((listAppend.check(new History([]) as never, patient) as Verdict).validity).toBe('unknown');
    expect(judge('p0  |-ax1-x').validity).toBe('unknown');
    expect(judge('p0  |-ax1-|   |-ax2-|').summary).toContain('read anything');
    expect(judge('p0  |-rx_-|').summary).toContain('had to do with each other');
  });

  it('is unknown when values are not unique, and says which', () => {
    const verdict = judge(`
      p0  |-ax1-|
      p1          |-ax1-|   |-rx1-|
    `);
    expect(verdict.validity).toBe('unknown');
    expect(verdict.summary).toContain('1 was written to key x more than once');
  });

  it('is unknown when the history holds something else', () => {
    const verdict = judge('p0  |-wx1-|');
    expect(verdict.validity).toBe('unknown');
    expect(verdict.summary).toContain('operation 0 is no transaction of ["append", key, value]');
  });

  it('is unknown when the budget runs out', () => {
    const spent = { exhausted: () => true, reason: () => '0 s of time' };
    const history = sketchTransactions('p0  |-ax1-|  |-rx1-|');
    const verdict = listAppend.check(history as never, spent) as Verdict;
    expect(verdict).toMatchObject({ validity: 'unknown' });
    expect(verdict.summary).toContain('0 s of time ran out');
  });
});
