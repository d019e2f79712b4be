import { describe, expect, it } from 'vitest';
import type { HistoryEvent } from './contract.ts';
import { faultRecords } from './faults.ts';
import { History } from './history.ts';

const who = { process: 0, node: 'n1' };
const fault = (action: string, timeNs: number, more: object = {}) => ({
  type: 'nemesis',
  nemesis: 'kill',
  hold: 'f1',
  action,
  fault: { nodes: ['n1'] },
  sentence: 'n1 is killed',
  timeNs,
  ...more,
});
const ok = (f: string, fromNs: number, untilNs: number) => [
  { ...who, type: 'invoke', input: { f }, timeNs: fromNs },
  { ...who, type: 'ok', output: null, timeNs: untilNs },
];
const recordsOf = (...events: object[]) =>
  faultRecords(new History(events.map((event, index) => ({ ...event, index }) as HistoryEvent)));

describe('faultRecords', () => {
  it('tells the life of a fault and how long each function took to succeed again', () => {
    const seen = { effective: true, observed: 'n1 was gone' };
    const records = recordsOf(
      ...ok('write', 0, 1e6),
      fault('inject', 2e6),
      fault('injected', 3e6),
      fault('release', 9e6),
      fault('released', 10e6, { evidence: seen }),
      ...ok('read', 11e6, 12e6),
    );
    expect(records).toEqual([
      {
        nemesis: 'kill',
        hold: 'f1',
        fault: { nodes: ['n1'] },
        sentence: 'n1 is killed',
        injectNs: 2e6,
        injectedNs: 3e6,
        releaseNs: 9e6,
        releasedNs: 10e6,
        evidence: seen,
        stuck: null,
        recoveryMs: { write: null, read: 2 },
      },
    ]);
  });

  it('keeps why an undo failed, unless a later one succeeded', () => {
    const trouble = { evidence: { effective: true, observed: 'no such container' } };
    const stuck = [fault('inject', 1), fault('injected', 2), fault('release', 3), fault('stuck', 4, trouble)];
    expect(recordsOf(...stuck)).toMatchObject([{ stuck: 'no such container', releasedNs: null, evidence: null }]);
    expect(recordsOf(...stuck, fault('released', 5))).toMatchObject([{ stuck: null, releasedNs: 5 }]);
  });

  it('has nothing to say of a fault that was only meant', () => {
    expect(recordsOf(fault('inject', 1))).toMatchObject([{ injectedNs: null, releaseNs: null, recoveryMs: {} }]);
  });
});
