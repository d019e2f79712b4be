import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Verdict } from '../rig/contract.ts';
import { History } from '../rig/history.ts';
import { sketch } from '../rig/sketch.ts';
import type { RegisterInput, RegisterOutput } from './models/register.ts';
import { freshReads, staleness10s } from './staleness.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };
const judge = (picture: string, checker = freshReads): Verdict =>
  checker.check(sketch<RegisterInput, RegisterOutput>(picture), patient) as Verdict;
const names = (verdict: Verdict) => verdict.anomalies.map(({ name }) => name);

describe('staleness', () => {
  it('accepts reads of the latest value, and of one that is being overwritten', () => {
    const picture = `
      p0 |-write x 1-|     |-write x 2-|
      p1               |-read x = 1------| |-read x = 2-|`;
    expect(judge(picture)).toMatchObject({ validity: 'valid', statistics: { reads: 2, stale: 0, worstMs: 0 } });
  });

  it('finds a read of what was overwritten, and says for how long it had been', () => {
    const verdict = judge('p0 |-write x 1-|  |-write x 2-|\np1                                      |-read x = 1-|');
    expect(names(verdict)).toEqual(['stale-read']);
    expect(verdict.anomalies[0]).toMatchObject({ detail: { staleMs: 10_000 }, witnesses: [0, 2, 4] });
  });

  it('finds a read of nothing after something was acknowledged', () => {
    expect(names(judge('p0 |-write x 1-|\np1                  |-read x = null-|'))).toEqual(['stale-read']);
  });

  it('lets a read lag behind by less than the bound', () => {
    const late = (columns: number) => `p0 |-write x 1-|\np1                 ${' '.repeat(columns)}|-read x = null-|`;
    expect(judge(late(0), staleness10s)).toMatchObject({ validity: 'valid', statistics: { stale: 1 } });
    expect(names(judge(late(10), staleness10s))).toEqual(['stale-read']);
  });

  it('does not take a write of unknown outcome, or one that went on at the same time, for newer', () => {
    expect(judge('p0 |-write x 1-|  |-write x 2-?\np1                                  |-read x = 1-|').validity).toBe(
      'valid',
    );
    expect(judge('p0 |-write x 1-|\np2   |-write x 2-|\np1                     |-read x = 1-|').validity).toBe('valid');
  });

  it('is unknown where a read saw what nobody wrote: how old that is cannot be told', () => {
    const read = (seen: string) => judge(`p0 |-write x 1-|\np1                 |-read x = ${seen}-|`);
    expect(read('7')).toMatchObject({ validity: 'unknown', statistics: { unwritten: 1 } });
    expect(read('1').validity).toBe('valid');
  });

  it('is unknown without a read, or where a value was written twice', () => {
    expect(judge('p0 |-write x 1-|').validity).toBe('unknown');
    expect(judge('p0 |-write x 1-|  |-write x 1-|  |-read x = 1-|').validity).toBe('unknown');
  });

  it('agrees with the definition, write by write', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 24 }), (steps) => {
        const history = build(steps);
        expect((freshReads.check(history, patient) as Verdict).anomalies.length).toBe(staleReads(history));
      }),
      { numRuns: 2000 },
    );
  });
});

type Step = { process: number; f: 'read' | 'write'; output: number | null; end: 'ok' | 'info' | 'fail' };
const step: fc.Arbitrary<Step> = fc.record({
  process: fc.integer({ min: 0, max: 3 }),
  f: fc.constantFrom('read', 'write'),
  output: fc.constantFrom(null, 1, 2, 3, 4),
  end: fc.constantFrom('ok', 'ok', 'ok', 'info', 'fail'),
});

function build(steps: readonly Step[]): History<RegisterInput, RegisterOutput> {
  const open = new Map<number, Step>();
  let written = 0;
  const events = steps.map((next, index) => {
    const who = { index, timeNs: index, process: next.process, node: 'n1' };
    const begun = open.get(next.process);
    if (!begun) {
      open.set(next.process, next);
      return { ...who, type: 'invoke', input: next.f === 'write' ? { f: 'write', value: ++written } : { f: 'read' } };
    }
    open.delete(next.process);
    if (begun.end === 'ok') return { ...who, type: 'ok', output: begun.f === 'write' ? null : begun.output };
    return { ...who, type: begun.end, error: 'drawn' };
  });
  return new History(events as HistoryEvent<RegisterInput, RegisterOutput>[]);
}

function staleReads(history: History<RegisterInput, RegisterOutput>): number {
  const operations = [...history.operations()].filter(({ completion }) => completion.type !== 'fail');
  const writes = operations.filter(({ input }) => input.f === 'write');
  return operations.filter(({ input, completion, invokedNs }) => {
    if (input.f !== 'read' || completion.type !== 'ok') return false;
    const seen = completion.output;
    const write = writes.find((one) => one.input.f === 'write' && one.input.value === seen);
    if (seen !== null && !write) return false;
    const written = write ? write.completedNs : -1;
    return writes.some((newer) => newer.invokedNs > written && newer.completedNs < invokedNs);
  }).length;
}
