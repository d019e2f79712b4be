import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Verdict } from '../rig/contract.ts';
import { History } from '../rig/history.ts';
import { statistics } from './statistics.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };

function verdictOf(...events: object[]): Verdict {
  const history = new History(events.map((event, index) => ({ ...event, index }) as HistoryEvent));
  return statistics.check(history, patient) as Verdict;
}

const who = { process: 0, node: 'n1' };
const fault = { type: 'nemesis', nemesis: 'pause', hold: 'f1', fault: null, sentence: 'n1 is paused' };

describe('statistics', () => {
  it('counts outcomes, errors by what was going on, latencies from when requests were due, and late sends', () => {
    const verdict = verdictOf(
      { ...who, type: 'invoke', input: { f: 'read' }, timeNs: 10e6, dueNs: 4e6 },
      { ...who, type: 'ok', output: null, timeNs: 24e6 },
      { ...fault, action: 'inject', timeNs: 30e6 },
      { ...who, type: 'invoke', input: { f: 'write' }, timeNs: 40e6 },
      { ...who, type: 'info', error: 'timeout', timeNs: 50e6 },
      { ...fault, action: 'released', timeNs: 60e6 },
      { ...who, process: 1, type: 'invoke', input: { f: 'write' }, timeNs: 70e6, dueNs: 69e6 },
      { ...who, process: 1, type: 'fail', error: 'http-503', timeNs: 80e6 },
    );
    expect(verdict.validity).toBe('valid');
    expect(verdict.summary).toBe('3 requests: 1 ok, 1 fail, 1 info');
    expect(verdict.statistics).toMatchObject({
      outcomes: { read: { ok: 1, fail: 0, info: 0 }, write: { ok: 0, fail: 1, info: 1 } },
      errors: [
        { f: 'write', type: 'info', error: 'timeout', during: 'pause', count: 1 },
        { f: 'write', type: 'fail', error: 'http-503', during: 'calm', count: 1 },
      ],
      latencies: { read: { count: 1, p50Ms: expect.closeTo(20, 1) as number }, write: { count: 0 } },
      lateSends: { share: 1 / 3, laterThanMs: 5 },
    });
  });

  it('is unknown when nothing was asked for', () => {
    expect(verdictOf().validity).toBe('unknown');
  });
});
