import { describe, expect, it } from 'vitest';
import type { Checker, Verdict } from '../../rig/contract.ts';
import { History } from '../../rig/history.ts';
import { isolationBy } from './by-name.ts';
import { rwRegister } from './rw-register.ts';
import { sketchTransactions } from './sketch-transactions.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };

function judge(picture: string, options = ''): Verdict {
  const checker = options === '' ? rwRegister : isolationBy(`rw-register:${options}`);
  return (checker as unknown as Checker).check(sketchTransactions(picture), patient) as Verdict;
}

const anomalies = (picture: string, model?: string): string[] =>
  [...new Set(judge(picture, model).anomalies.map(({ name }) => name))].sort();

describe('rw-register', () => {
  it('accepts transactions that have an order', () => {
    const verdict = judge(`
      p0  |-wx1 wy1-|        |-rx2 wy2-|
      p1          |-rx1 wx2-|             |-ry2 rx2-|
    `);
    expect(verdict).toMatchObject({ validity: 'valid' });
  });

  it('G1a, G1b and G1c: reads of what is aborted, intermediate, or circular', () => {
    const aborted = (end: string) => `
      p0  |-wx1-${end}
      p1           |-rx1-|
    `;
    expect(anomalies(aborted('x'), 'read-committed')).toEqual(['G1a']);
    expect(judge(aborted('|')).validity).toBe('valid');
    expect(judge(aborted('?')).validity).toBe('valid');
    const intermediate = (seen: string) => `
      p0  |-wx1 wx2-|
      p1    |-rx${seen}-|
    `;
    expect(anomalies(intermediate('1'), 'read-committed')).toEqual(['G1b']);
    expect(judge(intermediate('2')).validity).toBe('valid');
    const circular = (seen: string) => `
      p0  |-wx1 ry1-|
      p1  |-wy1 rx${seen}-|
    `;
    expect(anomalies(circular('1'), 'read-committed')).toEqual(['G1c']);
    expect(judge(circular('_')).validity).toBe('valid');
  });

  it('G-single: a read that saw one half of a transaction', () => {
    const picture = (seen: string) => `
      p0  |-wx1 wy1-|
      p1     |-rx1 ry${seen}-|
    `;
    expect(anomalies(picture('_'), 'snapshot-isolation')).toEqual(['G-single-item']);
    expect(judge(picture('_'), 'read-committed').validity).toBe('valid');
    expect(judge(picture('1')).validity).toBe('valid');
  });

  it('sees a fractured read without knowing the order of the writes', () => {
    const picture = (seen: string) => `
      p0  |-wx1 wy1-|
      p1  |-wx2 wy2-|
      p2                |-rx2 ry${seen}-|
    `;
    const verdict = judge(picture('1'), 'serializable');
    expect(verdict.anomalies.map(({ name }) => name)).toEqual(['G-single-item']);
    expect(verdict.anomalies[0]?.explanation).toContain('operation 4 read from both');
    expect(judge(picture('2')).validity).toBe('valid');
    expect(judge(picture('1'), 'read-committed').validity).toBe('valid');
  });

  it('cyclic-versions: a key that does not keep to what is taken for granted of it', () => {
    const inTime = (seen: string) => `
      p0  |-wx1-|        |-ry1-|
      p1         |-wx2 wy1-|
      p2                          |-rx${seen}-|
    `;
    expect(judge(inTime('1'), 'serializable').validity).toBe('valid');
    expect(judge(inTime('1'), 'serializable+sequential-keys').validity).toBe('valid');
    const verdict = judge(inTime('1'), 'serializable+linearizable-keys');
    expect(verdict.anomalies.map(({ name, witnesses }) => [name, witnesses])).toEqual([['cyclic-versions', [0, 2, 6]]]);
    expect(verdict.anomalies[0]?.explanation).toContain('T1 met 1 before T2 met 2; T2 met 2 before T3 met 1');
    expect(judge(inTime('2'), 'serializable+linearizable-keys').validity).toBe('valid');
    const inProcess = (seen: string) => `
      p0  |-wx1-|
      p1  |-wx2-|
      p2         |-rx1-| |-rx${seen}-|
      p3         |-rx2-| |-rx1-|
    `;
    expect(anomalies(inProcess('2'), 'serializable+sequential-keys')).toEqual(['cyclic-versions']);
    expect(anomalies(inProcess('2'), 'serializable')).toEqual([]);
    expect(anomalies(inProcess('1'), 'serializable+sequential-keys')).toEqual([]);
    const initial = (seen: string) => `
      p0  |-rx1-| |-rx${seen}-|
      p1  |-wx1-|
    `;
    expect(anomalies(initial('_'), 'read-uncommitted+sequential-keys')).toEqual(['cyclic-versions']);
    expect(anomalies(initial('1'), 'read-uncommitted+sequential-keys')).toEqual([]);
  });

  it('G0: a write cycle, once the order of the writes of each key is taken for granted', () => {
    const picture = (seen: string) => `
      p0  |-wx1 wy1-|
      p1  |-wx2 wy2-|
      p2                |-rx2-| |-ry${seen}-|
    `;
    const verdict = judge(picture('1'), 'read-uncommitted+linearizable-keys');
    expect(verdict.anomalies.map(({ name }) => name)).toEqual(['G0']);
    expect(verdict.anomalies[0]?.explanation).toContain(
      "T2 wrote 2 to key x after T1's 1: operation 0 and then operation 4 met them in that order (linearizable-keys)",
    );
    expect(judge(picture('2'), 'linearizable-keys').validity).toBe('valid');
    expect(judge(picture('1'), 'read-uncommitted+wfr-keys').validity).toBe('valid');
  });

  it('its name says what it judges by, and a name that asks for what there is not is refused', () => {
    expect(isolationBy('rw-register:sequential-keys+serializable')?.name).toBe(
      'rw-register:serializable+sequential-keys',
    );
    expect(isolationBy('rw-register')).toBeUndefined();
    expect(isolationBy('set-full:serializable')).toBeUndefined();
    expect(() => isolationBy('rw-register:serialisable')).toThrow(
      'rw-register knows no "serialisable"; there are strict-serializable,',
    );
    expect(() => isolationBy('list-append:sequential-keys')).toThrow('list-append knows no "sequential-keys"');
    expect(() => isolationBy('rw-register:serializable+read-committed')).toThrow(
      'found serializable and read-committed',
    );
  });

  it('lost-update and G2-item: two transactions that built on one version', () => {
    const picture = (seen: string) => `
      p0  |-rx_ wx1-|
      p1     |-rx${seen} wx2-|
    `;
    expect(anomalies(picture('_'))).toEqual(['G2-item', 'lost-update']);
    expect(judge(picture('1')).validity).toBe('valid');
  });

  it('G-nonadjacent and write skew', () => {
    expect(
      anomalies(`
        p0  |-wx1----|
        p1  |-wy1----|
        p2     |-rx1 ry_-|
        p3     |-ry1 rx_-|
      `),
    ).toEqual(['G-nonadjacent-item']);
    const skew = `
      p0  |-rx_ wy1-|
      p1  |-ry_ wx1-|
    `;
    expect(anomalies(skew, 'serializable')).toEqual(['G2-item']);
    expect(judge(skew, 'snapshot-isolation').validity).toBe('valid');
  });

  it('internal, future-read and thin-air-read: what one transaction shows', () => {
    expect(anomalies('p0  |-wx1 rx2-|\np1  |-wx2-|')).toEqual(['internal']);
    expect(anomalies('p0  |-rx1 wx1-|')).toEqual(['future-read']);
    expect(anomalies('p0  |-wx1-|  |-rx9-|')).toEqual(['thin-air-read']);
    expect(judge('p0  |-wx1 rx1 wx2 rx2-|  |-rx2-|').validity).toBe('valid');
  });
});

