import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Verdict } from '../rig/contract.ts';
import { History } from '../rig/history.ts';
import { type Shape, sketch } from '../rig/sketch.ts';
import { linearizable } from './linearizable.ts';
import { type AnyModel, models } from './models/index.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };
const judge = (picture: string, model = 'register', shape?: Shape): Verdict =>
  linearizable(models[model] as AnyModel).check(sketch(picture, shape), patient) as Verdict;
const MUTEX: Shape = { acquire: [], release: [] };

describe('linearizable(register)', () => {
  it('accepts a read that overlaps a write and sees either value', () => {
    const either = (seen: string) => `
      p0  |-write x 1-|   |-write x 2-------------|
      p1                    |-read x = ${seen}-|
    `;
    expect(judge(either('1')).validity).toBe('valid');
    expect(judge(either('2')).validity).toBe('valid');
    expect(judge(either('3')).validity).toBe('invalid');
  });

  it('rejects a read that began after a write ended and missed it', () => {
    const verdict = judge(`
      p0  |-write x 1-|
      p1                  |-read x = null-|
    `);
    expect(verdict.validity).toBe('invalid');
    expect(verdict.anomalies[0]).toMatchObject({
      name: 'nonlinearizable',
      witnesses: [0, 2],
      counterexample: {
        subject: 'x',
        order: [{ index: 0, state: '1' }],
        impossible: [{ index: 2, reason: 'cannot read null while it holds 1' }],
      },
    });
  });

  it('accepts the same read once it overlaps the write', () => {
    expect(
      judge(`
        p0  |-write x 1-----|
        p1          |-read x = null-|
      `).validity,
    ).toBe('valid');
  });

  it('rejects two reads that see two writes in different orders', () => {
    const verdict = judge(`
      p0  |-write x 1----------------------------------|
      p1  |-write x 2----------------------------------|
      p2     |-read x = 1-|  |-read x = 2-|  |-read x = 1-|
    `);
    expect(verdict.validity).toBe('invalid');
  });

  it('says when the read was last possible and what ended that', () => {
    const { anomalies } = judge(`
      p0  |-write x 5-|   |-write x 7---------------------------------------|
      p1                                |-read x = 7-|   |-read x = 5-|
    `);
    expect(anomalies[0]?.explanation).toMatch(/^read x → 5 \(operation 5, process 1 through n2, .*\) is impossible/);
    expect(anomalies[0]?.explanation).toContain('possible after write x 5 (operation 0');
    expect(anomalies[0]?.explanation).toContain('by the time of read x → 7 (operation 3');
  });

  it('names the failed write that must have taken effect after all', () => {
    const { anomalies } = judge(`
      p0  |-write x 5-x
      p1                |-read x = 5-|
    `);
    expect(anomalies[0]?.explanation).toContain('It would be, had write x 5 (operation 0');
  });

  it('judges each key by itself', () => {
    expect(
      judge(`
        p0  |-write x 1-|
        p1                  |-read y = null-|
      `).validity,
    ).toBe('valid');
  });
});

describe('operations of unknown outcome', () => {
  it('may take effect late, or never', () => {
    const late = `
      p0  |-write x 1-?
      p1                  |-read x = null-|  |-read x = 1-|
    `;
    const never = `
      p0  |-write x 1-?
      p1                  |-read x = null-|
    `;
    expect(judge(late).validity).toBe('valid');
    expect(judge(never).validity).toBe('valid');
  });

  it('take effect once: a value that was overwritten does not come back', () => {
    expect(
      judge(`
        p0  |-write x 1-?
        p1                  |-read x = 1-| |-write x 2-| |-read x = 1-|
      `).validity,
    ).toBe('invalid');
  });

  it('need not happen, even where they could not have', () => {
    expect(
      judge(`
        p0  |-cas x 5 6-?
        p1                  |-write x 1-|  |-read x = 1-|
      `).validity,
    ).toBe('valid');
  });

  it('do not take effect before they are asked for', () => {
    expect(
      judge(`
        p0                   |-write x 1-?
        p1  |-read x = 1-|
      `).validity,
    ).toBe('invalid');
  });
});

describe('linearizable(set)', () => {
  const shape: Shape = { add: ['key', 'value'], remove: ['key', 'value'], read: ['key'] };
  const added = `
      p0  |-add x 2 = true-|   |-add x 3 = true-|`;

  it.each(['?', 'x'])('judges each element by itself where nobody was answered what all of them are: -%s', (end) => {
    const read = `
      p1                     |-read x-${end}`;
    const then = (answer: string) =>
      judge(`${added}${read}   \n      p2   ${' '.repeat(60)}|-remove x 7 = ${answer}-|`, 'set', shape);
    expect(then('false').validity).toBe('valid');
    expect(then('true').validity).toBe('invalid');
  });

  it('judges sets that nobody read by their elements, beside one that was', () => {
    const other = (seen: string) => `${added}
      p1  |-add y 1 = true-|   |-read y = ${seen}-|`;
    expect(judge(other('[1]'), 'set', shape).validity).toBe('valid');
    expect(judge(other('[2]'), 'set', shape).validity).toBe('invalid');
  });
});

