import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Verdict } from '../rig/contract.ts';
import { History } from '../rig/history.ts';
import { sketch } from '../rig/sketch.ts';
import { type QueueInput, type QueueOutput, queue, totalQueue } from './queue.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };
const SHAPE = { enqueue: ['value'], dequeue: [], drain: [] };

const judge = (picture: string, checker = queue): Verdict =>
  checker.check(sketch<QueueInput, QueueOutput>(picture, SHAPE), patient) as Verdict;
const names = (verdict: Verdict) => verdict.anomalies.map(({ name }) => name);

describe('queue', () => {
  it('accepts values that leave once, in the order in which they came', () => {
    const verdict = judge(`
      p0 |-enqueue 1-|  |-enqueue 2-|
      p1                                |-dequeue = 1-|  |-dequeue = 2-|  |-dequeue = null-|`);
    expect(verdict).toMatchObject({ validity: 'valid', statistics: { enqueued: 2, dequeued: 2, empties: 1 } });
  });

  it('finds values out of order that came one after the other, and not those that came together', () => {
    const inTurn = judge(`
      p0 |-enqueue 1-|  |-enqueue 2-|
      p1                                |-dequeue = 2-|  |-dequeue = 1-|`);
    expect(names(inTurn)).toEqual(['out-of-order']);
    expect(inTurn.anomalies[0]?.explanation).toMatch(/^value 2 of queue was put in .* after 1 was/);
    const together = `
      p0 |-enqueue 1-|
      p2   |-enqueue 2-|
      p1                  |-dequeue = 2-|  |-dequeue = 1-|`;
    expect(judge(together).validity).toBe('valid');
  });

  it('accepts any order in total-queue', () => {
    const picture = 'p0 |-enqueue 1-|  |-enqueue 2-|\np1                    |-dequeue = 2-|  |-dequeue = 1-|';
    expect(judge(picture, totalQueue).validity).toBe('valid');
  });

  it('finds a value out of order within one drain', () => {
    const put = 'p0 |-enqueue 1-|  |-enqueue 2-|';
    expect(names(judge(`${put}\np1                               |-drain = [2,1]-|`))).toEqual(['out-of-order']);
    expect(judge(`${put}\np1                               |-drain = [1,2]-|`).validity).toBe('valid');
  });

  it('finds a value taken twice, and not one that was also put in twice', () => {
    const taken = 'p1                   |-dequeue = 1-|  |-dequeue = 1-|';
    expect(names(judge(`p0 |-enqueue 1-|\n${taken}`))).toEqual(['duplicated']);
    expect(judge(`p0 |-enqueue 1-|\np2 |-enqueue 1-?\n${taken}`).validity).toBe('valid');
  });

  it('finds a value unexpected that nobody put in, or whose enqueue was refused', () => {
    expect(names(judge('p0            |-enqueue 1-|\np1 |-dequeue = 1-|'))).toEqual([]);
    expect(names(judge('p0                     |-enqueue 1-|\np1 |-dequeue = 1-|'))).toEqual(['unexpected']);
    const refused = judge('p0 |-enqueue 1-x\np1                  |-dequeue = 1-|');
    expect(names(refused)).toEqual(['unexpected']);
    expect(refused.anomalies[0]?.explanation).toContain('refused for certain');
  });

  it('finds a value lost when the queue was empty after it, or a later value came out before it', () => {
    expect(names(judge('p0 |-enqueue 1-|\np1                |-dequeue = null-|'))).toEqual(['lost']);
    const overtaken = 'p0 |-enqueue 1-|  |-enqueue 2-|\np1                    |-dequeue = 2-|';
    expect(names(judge(overtaken))).toEqual(['lost']);
    expect(judge(overtaken, totalQueue).validity).toBe('unknown');
  });

  it('lets a dequeue of unknown outcome have taken one value, but not two', () => {
    const one = 'p0 |-enqueue 1-|\np1                |-dequeue = null-|\np2    |-dequeue-?';
    expect(names(judge(one))).toEqual([]);
    expect(names(judge(`${one}\np3 |-enqueue 2-|`))).toEqual(['lost']);
    expect(names(judge(`${one.replace('dequeue-', 'drain-')}\np3 |-enqueue 2-|`))).toEqual([]);
  });

  it('does not let a dequeue that began too late have taken a value', () => {
    expect(names(judge('p0 |-enqueue 1-|\np1               |-dequeue = null-| |-dequeue-?'))).toEqual(['lost']);
  });

  it('finds a queue called empty while a value was in it all the time', () => {
    const verdict = judge(`
      p0 |-enqueue 1-|
      p1                  |-dequeue = null-|
      p2                                       |-dequeue = 1-|`);
    expect(names(verdict)).toEqual(['false-empty']);
    expect(verdict.anomalies[0]?.explanation).toContain('it held 1');
    expect(
      judge('p0 |-enqueue 1-|\np1     |-dequeue = null-|\np2                       |-dequeue = 1-|').validity,
    ).toBe('valid');
  });

  it('finds a queue called empty while one value or another was in it', () => {
    const picture = `
      p0 |-enqueue 1-|             |-enqueue 2-|
      p1                 |-dequeue = null----------------|
      p2                                             |-dequeue = 1-|   |-dequeue = 2-|`;
    expect(names(judge(picture))).toEqual(['false-empty']);
    expect(
      judge(
        picture
          .replace('dequeue = 1-|   ', 'dequeue = 1-|')
          .replace('            |-enqueue 2-|', '                             |-enqueue 2-|'),
      ).validity,
    ).not.toBe('invalid');
  });

  it('knows enq and deq too', () => {
    const history = sketch<QueueInput, QueueOutput>('p0 |-enq 1-|\np1             |-deq = 1-|  |-deq = 1-|', {
      enq: ['value'],
      deq: [],
    });
    expect(names(queue.check(history, patient) as Verdict)).toEqual(['duplicated']);
  });

  it('is unknown in total-queue as long as values may still be inside', () => {
    const picture = 'p0 |-enqueue 1-|  |-enqueue 2-|\np1                    |-dequeue = 1-|';
    expect(judge(picture, totalQueue)).toMatchObject({ validity: 'unknown', statistics: { left: 1 } });
    expect(judge(picture).validity).toBe('valid');
  });

  it('says invalid exactly when no order of the operations is legal, and never wrongly if takers are unknown', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 14 }), (steps) => {
        const history = build(steps);
        const isInvalid = (queue.check(history, patient) as Verdict).validity === 'invalid';
        if (isInvalid) expect(hasLegalOrder(history)).toBe(false);
        else if (!hasUnknownTaker(history)) expect(hasLegalOrder(history)).toBe(true);
      }),
      { numRuns: 4000 },
    );
  });
});

