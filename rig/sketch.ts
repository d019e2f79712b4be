/**
 * Draws a history in a test as a picture: one line for each process, time runs to the right.
 *
 *     p0  |-write x 1-|
 *     p1                 |-read x = null-|
 *
 * A bar opens with `|-` and ends with `-|` (ok), `-x` (fail) or `-?` (info). What follows `=` is the output, or the
 * class of the error. Columns are the clock, in seconds: bars that overlap on the page were concurrent.
 */

import type { HistoryEvent, Input, Json } from './contract.ts';
import { History } from './history.ts';

/** Argument names of each function, in the order in which the picture gives them: `{ write: ['key', 'value'] }`. */
export type Shape = Readonly<Record<string, readonly string[]>>;

/** The shape of the register's functions. */
export const REGISTER: Shape = { read: ['key'], write: ['key', 'value'], cas: ['key', 'from', 'to'] };

/** The history that the picture shows. `node` is `n1` for `p0`, and so on. */
export function sketch<In extends Input = Input, Out extends Json = Json>(
  picture: string,
  shape: Shape = REGISTER,
): History<In, Out> {
  const edges = picture.split('\n').flatMap((line) => (line.trim() === '' ? [] : bars(line, shape)));
  // At one column invocations come before completions: bars that touch overlap.
  edges.sort((a, b) => a.column - b.column || Number('input' in b.event) - Number('input' in a.event));
  return new History(
    edges.map(({ column, event }, index) => ({ ...event, index, timeNs: column * 1e9 }) as HistoryEvent<In, Out>),
  );
}

function bars(line: string, shape: Shape): { column: number; event: object }[] {
  const process = Number(/^\s*p(\d+)/.exec(line)?.[1] ?? wrong(`no process at the start of "${line}"`));
  const who = { process, node: `n${process + 1}` };
  return [...line.matchAll(/\|-+\s*(.+?)\s*-+([|x?])/g)].flatMap((bar) => {
    const [request = '', answer] = (bar[1] as string).split(' = ');
    const [f = '', ...given] = request.trim().split(/\s+/);
    const names = shape[f] ?? wrong(`no shape for "${f}"; there are ${Object.keys(shape).join(', ')}`);
    if (given.length !== names.length) wrong(`"${request}" should give ${names.join(', ') || 'nothing'}`);
    const input = Object.fromEntries([['f', f], ...names.map((name, at) => [name, literal(given[at] as string)])]);
    const end =
      bar[2] === '|'
        ? { type: 'ok', output: literal(answer ?? 'null') }
        : { type: bar[2] === 'x' ? 'fail' : 'info', error: answer ?? 'drawn' };
    return [
      { column: bar.index, event: { ...who, type: 'invoke', input } },
      { column: bar.index + bar[0].length - 1, event: { ...who, ...end } },
    ];
  });
}

function literal(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function wrong(why: string): never {
  throw new Error(`sketch: ${why}`);
}
