import { describe, expect, it } from 'vitest';
import type { Input, Json, Model, Verdict } from '../../rig/contract.ts';
import { sketch } from '../../rig/sketch.ts';
import { linearizable } from '../linearizable.ts';
import { register } from '../models/register.ts';
import { IMPOSSIBLE, Transitions } from './transitions.ts';

/** A machine given by its edges: `go` takes the edge of that name. */
const machine = (edges: Readonly<Record<string, string>>, more: Partial<Model<string>> = {}): Model<string> => ({
  name: 'machine',
  initial: 'a',
  step: (state, { edge }) =>
    edges[`${state} ${String(edge)}`] ?? { inconsistent: `no way ${String(edge)} from ${state}` },
  fingerprint: (state) => state,
  describe: ({ edge }) => `go ${String(edge)}`,
  ...more,
});
const go = (edge: string): Input => ({ f: 'go', edge });

describe('Transitions', () => {
  it('numbers states and kinds, and takes every step once', () => {
    let steps = 0;
    const counting: Model<Json> = {
      ...register,
      step: (...given) => (steps++, register.step(...(given as Parameters<typeof register.step>))),
    } as Model<Json>;
    const transitions = new Transitions(counting);
    const kinds = Array.from({ length: 300 }, (_, value) => transitions.kind({ f: 'write', value }, null, false));
    for (let again = 0; again < 2; again++) for (const kind of kinds) expect(transitions.step(0, kind)).toBe(kind + 1);
    expect(steps).toBe(300);
    expect(transitions.stateCount).toBe(301);
    const read = transitions.kind({ f: 'read' }, 7, false);
    expect(transitions.step(8, read)).toBe(8);
    expect(transitions.step(9, read)).toBe(IMPOSSIBLE);
    expect(transitions.reason(9, read)).toBe('cannot read 7 while it holds 8');
  });

  it('keeps texts, numbers and objects apart as states', () => {
    const transitions = new Transitions(register);
    const values: Json[] = ['1', 1, [1], { a: 1 }, 'null', '[1]'];
    for (const value of values) transitions.step(0, transitions.kind({ f: 'write', value }, null, false));
    expect(transitions.stateCount).toBe(values.length + 1);
  });

  it('gives up exploring what has no end', () => {
    const endless: Model<number> = {
      name: 'counter',
      initial: 0,
      step: (state) => state + 1,
      fingerprint: String,
      describe: () => 'add',
    };
    const transitions = new Transitions(endless);
    transitions.kind({ f: 'add' }, null, false);
    expect(transitions.explore(1e9)).toBe(false);
    expect(transitions.stateCount).toBeLessThan(100);
  });

  it('says when a model calls something a read that changes the state', () => {
    const liar = machine({ 'a x': 'b' }, { functions: { go: 'read' } });
    const transitions = new Transitions(liar);
    expect(() => transitions.step(0, transitions.kind(go('x'), null, false))).toThrow(
      'the model machine calls go a read, yet go x turns "a" into "b"',
    );
  });

  it('never drops an unknown operation that changes what another one does', () => {
    // After u, k leads to d instead of c, though u makes nothing possible that was not possible before.
    const model = machine({ 'a u': 'b', 'a k': 'c', 'b k': 'd', 'c seeC': 'c', 'd seeD': 'd' });
    const judged = (last: string) => {
      const picture = `
        p0  |-go u-?
        p1             |-go k-|  |-go ${last}-|
      `;
      return (
        linearizable(model).check(sketch(picture, { go: ['edge'] }), {
          exhausted: () => false,
          reason: () => '',
        }) as Verdict
      ).validity;
    };
    expect(judged('seeC')).toBe('valid');
    expect(judged('seeD')).toBe('valid');
    expect(judged('seeE')).toBe('invalid');
  });

  it('holds a model to its invariant', () => {
    const account: Model<number> = {
      name: 'account',
      initial: 10,
      step: (state, { amount }) => state - (amount as number),
      fingerprint: String,
      describe: () => 'pay',
      invariant: (state) => state >= 0 || `the balance would be ${state}`,
    };
    const transitions = new Transitions(account);
    const pay = transitions.kind({ f: 'pay', amount: 11 }, null, false);
    expect(transitions.step(0, pay)).toBe(IMPOSSIBLE);
    expect(transitions.reason(0, pay)).toBe('the balance would be -1');
  });
});
