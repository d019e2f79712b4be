/** The bytes of a request that is spoilt in one way, in the pieces in which they are sent. */

import type { Json, Spoiling, SmugglingShape } from '../../rig/contract.ts';
import type { BuiltRequest } from './service-request.ts';

export interface SpoiltBytes {
  readonly pieces: readonly Buffer[];
  readonly gapMs: number;
  /** Nothing more comes, and the service is told so: it must not wait for the rest. */
  readonly ends: boolean;
}

/** `hidden` is the request that a smuggled one would be. */
export function spoil(request: BuiltRequest, spoiling: Spoiling, authority: string, hidden: BuiltRequest): SpoiltBytes {
  const whole = (body: string | Buffer | null, changes: HeadChanges = {}): SpoiltBytes =>
    atOnce(message(request, authority, body, changes));
  switch (spoiling.how) {
    case 'value':
    case 'literal':
    case 'missing':
    case 'unknown':
    case 'twice':
    case 'deep':
    case 'large':
      return whole(spoiltJson(request.body, spoiling));
    case 'cut': {
      const body = Buffer.from(request.body ?? '{}');
      return whole(body.subarray(0, Math.min(share(body, spoiling.percent), body.length - 1)));
    }
    case 'bytes': {
      const body = Buffer.from(request.body ?? '{}');
      const at = share(body, spoiling.percent);
      return whole(Buffer.concat([body.subarray(0, at), Buffer.from(spoiling.bytes), body.subarray(at)]));
    }
    case 'short': {
      const bytes = message(request, authority, request.body ?? '{}', {});
      return { ...atOnce(bytes.subarray(0, Math.min(share(bytes, spoiling.percent), bytes.length - 1))), ends: true };
    }
    case 'type':
      return whole(request.body, { fields: { 'content-type': spoiling.type } });
    case 'large-header':
      return whole(request.body, { fields: { 'x-large': 'a'.repeat(spoiling.bytes) } });
    case 'many-headers':
      return whole(request.body, {
        fields: Object.fromEntries(Array.from({ length: spoiling.count }, (_, nth) => [`x-${nth}`, 'a'])),
      });
    case 'line':
      return whole(request.body, {
        line: spoiling.line.replace('{path}', request.path).replace('{method}', request.method),
      });
    case 'split':
      return split(message(request, authority, request.body, {}), spoiling.pieces, spoiling.gapMs);
    case 'chunk': {
      const body = `${spoiling.size}\r\n${request.body ?? ''}\r\n0\r\n\r\n`;
      return { ...whole(body, { length: null, fields: { 'transfer-encoding': 'chunked' } }), ends: true };
    }
    case 'smuggle':
      return { ...smuggled(request, spoiling.shape, authority, hidden), ends: true };
  }
}

const atOnce = (bytes: Buffer): SpoiltBytes => ({ pieces: [bytes], gapMs: 0, ends: false });

const share = (bytes: Buffer, percent: number): number => Math.floor((bytes.length * percent) / 100);

interface HeadChanges {
  readonly line?: string;
  /** In the place of `Content-Length` and its value; `null`: no such field. */
  readonly length?: string | null;
  readonly fields?: Readonly<Record<string, string>>;
}

function message(
  { method, path, headers }: BuiltRequest,
  authority: string,
  body: string | Buffer | null,
  { line = `${method} ${path} HTTP/1.1`, length, fields = {} }: HeadChanges,
): Buffer {
  const bytes = Buffer.from(body ?? '');
  const all = { host: authority, connection: 'close', ...headers, ...fields };
  const lengthField = length === undefined ? [`content-length: ${bytes.length}`] : length === null ? [] : [length];
  const head = [line, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`), ...lengthField, '', ''];
  return Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), bytes]);
}

function split(bytes: Buffer, pieces: number, gapMs: number): SpoiltBytes {
  const size = Math.max(1, Math.ceil(bytes.length / pieces));
  const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, nth) =>
    bytes.subarray(nth * size, (nth + 1) * size),
  );
  return { pieces: parts, gapMs, ends: false };
}

function smuggled(request: BuiltRequest, shape: SmugglingShape, authority: string, hidden: BuiltRequest): SpoiltBytes {
  const inside = message(hidden, authority, hidden.body, {});
  const body = Buffer.from(request.body ?? '');
  const chunk = Buffer.concat([Buffer.from(`${inside.length.toString(16)}\r\n`), inside, Buffer.from('\r\n0\r\n\r\n')]);
  const afterEnd = Buffer.concat([Buffer.from('0\r\n\r\n'), inside]);
  const coded = (name: string, value: string, bytes: Buffer) =>
    message(request, authority, bytes, { fields: { [name]: value } });
  const shapes: Readonly<Record<SmugglingShape, () => Buffer>> = {
    'cl-te': () => coded('transfer-encoding', 'chunked', afterEnd),
    'te-cl': () =>
      message(request, authority, chunk, {
        length: `content-length: ${inside.length.toString(16).length + 2}`,
        fields: { 'transfer-encoding': 'chunked' },
      }),
    'two-lengths': () =>
      message(request, authority, Buffer.concat([body, inside]), {
        length: `content-length: ${body.length}\r\ncontent-length: ${body.length + inside.length}`,
      }),
    'spaced-coding': () => coded('transfer-encoding ', 'chunked', afterEnd),
    'odd-coding': () => coded('transfer-encoding', 'xchunked', afterEnd),
    'folded-length': () =>
      message(request, authority, Buffer.concat([body, inside]), { length: `content-length:\r\n ${body.length}` }),
  };
  return atOnce(shapes[shape]());
}

type BodySpoiling = Extract<
  Spoiling,
  { readonly how: 'value' | 'literal' | 'missing' | 'unknown' | 'twice' | 'deep' | 'large' }
>;
type Fields = { readonly [field: string]: Json };

/** The text of a body in which one thing is wrong. */
function spoiltJson(text: string | null, spoiling: BodySpoiling): string {
  const body = JSON.parse(text ?? '{}') as Json;
  const fields: Fields = typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Fields) : {};
  const names = Object.keys(fields);
  const nth = 'field' in spoiling ? spoiling.field % Math.max(1, names.length) : 0;
  const name = names[nth] ?? 'field';
  const written = (value: string, at = name) =>
    `{${[...names.filter((other) => other !== at).map((other) => member(other, fields)), `${JSON.stringify(at)}:${value}`].join()}}`;
  switch (spoiling.how) {
    case 'value':
      return written(JSON.stringify(spoiling.value));
    case 'literal':
      return written(spoiling.text);
    case 'missing':
      return `{${names
        .filter((other) => other !== name)
        .map((other) => member(other, fields))
        .join()}}`;
    case 'unknown':
      return written(JSON.stringify(spoiling.value), `unknown${spoiling.field}`);
    case 'twice':
      return `{${[...names.map((other) => member(other, fields)), `${JSON.stringify(name)}:${JSON.stringify(spoiling.value)}`].join()}}`;
    case 'deep':
      return written(`${'['.repeat(spoiling.depth)}${']'.repeat(spoiling.depth)}`);
    case 'large':
      return written(`"${'a'.repeat(spoiling.bytes)}"`);
  }
}

const member = (name: string, fields: Fields): string => `${JSON.stringify(name)}:${JSON.stringify(fields[name])}`;
