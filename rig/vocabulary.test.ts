/** Whoever judges is found by other names too, and so is what they judge: each name of the tables is tried both ways. */

import { describe, expect, it } from 'vitest';
import { microFunctions, otherNames, renamedFor, unfamiliar, vocabularies } from '../checkers/vocabulary.ts';
import { budgetOf } from './budget.ts';
import { readAnyHistory } from './formats.ts';
import { judgeBy, rooms } from './rooms.ts';

/** `0 write 1` is asked and done by process 0; after `->` comes what was observed. */
function ednOf(story: string): string {
  return story
    .split(';')
    .map((part) => {
      const [asked = '', observed] = part.trim().split(' -> ');
      const [, process, f, value = 'nil'] = /^(\d+) ([\w!-]+)(?: (.+))?$/.exec(asked) ?? [];
      const seen = observed ?? value;
      const event = (type: string, own: string) => `{:process ${process}, :type :${type}, :f :${f}, :value ${own}}`;
      return `${event('invoke', value)}\n${event('ok', seen)}`;
    })
    .join('\n');
}

async function judged(name: string, text: string): Promise<string> {
  const { checker } = judgeBy(name, name in otherNames.model ? 'model' : 'checker');
  const { history } = await readAnyHistory(Buffer.from(text), renamedFor(name));
  const { validity } = await checker.check(history, budgetOf(10_000));
  return unfamiliar(name, history.functions) === null ? validity : 'unfamiliar';
}

const REGISTER = [
  '0 write 1; 1 read -> 1; 0 cas [1 2]; 1 read -> 2',
  '0 write 1; 0 cas [1 2]; 1 read -> 1; 1 read -> 3',
];
const RISING = ['0 write 1; 0 write 2; 1 read -> 2', '0 write 1; 0 write 2; 1 read -> 1'];
const QUEUE = [
  '0 enqueue 1; 0 enqueue 2; 1 dequeue -> 1; 1 dequeue -> 2',
  '0 enqueue 1; 1 dequeue -> 1; 1 dequeue -> 1',
];
const SET = ['0 add 1; 0 add 2; 1 read -> [1 2]', '0 add 1; 0 add 2; 1 read -> [2]'];
const REGISTERS = [
  '0 txn [[:w x 1]]; 1 txn [[:r x nil]] -> [[:r x 1]]',
  '0 txn [[:w x 1]]; 1 txn [[:r x nil]] -> [[:r x 2]]',
];
const LOCK = ['0 acquire; 0 release; 1 acquire; 1 release', '0 acquire; 1 acquire; 1 release; 0 release'];
const FENCES = [
  '0 acquire -> 1; 0 release; 1 acquire -> 2; 1 release',
  '0 acquire -> 2; 0 release; 1 acquire -> 1; 1 release',
];
const COUNTER = [
  '0 add 2; 0 increment 1; 0 decrement 1; 1 read -> 2',
  '0 add 2; 0 increment 1; 0 decrement 1; 1 read -> 9',
];
const BANK = [
  '0 transfer {:from 0}; 1 read -> {0 3, 1 7}; 1 read -> {0 4, 1 6}',
  '0 transfer {:from 0}; 1 read -> {0 3, 1 7}; 1 read -> {0 3, 1 7}; 1 read -> {0 3, 1 8}',
];

