import { describe, expect, it } from 'vitest';
import { clockworkOf, forbids, impliedBy, refutedBy } from './consistency-models.ts';

describe('what an anomaly rules out', () => {
  it('is the weakest models that forbid it, and everything stronger', () => {
    expect(refutedBy(['G2-item'])).toEqual({
      not: ['repeatable-read'],
      alsoNot: ['serializable', 'strict-serializable', 'strong-session-serializable'],
    });
    expect(refutedBy(['G-single-item']).not).toEqual(['consistent-view', 'repeatable-read']);
    expect(refutedBy(['lost-update']).not).toEqual(['cursor-stability', 'update-atomic']);
  });

  it('counts as many models as Elle does', () => {
    const count = (name: Parameters<typeof refutedBy>[0]) =>
      refutedBy(name).not.length + refutedBy(name).alsoNot.length;
    expect(count(['G0'])).toBe(25);
    expect(count(['G1a'])).toBe(22);
    expect(count(['G0-process'])).toBe(8);
    expect(count(['G0-realtime'])).toBe(4);
    expect(count(['G1c-process'])).toBe(6);
    expect(count(['G2-item-realtime'])).toBe(1);
  });

  it('leaves snapshot isolation standing after write skew, and nothing after a write cycle', () => {
    expect(forbids('snapshot-isolation', 'G2-item')).toBe(false);
    expect(forbids('snapshot-isolation', 'G-nonadjacent-item')).toBe(true);
    expect(forbids('read-uncommitted', 'G0')).toBe(true);
    expect(forbids('read-committed', 'internal')).toBe(false);
  });

  it('takes the weakest of several', () => {
    expect(refutedBy(['G1a', 'G-single-item']).not).toEqual(['read-committed']);
    expect(refutedBy([])).toEqual({ not: [], alsoNot: [] });
  });
});

describe('the order of time', () => {
  it('is respected by the strong models only', () => {
    expect(clockworkOf('serializable')).toBe('none');
    expect(clockworkOf('strong-session-serializable')).toBe('process');
    expect(clockworkOf('strict-serializable')).toBe('realtime');
    expect(clockworkOf('strong-snapshot-isolation')).toBe('realtime');
  });

  it('makes an anomaly milder, never graver', () => {
    expect(impliedBy('G-single-item-realtime', 'G-single-item')).toBe(true);
    expect(impliedBy('G2-item-realtime', 'G-single-item-process')).toBe(true);
    expect(impliedBy('G-single-item-realtime', 'G2-item')).toBe(false);
    expect(impliedBy('G-single-item', 'G1c')).toBe(false);
  });
});
