import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Json, Verdict } from '../rig/contract.ts';
import { History, OK } from '../rig/history.ts';
import { sketch } from '../rig/sketch.ts';
import { type SetInput, type SetOutput, setEventual, setFull } from './set-full.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };
const SHAPE = { add: ['value'], read: [] };

const judge = (picture: string, checker = setFull): Verdict =>
  checker.check(sketch<SetInput, SetOutput>(picture, SHAPE), patient) as Verdict;
const names = (verdict: Verdict) => verdict.anomalies.map(({ name }) => name);

describe('set-full', () => {
  it('accepts reads that have every element from its acknowledgement on', () => {
    const verdict = judge(`
      p0 |-add 1-|          |-add 2-?
      p1           |-read = [1]-|     |-read = [2,1]-|`);
    expect(verdict).toMatchObject({ validity: 'valid', anomalies: [] });
    expect(verdict.summary).toContain('2 elements in 2 reads');
  });

  it('finds an element that was acknowledged and is missing for good lost', () => {
    const verdict = judge(`
      p0 |-add 1-|
      p1           |-read = [1]-|  |-read = []-|`);
    expect(names(verdict)).toEqual(['lost']);
    expect(verdict.anomalies[0]?.explanation).toMatch(
      /^element 1 of set was acknowledged \(operation 0.*no later read/,
    );
    expect(verdict.anomalies[0]?.witnesses).toEqual([0, 4]);
  });

  it('finds an element of unknown outcome lost once a read has seen it', () => {
    expect(names(judge('p0 |-add 1-?\np1   |-read = [1]-|  |-read = []-|'))).toEqual(['lost']);
    expect(judge('p0 |-add 1-?\np1   |-read = []-|  |-read = [1]-|').validity).not.toBe('invalid');
  });

  const flicker = `
      p0 |-add 1-|
      p1           |-read = []-|  |-read = [1]-|`;

  it('finds an element stale that a read lacks and a later one has', () => {
    expect(judge(flicker)).toMatchObject({ validity: 'invalid', anomalies: [{ name: 'stale' }] });
  });

  it('lets elements be stale for a while in set-eventual, and counts them, but not lost', () => {
    expect(judge(flicker, setEventual)).toMatchObject({
      validity: 'valid',
      statistics: { stale: 1, worstStaleMs: 2000 },
    });
    expect(names(judge('p0 |-add 1-|\np1    |-read = [1]-|     |-read = []-|', setEventual))).toEqual(['lost']);
  });

  it('accepts a read that lacks what is added while it goes on', () => {
    expect(judge('p0  |-add 1-|\np1 |-read = []-|   |-read = [1]-|').validity).toBe('valid');
  });

  it('finds an element that is there twice', () => {
    const verdict = judge('p0 |-add 1-|\np1            |-read = [1,2,1]-|\np2 |-add 2-|');
    expect(names(verdict)).toEqual(['duplicated']);
    expect(verdict.anomalies[0]?.explanation).toContain('is in the set 2 times');
  });

  it('finds an element that nobody had added, or whose add was refused', () => {
    expect(names(judge('p0 |-add 1-|                      |-add 7-|\np1            |-read = [1,7]-|'))).toContain(
      'phantom',
    );
    expect(names(judge('p0 |-add 1-|  |-add 7-x\np1                       |-read = [1,7]-|'))).toEqual([
      'aborted-read',
    ]);
  });

  it('is unknown when an acknowledged element was never read after, or nothing was read at all', () => {
    expect(judge('p0 |-add 1-|').validity).toBe('unknown');
    const verdict = judge('p0 |-add 1-|              |-add 2-|\np1            |-read = [1]-|');
    expect(verdict).toMatchObject({ validity: 'unknown', statistics: { neverRead: 1, stable: 1 } });
  });

  it('judges each set by itself', () => {
    const shape = { add: ['key', 'value'], read: ['key'] };
    const picture = 'p0 |-add a 1-|\np1                |-read a = [1]-|  |-read b = []-|';
    expect(setFull.check(sketch<SetInput, SetOutput>(picture, shape), patient)).toMatchObject({ validity: 'valid' });
  });

  it('says so when a read is no list', () => {
    expect(judge('p0 |-add 1-|\np1            |-read = 3-|  |-read = [1]-|').summary).toContain(
      'did not answer with a list',
    );
  });

  it('agrees with the definition, element by element and read by read', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 24 }), (steps) => {
        const history = build(steps);
        const verdict = setFull.check(history, patient) as Verdict;
        expect([...new Set(names(verdict))].sort()).toEqual(byDefinition(history));
      }),
      { numRuns: 3000 },
    );
  });
});

type Step = { process: number; value: number; seen: number[]; f: string; end: string };
const event: fc.Arbitrary<Step> = fc.record({
  process: fc.integer({ min: 0, max: 3 }),
  value: fc.integer({ min: 0, max: 2 }),
  seen: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 3 }),
  f: fc.constantFrom('add', 'read'),
  end: fc.constantFrom('ok', 'ok', 'ok', 'info', 'fail'),
});

/** A process that has a request open ends it, any other begins one. */
function build(steps: readonly Step[]): History<SetInput, SetOutput> {
  const open = new Map<number, Step>();
  const events = steps.map((step, index) => {
    const { process, f, value } = step;
    const who = { index, timeNs: index, process, node: 'n1' };
    const begun = open.get(process);
    if (!begun) {
      open.set(process, step);
      return { ...who, type: 'invoke', input: f === 'add' ? { f, value } : { f } };
    }
    open.delete(process);
    if (begun.end === 'ok') return { ...who, type: 'ok', output: begun.f === 'add' ? null : begun.seen };
    return { ...who, type: begun.end, error: 'drawn' };
  });
  return new History(events as HistoryEvent<SetInput, SetOutput>[]);
}

function byDefinition(history: History<SetInput, SetOutput>): string[] {
  const operations = Array.from({ length: history.length }, (_, at) => ({
    input: history.input(at),
    seen: history.output(at) as Json[],
    begin: history.invokeIndex[at] as number,
    end: history.type[at] === OK ? (history.completeIndex[at] as number) : Infinity,
    type: history.completion(at).type,
  }));
  const reads = operations.filter(({ input, type }) => input.f === 'read' && type === 'ok');
  const found = new Set<string>();
  for (const value of [0, 1, 2]) {
    const adds = operations.filter(({ input }) => input.f === 'add' && input.value === value);
    const possible = adds.filter(({ type }) => type !== 'fail');
    const sound: typeof reads = [];
    for (const read of reads.filter(({ seen }) => seen.includes(value))) {
      if (read.seen.filter((one) => one === value).length > 1) found.add('duplicated');
      if (possible.some(({ begin }) => begin < read.end)) sound.push(read);
      else if (adds.some(({ begin }) => begin < read.end)) found.add('aborted-read');
      else found.add('phantom');
    }
    const known = Math.min(...possible.map(({ end }) => end), ...sound.map(({ end }) => end));
    const lacking = reads.filter(({ begin, seen }) => begin > known && !seen.includes(value)).at(-1);
    if (!lacking) continue;
    const again = reads.some(({ seen, end }) => seen.includes(value) && end > lacking.begin);
    found.add(again ? 'stale' : 'lost');
  }
  return [...found].sort();
}