/** By judge, a story that is valid and one that is not. */
const stories: Readonly<Record<string, readonly string[]>> = {
  append: ['0 append 1; 0 append 2; 1 read -> [1 2]', '0 append 1; 0 append 2; 1 read -> [2]'],
  bank: BANK,
  'bank-overdraft': BANK,
  'cas-register': REGISTER,
  causal: REGISTER,
  'causal-reverse': ['0 write 1; 0 add 2; 1 read -> [1 2]', '0 write 1; 0 add 2; 1 read -> [2]'],
  counter: COUNTER,
  'fenced-mutex': ['0 acquire -> 1; 0 release 1; 1 acquire -> 2; 1 release', '0 acquire -> 1; 0 release 2'],
  fencing: FENCES,
  'fifo-queue': QUEUE,
  'kv-append': ['0 put "a"; 0 append "b"; 1 get -> "ab"', '0 put "a"; 0 append "b"; 1 get -> "b"'],
  'kv-versions': [
    '0 put 1; 1 get -> {:value 1, :version 1}; 0 delete; 1 get -> nil',
    '0 put 1; 0 delete; 1 get -> {:value 1, :version 1}',
  ],
  'list-append': [
    '0 txn [[:append x 1]]; 1 txn [[:r x nil]] -> [[:r x [1]]]',
    '0 txn [[:append x 1]]; 1 txn [[:r x nil]] -> [[:r x [2]]]',
  ],
  lock: LOCK,
  log: [
    '0 send 7 -> 0; 0 send 8 -> 1; 1 poll -> [[0 7] [1 8]]',
    '0 send 7 -> 0; 0 send 8 -> 1; 1 poll -> [[1 8]]; 1 poll -> [[0 9]]',
  ],
  'long-fork': [
    '0 write [[:w 0 1]]; 0 write [[:w 1 1]]; 1 read [[:r 0 nil] [:r 1 nil]] -> [[:r 0 1] [:r 1 1]]; 2 read [[:r 0 nil] [:r 1 nil]] -> [[:r 0 1] [:r 1 nil]]',
    '0 write [[:w 0 1]]; 0 write [[:w 1 1]]; 1 read [[:r 0 nil] [:r 1 nil]] -> [[:r 0 nil] [:r 1 1]]; 2 read [[:r 0 nil] [:r 1 nil]] -> [[:r 0 1] [:r 1 nil]]',
  ],
  'lost-writes': ['0 write 1; 0 write 2; 1 read -> 2', '0 write 1; 0 write 2; 1 read -> 1'],
  'max-register': ['0 write 2; 0 write 1; 1 read -> 2', '0 write 2; 0 write 1; 1 read -> 1'],
  'monotonic-register': RISING,
  'multi-register': REGISTERS,
  mutex: ['0 acquire; 0 release; 1 acquire', '0 acquire; 1 acquire'],
  queue: [`${QUEUE[0]}; 1 drain -> []`, QUEUE[1] as string],
  'reentrant-mutex': [
    '0 acquire "a"; 0 acquire {:client "a"}; 0 release "a"; 0 release "a"; 1 acquire "b"',
    '0 acquire "a"; 1 acquire "b"',
  ],
  register: REGISTER,
  'rw-register': REGISTERS,
  sequential: ['0 write 1; 0 write 2; 1 read -> 1; 1 read -> 2', '0 write 1; 0 write 2; 1 read -> 2; 1 read -> 1'],
  sessions: ['0 write 1; 0 write 2; 1 read -> 1; 1 read -> 2', '0 write 1; 0 write 2; 1 read -> 2; 1 read -> 1'],
  set: ['0 add 1; 1 contains 1 -> true; 0 remove 1; 1 read -> []', '0 add 1; 0 remove 1; 1 contains 1 -> true'],
  'set-eventual': SET,
  'set-full': SET,
  'sql-rows': [
    '0 txn [[:insert 1 2]]; 1 txn [[:select 1 nil]] -> [[:select 1 2]]',
    '0 txn [[:insert 1 2]]; 1 txn [[:select 1 nil]] -> [[:select 1 3]]',
  ],
  stack: ['0 push 1; 0 push 2; 1 pop -> 2; 1 pop -> 1', '0 push 1; 0 push 2; 1 pop -> 1'],
  staleness: ['0 write 1; 1 read -> 1', '0 write 1; 0 write 2; 1 read -> 1'],
  'total-queue': [`${QUEUE[0]}; 1 drain -> []`, QUEUE[1] as string],
  'unique-ids': ['0 generate -> 1; 1 generate -> 2', '0 generate -> 1; 1 generate -> 1'],
  'unordered-queue': QUEUE,
};

describe.each(Object.entries(vocabularies))('%s', (judge, vocabulary) => {
  const [valid = '', invalid = ''] = stories[judge] ?? [];

  it('judges by its own words', async () => {
    expect(await judged(judge, ednOf(valid)), valid).toBe('valid');
    expect(await judged(judge, ednOf(invalid)), invalid).toBe('invalid');
  });

  it('judges the same by other words', async () => {
    for (const [own, others] of Object.entries(vocabulary))
      for (const other of others) {
        const said = (story: string) => ednOf(story.replaceAll(new RegExp(`(\\d) ${own}\\b(?!-)`, 'g'), `$1 ${other}`));
        expect(await judged(judge, said(valid)), said(valid)).toBe('valid');
        expect(await judged(judge, said(invalid)), said(invalid)).toBe('invalid');
      }
  });

  it('does not judge what it does not know', async () => {
    expect(await judged(judge, ednOf(`${valid}; 3 frobnicate 1`))).toBe('unfamiliar');
    expect(unfamiliar(judge, ['frobnicate'])).toContain(`"frobnicate", which ${judge} does not know; it knows`);
  });
});

