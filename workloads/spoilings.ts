/**
 * Ways to spoil a request, drawn and made smaller by fast-check: what is malformed, oversized, deep, doubled, unknown, at
 * the boundary of numbers, of the wrong type, truncated, split, badly encoded, or two requests in one.
 */

import { createRequire } from 'node:module';
import type * as FastCheck from 'fast-check';
import type { SmugglingShape, Spoiling } from '../rig/contract.ts';
import type { Random } from '../rig/random.ts';

const SHAPES: readonly SmugglingShape[] = [
  'cl-te',
  'te-cl',
  'two-lengths',
  'spaced-coding',
  'odd-coding',
  'folded-length',
];
/** Services may well take a coding that they do not know for none, and a folded line for a space. */
const LENIENT_SHAPES: readonly SmugglingShape[] = ['odd-coding', 'folded-length'];
const BOUNDARY_NUMBERS = [
  0,
  -1,
  0.5,
  1e-9,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 53 - 1,
  2 ** 53,
  1e21,
  -(2 ** 53),
  1.7976931348623157e308,
];
const BOUNDARY_TEXTS = [
  '',
  ' ',
  '0',
  '-1',
  'NaN',
  'null',
  "'; --",
  '../..',
  '%00',
  '\u0000',
  '\ud800',
  '\u202e',
  '💸',
  '{{key}}',
  '${key}',
];
/** No JSON: leading zeros, other words for numbers, comments, single quotes, hexadecimal. */
const BAD_LITERALS = [
  '01',
  '+1',
  '.5',
  '1.',
  'NaN',
  'Infinity',
  'undefined',
  "'a'",
  '0x10',
  '1/**/',
  'tru',
  '"a',
  '"\\x"',
  '"\t"',
  '',
];
const BAD_CHUNKS = ['', 'zz', '-1', '+5', '0x5', '5 5', 'ffffffffffffffff1', '1e1'];
const BAD_LINES = [
  '{method} {path}',
  '{method}  {path} HTTP/1.1',
  '{method} {path} HTTP/9.9',
  '{method} {path} HTTP/1.1 extra',
  '{method} HTTP/1.1',
  '{path} {method} HTTP/1.1',
  '\u0000 {path} HTTP/1.1',
];
const INVALID_UTF8 = [[0xff], [0xfe, 0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0x80]];
const TYPES = ['text/plain', 'application/xml', 'multipart/form-data', 'application/json; charset=utf-16', 'x', ''];

/** Requests that a worker draws, and smaller ones of a kind that did harm. */
export class Spoilings {
  readonly #fc: typeof FastCheck;
  readonly #any: FastCheck.Arbitrary<Spoiling>;
  readonly #chance: FastCheck.Random;

  constructor(rng: Random) {
    // Only a run that draws from it pays for loading it.
    this.#fc = createRequire(import.meta.url)('fast-check') as typeof FastCheck;
    this.#any = anySpoiling(this.#fc);
    this.#chance = new this.#fc.Random(new Chance(rng));
  }

  draw(): FastCheck.Value<Spoiling> {
    return this.#any.generate(this.#chance, undefined);
  }

  /** Simpler ones of the same kind, the simplest first. */
  smaller(drawn: FastCheck.Value<Spoiling>): Iterable<FastCheck.Value<Spoiling>> {
    return this.#any.shrink(drawn.value_, drawn.context);
  }
}

/** The seed's chance as fast-check takes it: whole numbers of 32 bits. */
class Chance {
  readonly #rng: Random;

  constructor(rng: Random) {
    this.#rng = rng;
  }

  /** No two draw from one, so nothing needs to be copied. */
  clone(): Chance {
    return this;
  }

  next(): number {
    return this.#rng.integer(-(2 ** 31), 2 ** 31 - 1);
  }

  getState(): readonly number[] {
    return [];
  }
}

function anySpoiling(fc: typeof FastCheck): FastCheck.Arbitrary<Spoiling> {
  const certain = fc.constant(true);
  const lenient = fc.constant(false);
  const how = <H extends Spoiling['how']>(...names: readonly H[]) => fc.constantFrom(...names);
  const field = fc.nat(9);
  const percent = fc.integer({ min: 0, max: 99 });
  const noScalar = fc.oneof(
    fc.constant(null),
    fc.constant({}),
    fc.constant([]),
    fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 3 }),
  );
  const odd = fc.oneof(
    fc.constantFrom(...BOUNDARY_NUMBERS),
    fc.constantFrom(...BOUNDARY_TEXTS),
    fc.boolean(),
    fc.string({ maxLength: 20 }),
  );
  const kinds = [
    fc.record({ how: how('value'), field, value: noScalar, certain }),
    fc.record({ how: how('value', 'twice', 'unknown'), field, value: odd, certain: lenient }),
    fc.record({ how: how('literal'), field, text: fc.constantFrom(...BAD_LITERALS), certain }),
    fc.record({ how: how('missing'), field, certain: lenient }),
    fc.record({ how: how('deep'), depth: fc.integer({ min: 2, max: 20_000 }), certain }),
    fc.record({ how: how('large'), bytes: fc.integer({ min: 1_000, max: 2_000_000 }), certain: lenient }),
    fc.record({ how: how('large-header'), bytes: fc.integer({ min: 1_000, max: 200_000 }), certain: lenient }),
    fc.record({ how: how('many-headers'), count: fc.integer({ min: 10, max: 3_000 }), certain: lenient }),
    fc.record({ how: how('cut', 'short'), percent, certain }),
    fc.record({ how: how('bytes'), percent, bytes: fc.constantFrom(...INVALID_UTF8), certain }),
    fc.record({ how: how('type'), type: fc.constantFrom(...TYPES), certain: lenient }),
    fc.record({
      how: how('split'),
      pieces: fc.integer({ min: 2, max: 8 }),
      gapMs: fc.integer({ min: 0, max: 5 }),
      certain: lenient,
    }),
    fc.record({ how: how('chunk'), size: fc.constantFrom(...BAD_CHUNKS), certain }),
    fc.record({ how: how('line'), line: fc.constantFrom(...BAD_LINES), certain: lenient }),
    fc
      .record({ how: how('smuggle'), shape: fc.constantFrom(...SHAPES) })
      .map((one) => ({ ...one, certain: !LENIENT_SHAPES.includes(one.shape) })),
  ] as unknown as readonly FastCheck.Arbitrary<Spoiling>[];
  return fc.oneof(...kinds);
}
