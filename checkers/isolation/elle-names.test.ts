/**
 * Every anomaly that Elle names, in lists, registers and rows: a history that shows it is told so by that name, and one that
 * differs from it in what a single read saw (or in one outcome) is accepted, by the same model.
 */

import { describe, expect, it } from 'vitest';
import type { Checker, HistoryEvent, Json, Verdict } from '../../rig/contract.ts';
import { History } from '../../rig/history.ts';
import { isolationBy } from './by-name.ts';
import type { MicroOperation } from './micro-operations.ts';
import { sketchedEvents } from './sketch-transactions.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };

/** In the picture a write is `W`: an append to a list, a write of a register, an update of a row. `{bad|good}` tells the two apart. */
type Row = readonly [name: string, checkedBy: string, picture: string];

const SESSION = 'strong-session-serializable';
const STRICT = 'strict-serializable';

/** What can be seen in lists, registers and rows alike. */
const EVERYWHERE: readonly Row[] = [
  ['G1a', 'read-committed', 'p0 |-Wx1-{x||}\np1        |-rx1-|'],
  ['G1b', 'read-committed', 'p0 |-Wx1 Wx2-|\np1  |-rx{1|12}-|'],
  ['G1c', 'serializable', 'p0 |-Wx1 ry{1|_}-|\np1 |-Wy1 rx1-|'],
  ['G1c-process', SESSION, 'p0 |-rx{1|_}-| |-Wx1-|'],
  ['G1c-realtime', STRICT, 'p0 |-rx{1|_}-|\np1             |-Wx1-|'],
  ['G-single-item', 'snapshot-isolation', 'p0 |-Wx1 Wy1-|\np1 |-rx1 ry{_|1}-|'],
  ['G-single-item-process', SESSION, 'p0 |-Wx1-| |-rx{_|1}-|\np1          |-rx1-|'],
  ['G-single-item-realtime', STRICT, 'p0 |-Wx1-|\np1         |-rx{_|1}-|\np2          |-rx1-|'],
  ['G-nonadjacent-item', 'snapshot-isolation', 'p0 |-Wx1-|\np1 |-Wy1-|\np2 |-rx1 ry_-|\np3 |-ry1 rx{_|1}-|'],
  ['G-nonadjacent-item-process', SESSION, 'p0 |-Wy1-| |-rx_-|\np1 |-Wx1-| |-ry{_|1}-|'],
  [
    'G-nonadjacent-item-realtime',
    STRICT,
    'p0 |-Wy1---------|\np1 |-rx1 ry{_|1}----------------------------|\np2 |-Wx1-----------------------|\np3                     |-rx_-|',
  ],
  ['G2-item', 'serializable', 'p0 |-rx_ Wy1-|\np1 |-ry{_|1} Wx1-|'],
  ['G2-item-process', SESSION, 'p0 |-Wy1-| |-rx_-|\np1 |-Wx1 ry{_|1}-----------|'],
  ['G2-item-realtime', STRICT, 'p0 |-Wy1-|\np1 |-Wx1 ry{_|1}-----------|\np2          |-rx_-|'],
  ['internal', 'read-atomic', 'p0 |-Wx1 rx{_|1}-|\np1 |-rx1-|'],
  ['future-read', 'read-committed', 'p0 |-rx{1|_} Wx1-|\np1 |-rx1-|'],
  ['lost-update', 'snapshot-isolation', 'p0 |-rx_ Wx1-|\np1 |-rx{_|1} Wx2-|'],
];

/** What can be seen only where reads show the order of all writes. */
const LISTS: readonly Row[] = [
  ['G0', 'read-uncommitted', 'p0 |-Wx1 Wy1-|\np1 |-Wx2 Wy2-|\np2 |-rx12 ry{21|12}-|'],
  ['G0-process', SESSION, 'p0 |-Wx1-| |-Wx2-|\np1 |-rx{21|12}---------|'],
  ['G0-realtime', STRICT, 'p0 |-Wx1-|\np1        |-Wx2-|\np2 |-rx{21|12}--------|'],
  ['dirty-update', 'read-committed', 'p0 |-Wx1-{x||}\np1 |-Wx2-|\np2 |-rx12-|'],
  ['incompatible-order', 'read-committed', 'p0 |-Wx1-|\np1 |-Wx2-|\np2 |-rx12-|\np3 |-rx{21|12}-|'],
  ['duplicate-elements', 'read-uncommitted', 'p0 |-Wx1-|\np1 |-rx1{1|}-|'],
];

