import { describe, expect, it } from 'vitest';
import { exactly, numberIn, parseExactly } from './exact-numbers.ts';
import { readAnyHistory } from './formats.ts';

const read = async (text: string) => ({
  operations: [...(await readAnyHistory(Buffer.from(text))).history.operations()],
});

describe('whole numbers of many digits', () => {
  it('are texts where no double holds them, and numbers elsewhere', () => {
    expect([exactly('9007199254740993'), exactly('+0009007199254740993')]).toEqual([
      '9007199254740993',
      '9007199254740993',
    ]);
    expect([exactly('9007199254740991'), exactly('1234567890123456.5'), exactly('1e300')]).toEqual([
      9007199254740991, 1234567890123456.5, 1e300,
    ]);
    expect([numberIn('9007199254740993'), numberIn(7), numberIn('7'), numberIn(null)]).toEqual([
      9007199254740992,
      7,
      null,
      null,
    ]);
  });

  it('are found in JSON, but not inside of texts and fractions', () => {
    const text =
      '{"a":[1,-12345678901234567890],"12345678901234567890":0.12345678901234567890,"b":100000000000000000000}';
    expect(parseExactly(text)).toEqual({
      a: [1, '-12345678901234567890'],
      '12345678901234567890': Number('0.1234567890123456789'),
      b: 1e20,
    });
    expect(parseExactly('"say \\"12345678901234567890\\""')).toBe('say "12345678901234567890"');
    expect(() => parseExactly('[12345678901234567890')).toThrow(SyntaxError);
  });

  it.each([
    ['JSON lines', (digits: string) => `{"process":0,"type":"ok","f":"read","value":${digits}}\n`],
    ['a list in JSON lines', (digits: string) => `{"process":0,"type":"ok","f":"read","value":[${digits}]}\n`],
    ['JSON list', (digits: string) => `{"process":0,"type":"ok","f":"read","value":${digits}}]`],
    ['EDN', (digits: string) => `{:process 0 :type :ok :f :read :value ${digits}}`],
  ])('keeps apart whole numbers that no double does, in %s', async (name, answer) => {
    const isEdn = name === 'EDN';
    const asked = isEdn
      ? '{:process 0 :type :invoke :f :read :value nil}\n'
      : '{"process":0,"type":"invoke","f":"read","time":1700000000000000001}\n';
    const start = name === 'JSON list' ? `[${asked.trim()},` : asked;
    const seen = async (digits: string) => (await read(start + answer(digits))).operations[0]?.completion;
    expect(await seen('9007199254740993')).not.toEqual(await seen('9007199254740992'));
    expect(await seen('-12345678901234567890')).toEqual(await seen('-12345678901234567890'));
    expect(JSON.stringify(await seen('42'))).toContain('42');
    expect(JSON.stringify(await seen('1e300'))).toContain('1e+300');
  });
});