describe('the order of time', () => {
  const stale = (second: string) => `
    p0  |-wx1-|
    p1          |-wx2-${second}
    p2                     |-rx1-|
  `;

  it('makes a read of an overwritten value stale, without assuming anything of the keys', () => {
    expect(anomalies(stale('|'))).toEqual(['G-single-item-realtime']);
    expect(judge(stale('?')).validity).toBe('valid');
    expect(judge(stale('|'), 'serializable').validity).toBe('valid');
  });

  it('counts an unknown write that was read as one that happened', () => {
    expect(
      anomalies(`
        p0  |-wx1-?
        p1            |-rx1-|
        p2                     |-rx_-|
      `),
    ).toEqual(['G-single-item-realtime']);
  });

  it('forbids that two readers see two writes in different orders', () => {
    expect(
      anomalies(`
        p0  |-wx1-------------------------------|
        p1  |-wx2-------------------------------|
        p2     |-rx1-|  |-rx2-|  |-rx1-|
      `),
    ).not.toEqual([]);
  });
});

describe('what is not judged', () => {
  it('is unknown when nothing was asked or values are not unique', () => {
    expect((rwRegister.check(new History([]) as never, patient) as Verdict).validity).toBe('unknown');
    expect(judge('p0  |-wx1-|  |-wx1-|  |-rx1-|').summary).toContain('written to key x more than once');
    expect(judge('p0  |-ax1-|').summary).toContain('is no transaction of ["w", key, value]');
  });
});