/** What can be seen only where something is taken for granted of the order of writes. */
const REGISTERS: readonly Row[] = [
  [
    'G0',
    'read-uncommitted+sequential-keys',
    'p0 |-Wx1 Wy1-|\np1 |-Wx2 Wy2-|\np2 |-rx1-| |-rx2-|\np3 |-ry{2|1}-| |-ry{1|2}-|',
  ],
  [
    'G0-process',
    `${SESSION}+sequential-keys`,
    'p0 |-Wx1-| |-Wz1-|\np1 |-Wx2 Wz2-|\np2 |-rx{2|1}-| |-rx{1|2}-|\np3 |-rz1-| |-rz2-|',
  ],
  [
    'G0-realtime',
    `${STRICT}+linearizable-keys`,
    [
      'p0 |-Wx1-------------------------|',
      'p1 |-Wx2 Wz2-----------------------------------------------------|',
      'p2 |-rx{2|1}-|   |-rx{1|2}-|',
      'p3                                       |-Wz1-|',
      'p4                                              |-rz1-| |-rz{2|1}-|',
    ].join('\n'),
  ],
  ['cyclic-versions', 'read-uncommitted+wfr-keys', 'p0 |-rx1 Wx2-|\np1 |-rx{2|_} Wx1-|'],
  [
    'cyclic-versions',
    'serializable+sequential-keys',
    'p0 |-Wx1-|\np1 |-Wx2-|\np2 |-rx1-| |-rx2-|\np3 |-rx{2|1}-| |-rx{1|2}-|',
  ],
  [
    'cyclic-versions',
    'serializable+linearizable-keys',
    'p0 |-Wx1-|\np1          |-Wx2-|\np2                 |-rx{1|2}-|\np3                 |-rx2-|',
  ],
];

type Kind = 'list-append' | 'rw-register' | 'sql-rows';
const WRITES: Readonly<Record<Kind, string>> = { 'list-append': 'a', 'rw-register': 'w', 'sql-rows': 'w' };

/** One of the two histories of a picture. */
function historyOf(kind: Kind, picture: string, which: 'bad' | 'good'): History {
  const drawn = picture
    .replace(/\{([^{}|]*)\|([^{}]*)\}/g, (_, bad: string, good: string) => (which === 'bad' ? bad : good))
    .replaceAll('W', WRITES[kind]);
  // Of a register what was read is the last that a list would show.
  const events = sketchedEvents(kind === 'list-append' ? drawn : drawn.replace(/(r[a-z])\d(?=\d)/g, '$1'));
  return new History(kind === 'sql-rows' ? onRows(events) : events);
}

/** The same with rows: all are there at first, writes are updates that found their row. */
function onRows(sketched: readonly HistoryEvent[]): HistoryEvent[] {
  const statement = ([f, key, value]: MicroOperation, isAnswer: boolean): Json =>
    f === 'r' ? ['select', key, isAnswer ? row(value) : null] : ['update', key, row(value), ...(isAnswer ? [1] : [])];
  const told = (of: Json, isAnswer: boolean): Json =>
    (of as unknown as readonly MicroOperation[]).map((micro) => statement(micro, isAnswer));
  const rows = ['x', 'y', 'z'].map((key): Json => ['insert', key, row(null)]);
  const events = [
    { type: 'invoke', process: 99, input: { f: 'txn', value: rows } },
    { type: 'ok', process: 99, output: rows },
    ...sketched.map((event) => {
      if (event.type === 'invoke')
        return { ...event, input: { f: 'txn', value: told(event.input['value'] as Json, false) } };
      return event.type === 'ok' ? { ...event, output: told(event.output, true) } : event;
    }),
  ];
  return events.map((event, index) => ({ ...event, node: 'n1', index, timeNs: index * 1e9 }) as HistoryEvent);
}

const row = (version: Json): Json => ({ version: version ?? 0 });

describe.each([
  ['list-append', [...EVERYWHERE, ...LISTS]],
  ['rw-register', [...EVERYWHERE, ...REGISTERS]],
  ['sql-rows', EVERYWHERE],
] as const)('%s', (kind, table) => {
  it.each(table)('%s by %s is told by its name, and what comes nearest to it is accepted', (name, by, picture) => {
    const checker = isolationBy(`${kind}:${by}`) as Checker;
    const bad = checker.check(historyOf(kind, picture, 'bad'), patient) as Verdict;
    expect(bad.anomalies.map((anomaly) => anomaly.name)).toContain(name);
    expect(bad.validity).toBe('invalid');
    const good = checker.check(historyOf(kind, picture, 'good'), patient) as Verdict;
    expect(good.anomalies.map(({ explanation }) => explanation)).toEqual([]);
    expect(good.validity).toBe('valid');
  });
});
