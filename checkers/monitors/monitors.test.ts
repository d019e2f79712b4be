/** Each rule of each monitor by the smallest history that keeps it and one that breaks it; the search agrees on all of them. */

import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../rig/contract.ts';
import type { History } from '../../rig/history.ts';
import { type Shape, sketch } from '../../rig/sketch.ts';
import { linearizable } from '../linearizable.ts';
import { type AnyModel, models } from '../models/index.ts';
import { isEvidence, type Monitor } from './monitor.ts';
import { Operations } from './operations.ts';

const SHAPES: Readonly<Record<string, Shape>> = {
  register: { read: [], write: ['value'], cas: ['from', 'to'] },
  'fifo-queue': { enqueue: ['value'], dequeue: [] },
  set: { add: ['key'], remove: ['key'], contains: ['key'] },
  mutex: { acquire: [], release: [] },
  'fenced-mutex': { acquire: [], release: ['token'] },
  counter: { add: ['value'], read: [] },
  'max-register': { write: ['value'], read: [] },
  'monotonic-register': { write: ['value'], read: [] },
};

const patient = { exhausted: () => false, reason: () => 'nothing' };

/** What the monitor alone says, and what a search says of the same model without it. */
function decided(model: AnyModel, history: History): readonly [string, string] {
  const operations = new Operations(history, model as never);
  expect(operations.partitionCount).toBe(1);
  const decision = (model.monitor as Monitor).decide(operations, 0, operations.at.length);
  const bare = { ...model };
  const { validity } = linearizable(bare).check(history, patient) as Verdict;
  return [isEvidence(decision) ? 'invalid' : decision === 'legal' ? 'valid' : decision, validity];
}

