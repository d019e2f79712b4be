import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Json, PayloadForm } from '../../rig/contract.ts';
import { writtenAs } from './payload-form.ts';

const FORMS: readonly PayloadForm[] = ['reordered', 'spaced', 'decimals', 'exponents', 'escaped', 'defaults'];
const PAYLOAD = { from: 'a1', to: { name: 'é"\\' }, amount: 5, part: [0.5, true, null] };

it.each([
  [undefined, '{"from":"a1","to":{"name":"é\\"\\\\"},"amount":5,"part":[0.5,true,null]}'],
  ['reordered', '{"part":[0.5,true,null],"amount":5,"to":{"name":"é\\"\\\\"},"from":"a1"}'],
  ['decimals', '{"from":"a1","to":{"name":"é\\"\\\\"},"amount":5.0,"part":[0.5,true,null]}'],
  ['exponents', '{"from":"a1","to":{"name":"é\\"\\\\"},"amount":5e0,"part":[0.5,true,null]}'],
] as const)('a payload is written as %s', (form, text) => {
  expect(writtenAs(PAYLOAD, form)).toBe(text);
});

it('no two forms of a payload are the same bytes, but for the defaults that it lacks', () => {
  expect(new Set(FORMS.map((form) => writtenAs(PAYLOAD, form))).size).toBe(FORMS.length);
});

it.each(FORMS)('any payload means the same when it is written as %s', (form) => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(writtenAs(value as Json, form))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 100 },
  );
});
