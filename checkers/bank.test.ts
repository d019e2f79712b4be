import { describe, expect, it } from 'vitest';
import type { Verdict } from '../rig/contract.ts';
import { sketch } from '../rig/sketch.ts';
import { bank, type BankInput, bankOverdraft, type BankOutput } from './bank.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };
const judge = (picture: string, checker = bank): Verdict =>
  checker.check(
    sketch<BankInput, BankOutput>(picture, { transfer: ['from', 'to', 'amount'], read: [] }),
    patient,
  ) as Verdict;
const names = (verdict: Verdict) => verdict.anomalies.map(({ name }) => name);

const moved = 'p0 |-transfer a b 3-|';
const before = 'p1   |-read = {"a":10,"b":0}-|';

describe('bank', () => {
  it('accepts reads of one total', () => {
    const verdict = judge(`${moved}\n${before}  |-read = {"a":7,"b":3}-|`);
    expect(verdict).toMatchObject({ validity: 'valid', statistics: { total: 10, reads: 2, firstWrongRead: null } });
  });

  it('finds the read whose total differs from that of the others', () => {
    const verdict = judge(`${moved}\n${before}  |-read = {"a":7,"b":0}-|  |-read = {"a":7,"b":3}-|`);
    expect(names(verdict)).toEqual(['wrong-total']);
    expect(verdict.statistics).toMatchObject({ firstWrongRead: 4 });
    expect(verdict.anomalies[0]?.explanation).toContain('hold 7 instead of 10, which 2 of 3 reads saw');
  });

  it('finds an account overdrawn, unless the bank lends', () => {
    const picture = `${moved}\n${before}  |-read = {"a":-1,"b":11}-|`;
    expect(names(judge(picture))).toEqual(['negative-balance']);
    expect(judge(picture, bankOverdraft).validity).toBe('valid');
  });

  it('finds an account that is missing, and one that is nowhere else', () => {
    const same = '|-read = {"a":7,"b":3}-|  ';
    expect(names(judge(`${moved}\n${before}  ${same}|-read = {"a":10}-|`))).toEqual(['missing-account']);
    expect(names(judge(`${moved}\n${before}  ${same}|-read = {"a":7,"b":3,"c":0}-|`))).toEqual(['unexpected-account']);
  });

  it('reads balances from a list too', () => {
    const list = '[{"account":"a","balance":6},{"account":"b","balance":3}]';
    expect(names(judge(`${moved}\n${before}  |-read = ${list}-|`))).toEqual(['wrong-total']);
    for (const write of [
      (a: number, b: number) => `[${a},${b}]`,
      (a: number, b: number) => `[["a",${a}],["b",${b}]]`,
    ]) {
      const reads = (last: string) => judge(`${moved}\np1  |-read = ${write(10, 0)}-|  |-read = ${last}-|`);
      expect(reads(write(7, 3)).validity).toBe('valid');
      expect(names(reads(write(6, 3)))).toEqual(['wrong-total']);
    }
  });

  it('reads balances that are decimal texts, and takes no others for missing', () => {
    const texts = (b: string) =>
      judge(`${moved}\np1  |-read = {"a":"10.50","b":"0"}-|  |-read = {"a":"7.50","b":"${b}"}-|`);
    expect(texts('3').validity).toBe('valid');
    expect(names(texts('2'))).toEqual(['wrong-total']);
    expect(texts('much').validity).toBe('unknown');
    const cents = '|-read = {"a":0.1,"b":0.2}-|  |-read = {"a":0.3,"b":0}-|  |-read = {"a":0.2,"b":0.1}-|';
    expect(judge(`${moved}\np1  ${cents}`).validity).toBe('valid');
  });

  it('is unknown when nothing was read, nothing was moved, or an answer shows no balances', () => {
    expect(judge(moved).validity).toBe('unknown');
    expect(judge(before).validity).toBe('unknown');
    expect(judge(`${moved}\n${before}  |-read = 3-|`).validity).toBe('unknown');
  });
});