describe('operations that failed', () => {
  it('took no effect', () => {
    const after = (seen: string) => `
      p0  |-write x 1-x
      p1                  |-read x = ${seen}-|
    `;
    expect(judge(after('null')).validity).toBe('valid');
    expect(judge(after('1')).validity).toBe('invalid');
  });

  it('observed the value if they are swaps that did not match, and nothing otherwise', () => {
    const swap = (error: string) => `
      p0  |-write x 1-|
      p1                  |-cas x 1 2 = ${error}-x
    `;
    expect(judge(swap('cas-mismatch')).validity).toBe('invalid');
    expect(judge(swap('connection-refused')).validity).toBe('valid');
  });
});

describe('linearizable(mutex)', () => {
  it('accepts a lock that changes hands and rejects one that is held twice', () => {
    const turns = `
      p0  |-acquire-|   |-release-|
      p1       |-acquire------------------|
    `;
    const twice = `
      p0  |-acquire-|
      p1                |-acquire-|
    `;
    expect(judge(turns, 'mutex', MUTEX).validity).toBe('valid');
    expect(judge(twice, 'mutex', MUTEX).validity).toBe('invalid');
  });
});

describe('what is not judged', () => {
  it('is unknown when nothing succeeded', () => {
    expect(judge('p0  |-write x 1-x').validity).toBe('unknown');
  });

  it('is unknown when the model does not know a function, and says which it knows', () => {
    const verdict = judge('p0  |-acquire-|', 'register', MUTEX);
    expect(verdict).toMatchObject({ validity: 'unknown', anomalies: [] });
    expect(verdict.summary).toContain('read, write, cas');
  });

  it('is unknown when the budget runs out, naming the keys that are undecided', () => {
    const spent = { exhausted: () => true, reason: () => '0 s of time' };
    const history = sketch('p0  |-write x 1-|  |-write y 1-|');
    const verdict = linearizable(models['register'] as AnyModel).check(history, spent) as Verdict;
    expect(verdict.validity).toBe('unknown');
    expect(verdict.summary).toContain('0 s of time ran out: 0 of 2 partitions are legal');
    expect(verdict.summary).toContain('x (not begun), y (not begun)');
  });

  it('does not keep an easy violation on one key hidden behind a hard key', () => {
    const hard = Array.from({ length: 24 }, (_, p) => ({ p, value: p }));
    const events: object[] = hard.map(({ p, value }) => ({
      type: 'invoke',
      process: p,
      input: { f: 'write', key: 'hard', value },
    }));
    // No write made the value that the read saw, and only after all orders of all writes is that certain.
    events.push(
      { type: 'invoke', process: 99, input: { f: 'read', key: 'hard' } },
      { type: 'ok', process: 99, output: -1 },
    );
    for (const { p } of hard) events.push({ type: 'ok', process: p, output: null });
    events.push(
      { type: 'invoke', process: 100, input: { f: 'read', key: 'easy' } },
      { type: 'ok', process: 100, output: 7 },
    );
    const history = new History(
      events.map((event, index) => ({ ...event, index, timeNs: index, node: 'n1' }) as HistoryEvent),
    );
    let polls = 20_000;
    const short = { exhausted: () => polls-- < 0, reason: () => 'patience' };
    expect((linearizable(models['register'] as AnyModel).check(history, short) as Verdict).validity).toBe('invalid');
  });
});

describe('shares', () => {
  const model = linearizable(models['register'] as AnyModel);
  const drawn = sketch(`
    p0  |-write a 1-|  |-read a = 1-|  |-write c 1-|
    p1  |-write b 1-|  |-read b = 2-|  |-read c = 1-|
  `);
  const verdictOn = (number: number) => model.check(drawn, patient, { number, of: 2 }) as Verdict;

  it('judge their own keys only', () => {
    expect(verdictOn(0)).toMatchObject({ validity: 'valid', statistics: { partitions: 2, operations: 4 } });
    expect(verdictOn(1)).toMatchObject({ validity: 'invalid', statistics: { partitions: 1, operations: 2 } });
  });

  it('come together to the verdict on the whole', () => {
    expect(model.join?.([verdictOn(0), verdictOn(1)])).toEqual(model.check(drawn, patient));
  });
});

describe('docs/models.md', () => {
  const page = readFileSync(new URL('../docs/models.md', import.meta.url), 'utf8');

  it.each(Object.values(models))('tells of $name and its functions', ({ name, functions = {} }) => {
    expect(page).toContain(`\`${name}\``);
    for (const f of Object.keys(functions)) expect(page).toMatch(new RegExp(`\`${f}\\b`));
  });
});