type Step = { process: number; f: 'enqueue' | 'dequeue'; output: number | null; end: 'ok' | 'info' | 'fail' };
const step: fc.Arbitrary<Step> = fc.record({
  process: fc.integer({ min: 0, max: 2 }),
  f: fc.constantFrom('enqueue', 'dequeue'),
  output: fc.constantFrom(null, 1, 2, 3),
  end: fc.constantFrom('ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'info', 'fail'),
});

/** A process that has a request open ends it, any other begins one. Values count up. */
function build(steps: readonly Step[]): History<QueueInput, QueueOutput> {
  const open = new Map<number, Step>();
  let put = 0;
  const events = steps.map((next, index) => {
    const who = { index, timeNs: index, process: next.process, node: 'n1' };
    const begun = open.get(next.process);
    if (!begun) {
      open.set(next.process, next);
      return {
        ...who,
        type: 'invoke',
        input: next.f === 'enqueue' ? { f: 'enqueue', value: ++put } : { f: 'dequeue' },
      };
    }
    open.delete(next.process);
    if (begun.end === 'ok') return { ...who, type: 'ok', output: begun.f === 'enqueue' ? null : begun.output };
    return { ...who, type: begun.end, error: 'drawn' };
  });
  return new History(events as HistoryEvent<QueueInput, QueueOutput>[]);
}

const hasUnknownTaker = (history: History<QueueInput, QueueOutput>) =>
  [...history.operations()].some(({ input, completion }) => input.f === 'dequeue' && completion.type === 'info');

/** Tries every order that real time allows, with every unknown operation done or not. */
function hasLegalOrder(history: History<QueueInput, QueueOutput>): boolean {
  const operations = [...history.operations()].filter(({ completion }) => completion.type !== 'fail');
  const extend = (rest: typeof operations, content: readonly unknown[]): boolean => {
    if (rest.every(({ completion }) => completion.type === 'info')) return true;
    const until = Math.min(...rest.map(({ completedNs }) => completedNs));
    return rest.some((operation) => {
      if (operation.invokedNs > until) return false;
      const others = rest.filter((one) => one !== operation);
      const { input, completion } = operation;
      if (input.f === 'enqueue') return extend(others, [...content, input.value]);
      if (completion.type === 'ok' && completion.output !== (content[0] ?? null)) return false;
      return extend(others, content.slice(1));
    });
  };
  return extend(operations, []);
}
