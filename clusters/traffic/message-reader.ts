/**
 * Where HTTP/1.1 messages begin and end in the bytes of one direction of a connection (RFC 9112, section 6), without
 * changing any: each piece carries the bytes as they came. Whatever could be read in two ways is malformed.
 */

const LARGEST_HEAD_BYTES = 64 * 1024;
const LONGEST_CHUNK_LINE_BYTES = 1024;
const LONGEST_METHOD = 24;
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const END_OF_LINE = Buffer.from('\r\n');
const EMPTY = Buffer.alloc(0);

/** The first line and the fields of a message. */
export interface Head {
  /** `POST /transfers HTTP/1.1`, in its three parts. */
  readonly start: readonly [string, string, string];
  /** By lower-case name; values of one name are joined by a comma, bytes are Latin-1 characters. */
  readonly fields: ReadonlyMap<string, string>;
}

export type Piece =
  | { readonly is: 'head'; readonly head: Head; readonly bytes: Buffer }
  | { readonly is: 'body'; readonly bytes: Buffer }
  | { readonly is: 'end' };

/** The bytes are not HTTP/1.1, or could be taken for two different messages. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

type State = 'head' | 'counted' | 'chunk-line' | 'chunk' | 'trailer' | 'until-close' | 'end';

export class MessageReader {
  readonly #kind: 'request' | 'answer';
  #state: State = 'head';
  #waiting: Buffer = EMPTY;
  #left = 0;
  #closed = false;
  /** Set before the answer to a `HEAD` is read: it has no body whatever its fields say. */
  isBodiless = false;

  constructor(kind: 'request' | 'answer') {
    this.#kind = kind;
  }

  get waitingBytes(): number {
    return this.#waiting.length;
  }

  push(chunk: Buffer): void {
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
  }

  /** No more bytes will come. */
  close(): void {
    this.#closed = true;
  }

  /** What came and was not yet given out. */
  rest(): Buffer {
    return this.#take(this.#waiting.length);
  }

  /** The next piece, or `null` until more bytes have come. After an `end` the next message follows. Throws `MalformedMessage`. */
  next(): Piece | null {
    const before = this.#waiting;
    try {
      return this.#piece();
    } catch (error) {
      this.#waiting = before; // Whoever goes on without understanding them needs all bytes.
      throw error;
    }
  }

  #piece(): Piece | null {
    switch (this.#state) {
      case 'head':
        return this.#head();
      case 'counted':
        return this.#counted('end');
      case 'chunk-line':
        return this.#chunkLine();
      case 'chunk':
        return this.#counted('chunk-line');
      case 'trailer':
        return this.#trailer();
      case 'until-close':
        if (this.#waiting.length > 0) return { is: 'body', bytes: this.rest() };
        if (!this.#closed) return null;
        return this.#end();
      case 'end':
        return this.#end();
    }
  }

  #end(): Piece {
    this.#state = 'head';
    return { is: 'end' };
  }

  #head(): Piece | null {
    const at = this.#waiting.indexOf(END_OF_HEAD);
    if (at > LARGEST_HEAD_BYTES || (at < 0 && this.#waiting.length > LARGEST_HEAD_BYTES))
      throw new MalformedMessage(`a head of more than ${LARGEST_HEAD_BYTES} bytes`);
    if (!this.#mayBegin()) throw new MalformedMessage('bytes that are no HTTP');
    if (at < 0) return null;
    const bytes = this.#take(at + END_OF_HEAD.length);
    const head = headOf(bytes.toString('latin1', 0, at));
    this.#state = this.#bodyOf(head);
    return { is: 'head', head, bytes };
  }

  /** Whether a first line can begin like that: other protocols would wait for ever for the end of their head. */
  #mayBegin(): boolean {
    const begin = this.#waiting.toString('latin1', 0, LONGEST_METHOD + 1);
    return this.#kind === 'request' ? /^[A-Za-z-]*( |$)/.test(begin) : 'HTTP/1.'.startsWith(begin.slice(0, 7));
  }

  #bodyOf({ start, fields }: Head): State {
    const status = this.#kind === 'answer' ? Number(start[1]) : 0;
    if (this.#kind === 'answer') {
      if (status === 101) throw new MalformedMessage('another protocol follows');
      if (this.isBodiless || status < 200 || status === 204 || status === 304) return 'end';
    } else if (start[0] === 'CONNECT') throw new MalformedMessage('a tunnel follows');
    const length = fields.get('content-length');
    const coding = fields.get('transfer-encoding');
    if (coding !== undefined) {
      if (length !== undefined) throw new MalformedMessage('a length and a transfer coding');
      if (coding.toLowerCase() !== 'chunked') throw new MalformedMessage(`the transfer coding ${coding}`);
      return 'chunk-line';
    }
    if (length === undefined) return this.#kind === 'request' ? 'end' : 'until-close';
    if (!/^\d{1,15}$/.test(length)) throw new MalformedMessage(`the length ${length}`);
    this.#left = Number(length);
    return this.#left === 0 ? 'end' : 'counted';
  }

  #counted(then: State): Piece | null {
    if (this.#waiting.length === 0) return null;
    const bytes = this.#take(Math.min(this.#left, this.#waiting.length));
    this.#left -= bytes.length;
    if (this.#left === 0) this.#state = then;
    return { is: 'body', bytes };
  }

  /** A chunk is given out with the end of its line, as `#left` counts both. */
  #chunkLine(): Piece | null {
    const line = this.#line();
    if (!line) return null;
    const size = /^([0-9a-f]{1,8})[ \t]*(;.*)?$/i.exec(line.toString('latin1', 0, line.length - 2))?.[1];
    if (size === undefined) throw new MalformedMessage('a chunk without its size');
    this.#left = Number.parseInt(size, 16) + END_OF_LINE.length;
    this.#state = this.#left === END_OF_LINE.length ? 'trailer' : 'chunk';
    return { is: 'body', bytes: line };
  }

  #trailer(): Piece | null {
    const line = this.#line();
    if (!line) return null;
    if (line.length === END_OF_LINE.length) this.#state = 'end';
    return { is: 'body', bytes: line };
  }

  #line(): Buffer | null {
    const at = this.#waiting.indexOf(END_OF_LINE);
    if (at > LONGEST_CHUNK_LINE_BYTES || (at < 0 && this.#waiting.length > LONGEST_CHUNK_LINE_BYTES))
      throw new MalformedMessage('a line in a chunked body without an end');
    return at < 0 ? null : this.#take(at + END_OF_LINE.length);
  }

  #take(length: number): Buffer {
    const taken = this.#waiting.subarray(0, length);
    this.#waiting = length === this.#waiting.length ? EMPTY : this.#waiting.subarray(length);
    return taken;
  }
}

function headOf(text: string): Head {
  const [first = '', ...lines] = text.split('\r\n');
  const [, one, two, three = ''] = /^(\S+) (\S+)(?: (.*))?$/.exec(first) ?? [];
  if (one === undefined || two === undefined || !/HTTP\/1\.[01]$/.test(one.startsWith('HTTP/') ? one : three))
    throw new MalformedMessage('a first line that is not HTTP/1.1');
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0 || /\s/.test(line.slice(0, colon))) throw new MalformedMessage('a field without a name');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const earlier = fields.get(name);
    fields.set(name, earlier === undefined ? value : `${earlier},${value}`);
  }
  return { start: [one, two, three], fields };
}
