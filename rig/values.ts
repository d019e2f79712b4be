/**
 * JSON values as 32-bit codes, so that columns can hold them: small whole numbers are their own code, short texts and
 * other numbers are interned, and anything larger is kept as its JSON text and decoded on demand.
 */

import { UsageError } from './exit.ts';
import type { Json } from './contract.ts';
import { decodeJson } from './decode-json.ts';
import { ShortTexts } from './short-texts.ts';

/** Nothing is there: no such argument, or no output. */
export const ABSENT = -1;
export const NULL = -2;
export const FALSE = -3;
export const TRUE = -4;
/** In `toCode`: the input is of no common form, and `valueCode` is all of it. */
export const WHOLE = -5;
const FIRST_INTERNED = -6;
const FIRST_KEPT = -7;

/** Whole numbers from 0 up to this are their own code. */
export const MOST_PLAIN = 2 ** 30 - 1;
/** A longer text is kept, not interned; in UTF-16 units. */
export const LONGEST_INTERNED = 64;
/** Lists and objects within each other. */
export const DEEPEST = 200;

const NEWLINE = 10;
/** Fewer bytes are copied sooner one by one. */
const LONG_BYTES = 256;
/** The offset of a kept value within its chunk is below this, the chunk's number above. */
const CHUNK_BYTES = 2 ** 27;
const FULL_CHUNK_BYTES = 2 ** 22;

/** Equal codes mean equal values; unequal codes mean unequal values unless one of them is kept. */
export const isKept = (code: number): boolean => code <= FIRST_KEPT && (code & 1) === (FIRST_KEPT & 1);

/** A short text, or a number that is not its own code. */
export const isInterned = (code: number): boolean => code <= FIRST_INTERNED && !isKept(code);

/** A place in a table for small numbers and what was interned early, which lie at its beginning; −1 for other codes. */
export const placeOf = (code: number): number =>
  code >= 0 ? 2 * code : isInterned(code) ? FIRST_INTERNED - code + 1 : -1;

/** The code of the interned value with that number. */
export const codeOfInterned = (number: number): number => FIRST_INTERNED - 2 * number;

/** What of the values goes to another thread: shared memory, and the interned values as they are. */
export interface ValueParts {
  readonly interned: readonly (string | number)[];
  readonly chunks: readonly SharedArrayBuffer[];
  readonly starts: SharedArrayBuffer;
  readonly keptCount: number;
}

/** Tells what codes mean. */
export class Values {
  protected readonly interned: (string | number)[];
  protected readonly chunks: Buffer[];
  protected starts: Float64Array;
  protected keptCount: number;

  constructor({ interned, chunks, starts, keptCount }: ValueParts) {
    this.interned = interned as (string | number)[];
    this.chunks = chunks.map((chunk) => Buffer.from(chunk));
    this.starts = new Float64Array(starts);
    this.keptCount = keptCount;
  }

  get parts(): ValueParts {
    return {
      interned: this.interned,
      chunks: this.chunks.map((chunk) => chunk.buffer as unknown as SharedArrayBuffer),
      starts: this.starts.buffer as unknown as SharedArrayBuffer,
      keptCount: this.keptCount,
    };
  }

  /** The value of a code; `undefined` for `ABSENT`. Lists and objects are made anew each time. */
  of(code: number): Json | undefined {
    if (code >= 0) return code;
    if (code > WHOLE) return code === NULL ? null : code === ABSENT ? undefined : code === TRUE;
    if (!isKept(code)) return this.interned[(FIRST_INTERNED - code) >> 1] as string | number;
    const start = this.starts[(FIRST_KEPT - code) >> 1] as number;
    return decodeJson(this.chunks[Math.floor(start / CHUNK_BYTES)] as Buffer, start % CHUNK_BYTES);
  }

  /** The bytes in which the JSON text of a kept value stands, from `offsetOf` to the next newline. */
  chunkOf(code: number): Buffer {
    return this.chunks[Math.floor((this.starts[(FIRST_KEPT - code) >> 1] as number) / CHUNK_BYTES)] as Buffer;
  }

  offsetOf(code: number): number {
    return (this.starts[(FIRST_KEPT - code) >> 1] as number) % CHUNK_BYTES;
  }
}