describe('the answer of an empty queue', () => {
  const shape = { enq: ['value'], deq: [], enqueue: ['value'], dequeue: [] };

  it.each(['fifo-queue', 'unordered-queue'])('may be null for %s, and 0 to deq alone', (model) => {
    const verdictOn = (picture: string) => judge(picture, model, shape).validity;
    expect(verdictOn('p0  |-enq 1-|  |-deq = 1-|  |-deq = null-|  |-deq = 0-|')).toBe('valid');
    expect(verdictOn('p0  |-enq 0-|  |-deq = 0-|  |-deq = 0-|  |-enq 2-|  |-deq = 2-|')).toBe('valid');
    expect(verdictOn('p0  |-enqueue 1-|  |-dequeue = 1-|  |-dequeue = 0-|')).toBe('invalid');
    expect(verdictOn('p0  |-enq 1-|  |-deq = 0-|')).toBe('invalid');
  });
});

describe('values that are put into a queue again and again', () => {
  const shape = { enqueue: ['value'], dequeue: [], push: ['value'], pop: [] };

  it.each(['fifo-queue', 'unordered-queue', 'stack'])('may come out of %s as often as they were put in', (model) => {
    const said = (picture: string) =>
      model === 'stack' ? picture.replaceAll('enqueue', 'push').replaceAll('dequeue', 'pop') : picture;
    // So many at once that no search through their orders would come to an end.
    const busy = Array.from({ length: 16 }, (_, p) => `p${p + 2} |-enqueue ${p % 3}${'-'.repeat(90)}|`).join('\n');
    const taken = (last: string) => `
      p0  |-enqueue 7-|  |-enqueue 7-|
      p1       |-dequeue = 7-|   |-dequeue = 7-|  |-dequeue = ${last}-|`;
    let polls = 20_000;
    const short = { exhausted: () => polls-- < 0, reason: () => 'patience' };
    const crowded = sketch(said(`${taken('7')}\n${busy}`), shape);
    const verdict = linearizable(models[model] as AnyModel).check(crowded, short) as Verdict;
    expect(verdict).toMatchObject({ validity: 'invalid', statistics: { configurations: 0 } });
    expect(verdict.anomalies[0]?.counterexample?.impossible.at(-1)?.reason).toContain('cannot give 7');
    expect(judge(said(taken('null')), model, shape).validity).toBe('valid');
  });
});

describe('a state', () => {
  it.each([
    ['fifo-queue', 'enqueue'],
    ['unordered-queue', 'enqueue'],
    ['stack', 'push'],
    ['set', 'add'],
    ['append', 'append'],
  ])('of %s is told from every other, however much it holds', (name, f) => {
    const model = models[name] as AnyModel;
    const after = (...values: readonly number[]) =>
      values.reduce((state, value) => model.step(state, { f, value }, null) as typeof state, model.initial);
    const many = Array.from({ length: 20 }, (_, at) => at + 1);
    expect(model.fingerprint(after(...many, 21))).toBe(model.fingerprint(after(...many, 21)));
    expect(model.fingerprint(after(...many, 21))).not.toBe(model.fingerprint(after(...many, 22)));
  });
});

describe('a history in which nothing was asked', () => {
  it('contradicts no model if it is empty, and proves nothing if answers stand there alone', () => {
    const judgeEvents = (events: readonly HistoryEvent[]) =>
      (linearizable(models['register'] as AnyModel).check(new History(events), patient) as Verdict).validity;
    expect(judgeEvents([])).toBe('valid');
    expect(judgeEvents([{ index: 0, timeNs: 0, process: 0, node: 'n1', type: 'ok', output: 1 }])).toBe('unknown');
  });
});

describe('numbers that were kept as texts, since no double holds them', () => {
  it.each([
    ['fenced-mutex', (token: string) => `p0  |-acquire = ${token}-|`],
    ['max-register', (number: string) => `p0  |-write x ${number}-|  |-read x = ${number}-|`],
    ['monotonic-register', (number: string) => `p0  |-write x ${number}-|  |-read x = ${number}-|`],
  ])('are not compared by %s, which says so', (model, picture) => {
    const shape = { ...MUTEX, write: ['key', 'value'], read: ['key'] };
    expect(judge(picture('7'), model, shape).validity).toBe('valid');
    const verdict = judge(picture('"9007199254740993"'), model, shape);
    expect(verdict.validity).toBe('unknown');
    expect(verdict.summary).toContain('compares numbers');
  });
});

describe('an answer about another key than was asked for', () => {
  it('is told, and not judged', () => {
    const read = (key: string) => `p0  |-txn [["r","x",null]] = [["r","${key}",null]]-|`;
    expect(judge(read('x'), 'multi-register', { txn: ['value'] }).validity).toBe('valid');
    const { validity, summary } = judge(read('y'), 'multi-register', { txn: ['value'] });
    expect([validity, summary]).toEqual(['unknown', 'the model multi-register wants x answered; an answer is of y']);
  });
});
