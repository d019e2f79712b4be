import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Verdict } from '../rig/contract.ts';
import { History } from '../rig/history.ts';
import { sketch } from '../rig/sketch.ts';
import { counter, type CounterInput, type CounterOutput } from './counter.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };
const judge = (picture: string): Verdict =>
  counter.check(sketch<CounterInput, CounterOutput>(picture, { add: ['value'], read: [] }), patient) as Verdict;
const names = (verdict: Verdict) => verdict.anomalies.map(({ name }) => name);

describe('counter', () => {
  it('accepts a read that counts what was acknowledged, and perhaps what was going on', () => {
    for (const seen of [2, 5])
      expect(judge(`p0 |-add 2-|  |-add 3-|\np1          |-read = ${seen}-|`).validity).toBe('valid');
  });

  it('finds a read too low that misses an acknowledged add, and says what it must have been', () => {
    const verdict = judge('p0 |-add 2-|\np1             |-read = 1-|');
    expect(names(verdict)).toEqual(['lost-add']);
    expect(verdict.anomalies[0]?.explanation).toMatch(/was read as 1 by .* must then have been exactly 2/);
  });

  it('finds a read too high, by a refused add or one that had not begun', () => {
    expect(names(judge('p0 |-add 2-|  |-add 3-x\np1                     |-read = 5-|'))).toEqual(['excess-add']);
    expect(names(judge('p0 |-add 2-|               |-add 3-|\np1            |-read = 5-|'))).toEqual(['excess-add']);
  });

  it('lets an add of unknown outcome count or not, and once only', () => {
    const read = (seen: number) => `p0 |-add 2-|\np1 |-add 3-?\np2            |-read = ${seen}-|`;
    expect(judge(read(2)).validity).toBe('valid');
    expect(judge(read(5)).validity).toBe('valid');
    expect(names(judge(read(8)))).toEqual(['excess-add']);
  });

  it('finds reads that go back while nothing is taken away', () => {
    const reads = 'p1            |-read = 5-|  |-read = 2-|';
    expect(names(judge(`p0 |-add 2-|\np2 |-add 3-?\n${reads}`))).toEqual(['nonmonotonic-read']);
    expect(judge(`p0 |-add 2-|\np2 |-add 3-?\np3 |-add -3-?\n${reads}`).validity).toBe('valid');
  });

  it('takes away what is negative', () => {
    expect(judge('p0 |-add 2-|  |-add -1-|\np1                       |-read = 1-|').validity).toBe('valid');
    expect(names(judge('p0 |-add 2-|  |-add -1-|\np1                       |-read = 2-|'))).toEqual(['excess-add']);
    expect(names(judge('p0 |-add 2-|                        |-add -1-|\np1            |-read = 1-|'))).toEqual([
      'lost-add',
    ]);
  });

  it('counts by ones where no amount is given', () => {
    const history = sketch<CounterInput, CounterOutput>('p0 |-add-| |-add-|\np1                |-read = 2-|', {
      add: [],
      read: [],
    });
    expect(counter.check(history, patient)).toMatchObject({ validity: 'valid' });
  });

  it('is unknown without a read, without an acknowledged add, or with an answer that is no number', () => {
    expect(judge('p0 |-add 2-|').validity).toBe('unknown');
    expect(judge('p0 |-read = 0-|').validity).toBe('unknown');
    expect(judge('p0 |-add 2-|\np1          |-read = "x"-|').validity).toBe('unknown');
  });

  it('never rejects what a counter that adds in some order can answer, and rejects what none can', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 14 }), (steps) => {
        const history = build(steps);
        const isInvalid = (counter.check(history, patient) as Verdict).validity === 'invalid';
        if (isInvalid) expect(hasLegalOrder(history)).toBe(false);
        else if (!hasLegalOrder(history)) expect(isWithinBounds(history)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});

type Step = { process: number; f: 'add' | 'read'; value: number; end: 'ok' | 'info' | 'fail' };
const step: fc.Arbitrary<Step> = fc.record({
  process: fc.integer({ min: 0, max: 2 }),
  f: fc.constantFrom('add', 'read'),
  value: fc.integer({ min: -1, max: 3 }),
  end: fc.constantFrom('ok', 'ok', 'ok', 'ok', 'info', 'fail'),
});

function build(steps: readonly Step[]): History<CounterInput, CounterOutput> {
  const open = new Map<number, Step>();
  const events = steps.map((next, index) => {
    const who = { index, timeNs: index, process: next.process, node: 'n1' };
    const begun = open.get(next.process);
    if (!begun) {
      open.set(next.process, next);
      return { ...who, type: 'invoke', input: next.f === 'add' ? { f: 'add', value: next.value } : { f: 'read' } };
    }
    open.delete(next.process);
    if (begun.end === 'ok') return { ...who, type: 'ok', output: begun.f === 'add' ? null : begun.value };
    return { ...who, type: begun.end, error: 'drawn' };
  });
  return new History(events as HistoryEvent<CounterInput, CounterOutput>[]);
}

const operationsOf = (history: History<CounterInput, CounterOutput>) =>
  [...history.operations()].filter(({ completion }) => completion.type !== 'fail');

/** Tries every order that real time allows, with every unknown add done or not. */
function hasLegalOrder(history: History<CounterInput, CounterOutput>): boolean {
  const extend = (rest: ReturnType<typeof operationsOf>, value: number): boolean => {
    if (rest.every(({ completion }) => completion.type === 'info')) return true;
    const until = Math.min(...rest.map(({ completedNs }) => completedNs));
    return rest.some((operation) => {
      if (operation.invokedNs > until) return false;
      const others = rest.filter((one) => one !== operation);
      const { input, completion } = operation;
      if (input.f === 'add') return extend(others, value + (input.value ?? 1));
      return !('output' in completion) || completion.output === value ? extend(others, value) : false;
    });
  };
  return extend(operationsOf(history), 0);
}

/** Every read between the sums of what must and what may have been added by then. */
function isWithinBounds(history: History<CounterInput, CounterOutput>): boolean {
  const operations = operationsOf(history);
  return operations.every(({ input, completion, invokedNs, completedNs }) => {
    if (input.f !== 'read' || !('output' in completion)) return true;
    let [low, high] = [0, 0];
    for (const other of operations) {
      if (other.input.f !== 'add') continue;
      const delta = other.input.value ?? 1;
      const isCertain = other.completion.type === 'ok' && other.completedNs < invokedNs;
      const isPossible = other.invokedNs < completedNs;
      if (delta > 0 ? isCertain : isPossible) low += delta;
      if (delta > 0 ? isPossible : isCertain) high += delta;
    }
    const value = completion.output as number;
    return value >= low && value <= high;
  });
}
