import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../rig/contract.ts';
import { answered, asked, counted, duration, plain, shown } from './phrases.ts';
import { HOSTILE } from './samples/index.ts';

const HARMFUL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

describe('text from a system under test', () => {
  it('keeps its letters', () => {
    expect(plain('Kraków → 東京 🎉')).toBe('Kraków → 東京 🎉');
  });

  it('has its control and direction characters spelt out', () => {
    expect(plain('a\u001b[31mb\u202ec\nd\u2028')).toBe('a\\u001b[31mb\\u202ec\\u000ad\\u2028');
  });

  it('is cut off with its length', () => {
    expect(plain('x'.repeat(1_000_000), 10)).toBe('xxxxxxxxxx… (1,000,000 characters)');
  });

  it('is one harmless bounded line, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(plain(text)).not.toMatch(HARMFUL);
      }),
    );
  });
});

describe('a value', () => {
  it.each<[Json, string]>([
    ['n1', 'n1'],
    ['two words', '“two words”'],
    ['', '“”'],
    [null, 'null'],
    [[1, 'a', null], '[1, a, null]'],
    [{ id: 't7', amount: 30 }, '{id: t7, amount: 30}'],
  ])('%j is shown as %s', (value, words) => {
    expect(shown(value)).toBe(words);
  });

  it('is harmless and bounded, whatever it holds', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const words = shown(value as Json);
        expect(words).not.toMatch(HARMFUL);
        expect(words.length).toBeLessThan(2000);
      }),
    );
  });

  it('of a million characters costs no more than its beginning', () => {
    expect(shown({ [HOSTILE]: 'x'.repeat(1_000_000) }).length).toBeLessThan(300);
  });
});

describe('an operation', () => {
  it('is said with what it is about', () => {
    expect(asked({ f: 'write', key: '3', value: 7 })).toBe('write key 3, value 7');
  });

  it('is said without what is said elsewhere', () => {
    expect(asked({ f: 'write', key: '3', value: 7 }, { subject: false })).toBe('write 7');
  });

  it('that changed something and had nothing to say is done', () => {
    expect(answered({ f: 'write', key: '3', value: 7 }, { type: 'ok', output: null })).toBe('done');
  });

  it('that read nothing says so', () => {
    expect(answered({ f: 'read', key: '3' }, { type: 'ok', output: null })).toBe('null');
  });

  it('that nobody knows the end of is unknown', () => {
    expect(answered({ f: 'read' }, { type: 'info', error: 'timeout' })).toBe('unknown: timeout');
  });
});

it.each([
  [0.0123, '12 µs'],
  [1.25, '1.3 ms'],
  [212.4, '212 ms'],
  [59_990, '60.0 s'],
  [192_000, '3 min 12 s'],
])('%f ms is %s', (ms, words) => {
  expect(duration(ms)).toBe(words);
});

it('counts one and many', () => {
  expect([counted(1, 'anomaly', 'anomalies'), counted(2000, 'fault')]).toEqual(['1 anomaly', '2,000 faults']);
});
