import { expect, it } from 'vitest';
import type { Completion } from './contract.ts';
import { Unsettled } from './unsettled.ts';

const lost: Completion = { type: 'info', error: 'timeout' };
const done: Completion = { type: 'ok', output: 1 };
const refused: Completion = { type: 'fail', error: 'http-503' };
const ask = (key: number) => ({ f: 'put', key });

it('knows what was never answered, each request once, the last asked last', () => {
  const unsettled = new Unsettled();
  for (const key of [1, 2, 1]) unsettled.saw(ask(key), lost);
  expect(unsettled.inputs).toEqual([ask(2), ask(1)]);
});

it('forgets what a repeat was answered for, and nothing because an attempt was refused', () => {
  const unsettled = new Unsettled();
  for (const key of [1, 2]) unsettled.saw(ask(key), lost);
  unsettled.saw(ask(1), done);
  unsettled.saw(ask(2), refused);
  unsettled.saw(ask(3), refused);
  expect(unsettled.inputs).toEqual([ask(2)]);
});

it('is bounded', () => {
  const unsettled = new Unsettled();
  for (let key = 0; key < 5_000; key++) unsettled.saw(ask(key), lost);
  expect(unsettled.inputs).toHaveLength(1_000);
  expect(unsettled.inputs.at(-1)).toEqual(ask(4_999));
});