describe('a value of another form than is meant', () => {
  it.each([
    ['kv-append', '0 put [1 2]; 1 get -> "12"', 'the model kv-append knows texts, found [1,2]'],
    ['multi-register', '0 write {:x 1}', 'the model multi-register knows lists of reads and writes'],
    ['multi-register', '0 txn [[:append x 1]]', 'the model multi-register knows r and w; an operation asks for append'],
    ['reentrant-mutex', '0 acquire', 'has to know who asks: acquire has neither an owner nor a value'],
  ])('is not judged by %s: %s', async (name, story, says) => {
    const { history } = await readAnyHistory(Buffer.from(ednOf(story)), renamedFor(name));
    const { validity, summary } = await judgeBy(name, 'model').checker.check(history, budgetOf(10_000));
    expect([validity, summary]).toEqual(['unknown', expect.stringContaining(says)]);
  });
});

describe('words', () => {
  const judges = Object.entries(vocabularies);

  it.each(judges)('of %s are those of somebody who judges, and none has two meanings', (judge, vocabulary) => {
    const model = rooms.models.all.find(({ name }) => name === judge);
    expect([...rooms.models.names, ...rooms.checkers.names]).toContain(judge);
    if (model?.functions) expect(Object.keys(vocabulary).sort()).toEqual(Object.keys(model.functions).sort());
    const all = [...Object.keys(vocabulary), ...Object.values(vocabulary).flat()];
    expect(new Set(all).size, all.join(' ')).toBe(all.length);
  });

  it('are there for every function of a workload whose checkers have any', () => {
    for (const { name, checkers, semantics } of rooms.workloads.all)
      for (const checker of checkers)
        expect(
          unfamiliar(checker.name.replace(/^linearizable\((.*)\)$/, '$1'), Object.keys(semantics)),
          name,
        ).toBeNull();
  });

  it('of micro-operations are read in any case, as keywords that were written as texts too', async () => {
    const told = (r: string, append: string) =>
      ednOf(`0 txn [["${append}" x 1]]; 1 txn [["${r}" x nil]] -> [["${r}" x [2]]]`);
    for (const r of ['r', ':r', ...(microFunctions['r'] as readonly string[])])
      for (const append of ['append', ':append', ...(microFunctions['append'] as readonly string[])])
        expect(await judged('list-append', told(r, append)), `${r} ${append}`).toBe('invalid');
    expect(await judged('list-append', told('r', 'prepend'))).toBe('unknown');
  });
});

describe('judgeBy', () => {
  it.each(['model', 'checker'] as const)('knows every other name of a %s', (kind) => {
    const own = kind === 'model' ? rooms.models.names : rooms.checkers.names;
    const others = Object.values(otherNames[kind]).flat();
    expect(new Set(others).size).toBe(others.length);
    for (const [name, all] of Object.entries(otherNames[kind]))
      for (const other of all) {
        expect(own, `${other} has a meaning of its own`).not.toContain(other);
        expect(judgeBy(other, kind)).toMatchObject({ kind, name });
      }
  });

  it.each([
    ['queue', 'model', 'fifo-queue'],
    ['queue', 'checker', 'queue'],
    ['lock', 'model', 'mutex'],
    ['list-append', 'model', 'list-append'],
    ['list-append:serializable', 'model', 'list-append:serializable'],
    ['cas-register', 'checker', 'cas-register'],
    ['knossos-cas-register', 'model', 'cas-register'],
    ['elle-rw-register', 'checker', 'rw-register'],
    ['CAS_Register', 'model', 'cas-register'],
  ] as const)('takes %s as a %s for %s', (wanted, kind, name) => {
    expect(judgeBy(wanted, kind).name).toBe(name);
  });

  it('names what there is instead', () => {
    expect(() => judgeBy('regster', 'model')).toThrow(
      /no model is called "regster"; there are the models append, .*and the checkers bank, /,
    );
    expect(() => judgeBy('elle', 'checker')).toThrow('list-append, rw-register or sql-rows');
    expect(() => judgeBy('porcupine', 'model')).toThrow('--model kv-append');
  });
});