/** Gives values their codes. */
export class ValueCoder extends Values {
  readonly #texts = new ShortTexts();
  /** Where the interned text of each number in `#texts` stands. */
  readonly #others = new Map<string | number, number>();
  readonly #codeOfText: number[] = [];
  #room = 0;

  constructor() {
    super({ interned: [], chunks: [], starts: new SharedArrayBuffer(64), keptCount: 0 });
  }

  /** The code of any value. Throws `UsageError` if it is nested too deeply. */
  code(value: Json | undefined): number {
    if (typeof value === 'number') return this.codeOfNumber(value);
    if (typeof value === 'string')
      return value.length <= LONGEST_INTERNED ? this.codeOfText(value) : this.#keepText(JSON.stringify(value));
    if (value === undefined) return ABSENT;
    if (value === null) return NULL;
    if (typeof value === 'boolean') return value ? TRUE : FALSE;
    return this.#keepText(textOf(value));
  }

  codeOfNumber(value: number): number {
    if (value >= 0 && value <= MOST_PLAIN && (value | 0) === value) return value | 0;
    return this.#other(value);
  }

  /** Of at most `LONGEST_INTERNED` characters. */
  codeOfText(text: string): number {
    const number = this.#texts.numberOf(text);
    return number < 0 ? this.#other(text) : this.#codeOf(number, text);
  }

  /** The code of a text of at most `LONGEST_INTERNED` bytes, all ASCII and none escaped, with its `hashOf`. */
  codeOfBytes(bytes: Buffer, from: number, to: number, hash: number): number {
    const number = this.#texts.numberOfBytes(bytes, from, to, hash);
    return this.#codeOfText[number] ?? this.#codeOf(number, bytes.toString('latin1', from, to));
  }

  /** Keeps the JSON text of a list, an object or a long text: one line, valid, and no deeper than `DEEPEST`. */
  keep(bytes: Buffer, from: number, to: number): number {
    const chunk = this.#reserve(to - from + 1);
    if (to - from > LONG_BYTES) chunk.set(bytes.subarray(from, to), this.#room);
    else for (let at = from, into = this.#room; at < to; at++, into++) chunk[into] = bytes[at] as number;
    return this.#kept(chunk, to - from);
  }

  #keepText(text: string): number {
    const length = Buffer.byteLength(text);
    const chunk = this.#reserve(length + 1);
    chunk.write(text, this.#room);
    return this.#kept(chunk, length);
  }

  #kept(chunk: Buffer, length: number): number {
    chunk[this.#room + length] = NEWLINE;
    if (this.keptCount === this.starts.length) {
      const grown = new Float64Array(new SharedArrayBuffer(16 * this.starts.length));
      grown.set(this.starts);
      this.starts = grown;
    }
    this.starts[this.keptCount] = (this.chunks.length - 1) * CHUNK_BYTES + this.#room;
    this.#room += length + 1;
    return FIRST_KEPT - 2 * this.keptCount++;
  }

  /** The last chunk, with room for so many bytes. */
  #reserve(length: number): Buffer {
    const last = this.chunks.at(-1);
    if (last && this.#room + length <= last.length) return last;
    const size = Math.max(length, Math.min(FULL_CHUNK_BYTES, last ? 4 * last.length : 1024));
    if (size >= CHUNK_BYTES) throw new UsageError(`a value of ${length} bytes is larger than any that is read`);
    const chunk = Buffer.from(new SharedArrayBuffer(size));
    this.chunks.push(chunk);
    this.#room = 0;
    return chunk;
  }

  #codeOf(number: number, text: string): number {
    return (this.#codeOfText[number] ??= codeOfInterned(this.interned.push(text) - 1));
  }

  #other(value: string | number): number {
    let at = this.#others.get(value);
    if (at === undefined) this.#others.set(value, (at = this.interned.push(value) - 1));
    return codeOfInterned(at);
  }
}

function textOf(value: Json): string {
  if (!isShallow(value, DEEPEST))
    throw new UsageError(`a value is nested deeper than ${DEEPEST}, the most that is read`);
  return JSON.stringify(value);
}

function isShallow(value: Json, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  for (const inner of Object.values(value) as Json[]) if (!isShallow(inner, depth - 1)) return false;
  return true;
}