/** By model: what is true of it, a history that shows it, and one that would only be possible if it were not. */
const RULES: Readonly<Record<string, readonly (readonly [rule: string, kept: string, broken: string])[]>> = {
  register: [
    [
      'what is read was being written by then',
      `
       p0  |-write 1----|
       p1     |-read = 1-|`,
      `
       p0                |-write 1-|
       p1  |-read = 1-|`,
    ],
    [
      'one value is swapped once',
      `
       p0  |-write 1-|  |-cas 1 2-|
       p1                |-cas 2 3-|`,
      `
       p0  |-write 1-|  |-cas 1 2-|
       p1                |-cas 1 3-|`,
    ],
    [
      'a value that was held again was held all the time',
      `
       p0  |-write 1-|  |-write 2---------------------------|
       p1                 |-read = 1-|  |-read = 1-| |-read = 2-|`,
      `
       p0  |-write 1-|  |-write 2---------------------------|
       p1                 |-read = 2-|  |-read = 1-| |-read = 2-|`,
    ],
    [
      'what was written in the midst of another value may have been overwritten at once',
      `
       p0  |-write 1---------------------------------|
       p1     |-write 2-------------------| |-read = 1-|
       p2                                      |-read = 1-|`,
      `
       p0  |-write 1-|                      |-read = 1-|
       p1                 |-write 2-|                  `,
    ],
    [
      'a write that fits anywhere neither holds the value nor lets go of it',
      `
       p0  |-write 1-|                                 |-read = 3-|
       p1               |-write 2----|  |-read = 2-|
       p2                  |-write 3--------------------------------|`,
      `
       p0  |-write 1-|                                 |-read = 1-|
       p1               |-write 2----|  |-read = 2-|
       p2                  |-write 3--------------------------------|`,
    ],
    [
      'what was swapped away is not seen any more',
      `
       p0  |-write 1-|  |-cas 1 2----|
       p1                       |-read = 1-|`,
      `
       p0  |-write 1-|  |-cas 1 2-|
       p1                            |-read = 1-|`,
    ],
    [
      'swaps begin with what somebody wrote',
      `
       p0  |-write 1-| |-cas 1 2-|
       p1               |-cas 2 3-|`,
      `
       p0  |-cas 1 2-|
       p1  |-cas 2 1-|`,
    ],
  ],
  'fifo-queue': [
    [
      'none overtakes another that was there first',
      `
       p0  |-enqueue 1-----|
       p1     |-enqueue 2-----|  |-dequeue = 2-|  |-dequeue = 1-|`,
      `
       p0  |-enqueue 1-|
       p1                 |-enqueue 2-|  |-dequeue = 2-|  |-dequeue = 1-|`,
    ],
    [
      'it is empty only where nothing is certainly in it',
      `
       p0  |-enqueue 1-|  |-dequeue = null-----|
       p1                    |-dequeue = 1-|`,
      `
       p0  |-enqueue 1-|  |-dequeue = null-|
       p1                                     |-dequeue = 1-|`,
    ],
    [
      'what nobody was seen to take was taken in time by one whose answer was lost',
      `
       p0  |-enqueue 1-|  |-enqueue 2-|
       p1                                |-dequeue-?
       p2                                  |-dequeue = 2-|`,
      `
       p0  |-enqueue 1-|  |-enqueue 2-|
       p1                                                |-dequeue-?
       p2                                |-dequeue = 2-|`,
    ],
    [
      'none is taken twice',
      `
       p0  |-enqueue 1-|  |-enqueue 2-|
       p1                  |-dequeue = 1-|  |-dequeue = 2-|`,
      `
       p0  |-enqueue 1-|  |-enqueue 2-|
       p1                  |-dequeue = 1-|  |-dequeue = 1-|`,
    ],
  ],
  set: [
    [
      'it was as it is seen at some time meanwhile',
      `
       p0  |-add x = true-|  |-remove x = true-------|
       p1                      |-contains x = true----------|
       p2                         |-contains x = false-|`,
      `
       p0  |-add x = true-|  |-remove x = true-|
       p1                                           |-contains x = true-|`,
    ],
    [
      'one whose answer was lost has an effect once',
      `
       p0  |-add x-?
       p1             |-contains x = true-|  |-remove x = true-|  |-contains x = false-|`,
      `
       p0  |-add x-?
       p1             |-remove x = true-|  |-contains x = true-|`,
    ],
    [
      'what must end first is done first',
      `
       p0  |-add x = true------------------------------------------------------------|
       p1  |-add x = true-----------|
       p2     |-contains x = true-|   |-remove x = true-| |-contains x = false-|`,
      `
       p0  |-add x = true-|
       p1  |-add x = true-----------|
       p2     |-contains x = true-|   |-remove x = true-| |-contains x = false-|`,
    ],
  ],
  mutex: [
    [
      'it is held by one at a time',
      `
       p0  |-acquire-|  |-release----|
       p1                  |-acquire---|`,
      `
       p0  |-acquire-|                  |-release-|
       p1                |-acquire-|`,
    ],
    [
      'one release whose answer was lost frees it once',
      `
       p0  |-acquire-|  |-release-?
       p1                             |-acquire-|`,
      `
       p0  |-acquire-|  |-release-?
       p1                             |-acquire-|
       p2                                           |-acquire-|`,
    ],
  ],
  'fenced-mutex': [
    [
      'a token is given once',
      `
       p0  |-acquire = 1-|  |-release 1-|
       p1                                  |-acquire = 2-|`,
      `
       p0  |-acquire = 1-|  |-release 1-|
       p1                                  |-acquire = 1-|`,
    ],
    [
      'later holders have higher tokens',
      `
       p0  |-acquire = 1-|  |-release 1-|
       p1                                  |-acquire = 2-|  |-release 2-|`,
      `
       p0                                  |-acquire = 1-|  |-release 1-|
       p1  |-acquire = 2-|  |-release 2-|`,
    ],
    [
      'who holds it gives it back before the next has it',
      `
       p0  |-acquire = 1-|  |-release 1-?
       p1                                  |-acquire = 2-|`,
      `
       p0  |-acquire = 1-|
       p1                                  |-acquire = 2-|`,
    ],
  ],
  counter: [
    [
      'it counts in one direction',
      `
       p0  |-add 1-|  |-add 1---------------------|
       p1                |-read = 1-| |-read = 2-|`,
      `
       p0  |-add 1-|  |-add 1---------------------|
       p1                |-read = 2-| |-read = 1-|`,
    ],
    [
      'an addition whose answer was lost counts once',
      `
       p0  |-add 1-?
       p1             |-read = 1-|  |-read = 1-|`,
      `
       p0  |-add 1-?
       p1             |-read = 1-|  |-read = 2-|`,
    ],
  ],
  'max-register': [
    [
      'what is below the highest is seen only while it rises',
      `
       p0  |-write 1-------|
       p1  |-write 2-------|
       p2     |-read = 1-------|  |-read = 2-|`,
      `
       p0  |-write 1-------|
       p1  |-write 2-------|
       p2                       |-read = 1-|`,
    ],
    [
      'it holds what somebody wrote',
      `
       p0  |-write 1-|  |-read = 1-|`,
      `
       p0  |-write 1-|  |-read = 2-|`,
    ],
  ],
  'monotonic-register': [
    [
      'a smaller number was written before',
      `
       p0  |-write 1-------|
       p1  |-write 2-|`,
      `
       p0                 |-write 1-|
       p1  |-write 2-|`,
    ],
  ],
};

describe.each(Object.entries(RULES))('the monitor of %s', (name, rules) => {
  const model = models[name] as AnyModel;
  it.each(rules)('knows: %s', (_, kept, broken) => {
    expect(decided(model, sketch(kept, SHAPES[name])), 'kept').toEqual(['valid', 'valid']);
    expect(decided(model, sketch(broken, SHAPES[name])), 'broken').toEqual(['invalid', 'invalid']);
  });
});

describe('the monitor of register', () => {
  it('leaves it to the search where a refusal needs a moment that it cannot see', () => {
    const model = models['register'] as AnyModel;
    const refused = (rest: string) =>
      sketch(
        `
        p0  |-write 1-|  |-cas 1 2 = cas-mismatch-x${rest}`,
        SHAPES['register'],
      );
    expect(decided(model, refused(''))).toEqual(['inapplicable', 'invalid']);
    expect(decided(model, refused('\n        p1                |-write 3-|'))).toEqual(['valid', 'valid']);
  });
});
