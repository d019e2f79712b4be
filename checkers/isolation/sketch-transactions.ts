/**
 * Draws a history of transactions in a test: bars as in `rig/sketch.ts`, with micro-operations in short.
 *
 *     p0  |-ax1 ax2-|          append 1 and 2 to x
 *     p1       |-rx12 ry_-|    read x as [1 2], y as nothing; of registers `wx1` writes, and `rx2` read 2
 */

import type { HistoryEvent, Json } from '../../rig/contract.ts';
import { History } from '../../rig/history.ts';
import type { MicroOperation } from './micro-operations.ts';

/** The history that the picture shows; values are single digits. A bar may end in `-|` (ok), `-x` (fail), `-?` (info). */
export const sketchTransactions = (picture: string): History => new History(sketchedEvents(picture));

export function sketchedEvents(picture: string): HistoryEvent[] {
  const isList = !/\bw[a-z]\d/.test(picture);
  const edges = picture.split('\n').flatMap((line) => bars(line, isList));
  // At one column invocations come before completions: bars that touch overlap.
  edges.sort(
    (a, b) => a.column - b.column || Number(b.event['type'] === 'invoke') - Number(a.event['type'] === 'invoke'),
  );
  return edges.map(
    ({ column, event }, index) => ({ ...event, index, timeNs: column * 1e9 }) as unknown as HistoryEvent,
  );
}

type Edge = { readonly column: number; readonly event: { readonly [field: string]: Json } };

function bars(line: string, isList: boolean): Edge[] {
  const process = Number(/^\s*p(\d+)/.exec(line)?.[1] ?? 0);
  const who = { process, node: `n${process + 1}` };
  return [...line.matchAll(/\|-+\s*([^|]+?)\s*-+([|x?])/g)].flatMap((bar) => {
    const output = (bar[1] as string).split(/\s+/).map((text) => micro(text, isList));
    const value = output.map(([f, key, seen]) => [f, key, f === 'r' ? null : seen] as const);
    const end = bar[2] === '|' ? { type: 'ok', output } : { type: bar[2] === 'x' ? 'fail' : 'info', error: 'drawn' };
    return [
      { column: bar.index, event: { ...who, type: 'invoke', input: { f: 'txn', value } } },
      { column: bar.index + bar[0].length - 1, event: { ...who, ...end } },
    ];
  });
}

function micro(text: string, isList: boolean): MicroOperation {
  const [, f = '', key = '', digits = ''] = /^([arw])([a-z])(\d*|_)$/.exec(text) ?? [];
  if (f === '') throw new Error(`sketch: no micro-operation "${text}"; there are ax1, wx1, rx12, rx_`);
  const values = [...digits.matchAll(/\d/g)].map(([digit]) => Number(digit));
  if (f !== 'r') return [f === 'a' ? 'append' : 'w', key, values[0] as number];
  return ['r', key, isList ? values : (values[0] ?? null)];
}
