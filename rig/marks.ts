/** A few bytes to be recognised at once: eight by eight, or, if there are fewer, as two words. */

export interface Mark {
  readonly length: number;
  /** Eight bytes each, read as a number; the last ends where the mark ends. Empty if the mark is shorter. */
  readonly eights: Float64Array;
  /** Of a shorter one: four bytes, a mask of those that count, the next four, their mask. */
  readonly words: Int32Array;
}

/** Bytes that are looked at, even of a shorter mark. */
export const LEAST_LOOKED_AT = 8;

/** Of a text that is ASCII: read as a number it is neither NaN nor zero, so that equal numbers are equal bytes. */
export function markOf(text: string): Mark {
  const { length } = text;
  const bytes = Buffer.alloc(Math.max(length, LEAST_LOOKED_AT));
  bytes.write(text, 'latin1');
  if (length >= 8) {
    const eights = Array.from({ length: Math.ceil(length / 8) }, (_, at) =>
      bytes.readDoubleLE(Math.min(8 * at, length - 8)),
    );
    return { length, eights: Float64Array.from(eights), words: new Int32Array(0) };
  }
  const mask = (from: number) => (length <= from ? 0 : -1 >>> (8 * Math.max(0, from + 4 - length)));
  const words = Int32Array.of(bytes.readInt32LE(0), mask(0), bytes.readInt32LE(4), mask(4));
  return { length, eights: new Float64Array(0), words };
}
