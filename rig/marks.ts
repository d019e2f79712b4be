/** A few bytes to be recognised at once, as 32-bit words; the last may overlap the one before. */

export interface Mark {
  readonly length: number;
  readonly offsets: Uint8Array;
  readonly words: Int32Array;
}

/** Of an ASCII text of at least 4 characters. */
export function markOf(text: string): Mark {
  const bytes = Buffer.from(text);
  const offsets: number[] = [];
  for (let offset = 0; offset + 4 <= bytes.length; offset += 4) offsets.push(offset);
  if (bytes.length % 4 !== 0) offsets.push(bytes.length - 4);
  const words = Int32Array.from(offsets, (offset) => bytes.readInt32LE(offset));
  return { length: bytes.length, offsets: Uint8Array.from(offsets), words };
}
