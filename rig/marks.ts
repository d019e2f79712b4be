/** A few bytes to be recognised at once, four by four; of the last four only those that belong to them count. */

export interface Mark {
  readonly length: number;
  /** Pairs of the four bytes, little-endian, and a mask of those that count; what does not count is 0. */
  readonly words: Int32Array;
}

/** Of a text of characters below 256. */
export function markOf(text: string): Mark {
  const bytes = Buffer.alloc(Math.ceil(text.length / 4) * 4);
  bytes.write(text, 'latin1');
  const words = new Int32Array(bytes.length / 2);
  for (let place = 0; place < words.length; place += 2) {
    const missing = Math.max(0, 2 * place + 4 - text.length);
    words[place] = bytes.readInt32LE(2 * place);
    words[place + 1] = -1 >>> (8 * missing);
  }
  return { length: text.length, words };
}
