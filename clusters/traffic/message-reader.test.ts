import { describe, expect, it } from 'vitest';
import { MalformedMessage, MessageReader } from './message-reader.ts';

/** What a reader makes of bytes that come `step` at a time: a word for each piece, and all bytes it gave out. */
function read(kind: 'request' | 'answer', text: string, step = Infinity, bodiless = false, closed = false) {
  const reader = new MessageReader(kind);
  reader.isBodiless = bodiless;
  const kinds: string[] = [];
  let bytes = '';
  const drain = () => {
    for (let piece = reader.next(); piece; piece = reader.next()) {
      if (piece.is !== 'body' || kinds.at(-1) !== 'body') kinds.push(piece.is);
      if (piece.is !== 'end') bytes += piece.bytes.toString('latin1');
    }
  };
  const all = Buffer.from(text, 'latin1');
  for (let at = 0; at < all.length; at += Math.min(step, all.length)) {
    reader.push(all.subarray(at, Math.min(at + step, all.length)));
    drain();
  }
  if (closed) {
    reader.close();
    drain();
  }
  return { kinds: kinds.join(' '), bytes };
}

const GET = 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n';
const POST = 'POST /a HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello';
const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\nTrailer: t\r\n\r\n';

describe('a message reader', () => {
  it.each([1, 2, 3, 7, Infinity])('finds the same messages in bytes that come %i at a time', (step) => {
    expect(read('request', GET + POST + GET, step)).toEqual({
      kinds: 'head end head body end head end',
      bytes: GET + POST + GET,
    });
    expect(read('answer', CHUNKED + CHUNKED, step)).toEqual({
      kinds: 'head body end head body end',
      bytes: CHUNKED + CHUNKED,
    });
  });

  it('knows answers without a body: interim, 204, 304, and those to HEAD', () => {
    const text = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\nHTTP/1.1 304 No\r\ncontent-length: 9\r\n\r\n';
    expect(read('answer', text).kinds).toBe('head end head end head end');
    expect(read('answer', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n', 1, true).kinds).toBe('head end');
  });

  it('reads an answer of unknown length until the connection closes', () => {
    expect(read('answer', 'HTTP/1.0 200 OK\r\n\r\nhello', 3).kinds).toBe('head body');
    expect(read('answer', 'HTTP/1.0 200 OK\r\n\r\nhello', 3, false, true).kinds).toBe('head body end');
  });

  it('has the fields of a head by their names in lower case, equal names joined', () => {
    const reader = new MessageReader('request');
    reader.push(Buffer.from('GET /a?b HTTP/1.1\r\nA: 1\r\na:2 \r\n\r\n'));
    expect(reader.next()).toMatchObject({
      head: { start: ['GET', '/a?b', 'HTTP/1.1'], fields: new Map([['a', '1,2']]) },
    });
  });

  it.each([
    ['two lengths', 'POST / HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n'],
    ['a length and a coding', 'POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['another coding', 'POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n'],
    ['a negative length', 'POST / HTTP/1.1\r\ncontent-length: -5\r\n\r\n'],
    ['a chunk without a size', 'POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n'],
    ['a space before a colon', 'POST / HTTP/1.1\r\ncontent-length : 5\r\n\r\n'],
    ['another protocol', '\0\0\0 what?\r\n\r\n'],
    ['a head without an end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(70_000)}`],
    ['a tunnel', 'CONNECT h:1 HTTP/1.1\r\n\r\n'],
  ])('calls %s malformed, and gives back every byte', (_, text) => {
    const reader = new MessageReader('request');
    reader.push(Buffer.from(text));
    let given = '';
    const readAll = () => {
      for (let piece = reader.next(); piece; piece = reader.next())
        if (piece.is !== 'end') given += piece.bytes.toString();
    };
    expect(readAll).toThrow(MalformedMessage);
    expect(given + reader.rest().toString()).toBe(text);
  });
});
