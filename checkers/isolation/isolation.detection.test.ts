/** Anomalies planted in long histories are found, each by its name, and nothing else is. */

import { describe, expect, it } from 'vitest';
import type { Checker, Json, Verdict } from '../../rig/contract.ts';
import { readAnyHistory } from '../../rig/formats.ts';
import { listAppend } from './list-append.ts';
import { rwRegister } from './rw-register.ts';
import { simulatedHistory } from './simulated-history.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };
const checkers = { list: listAppend as unknown as Checker, register: rwRegister as unknown as Checker };

type Kind = keyof typeof checkers;
type Micro = readonly [f: string, key: string, value: Json];
/** Transactions that run at the same time; each stage begins after the one before it has ended. */
type Stage = readonly (readonly [type: 'ok' | 'fail' | 'info', ...did: Micro[]])[];

const a = (key: string, value: number): Micro => ['append', key, value];
const w = (key: string, value: number): Micro => ['w', key, value];
const r = (key: string, seen: Json): Micro => ['r', key, seen];

const planted: readonly (readonly [name: string, kind: Kind, stages: readonly Stage[], found: readonly string[]])[] = [
  [
    'G0',
    'list',
    [
      [
        ['ok', a('A', 1), a('B', 1)],
        ['ok', a('A', 2), a('B', 2)],
      ],
      [['ok', r('A', [1, 2]), r('B', [2, 1])]],
    ],
    ['G0'],
  ],
  [
    'G1a',
    'list',
    [
      [
        ['fail', a('A', 1)],
        ['ok', r('A', [1])],
      ],
    ],
    ['G1a'],
  ],
  [
    'G1b',
    'list',
    [
      [
        ['ok', a('A', 1), a('A', 2)],
        ['ok', r('A', [1])],
      ],
      [['ok', r('A', [1, 2])]],
    ],
    ['G-single-item', 'G1b'],
  ],
  [
    'G1c',
    'list',
    [
      [
        ['ok', a('A', 1), r('B', [1])],
        ['ok', a('B', 1), r('A', [1])],
      ],
    ],
    ['G1c'],
  ],
  [
    'G-single',
    'list',
    [
      [
        ['ok', a('A', 1), a('B', 1)],
        ['ok', r('A', [1]), r('B', null)],
      ],
      [['ok', r('B', [1])]],
    ],
    ['G-single-item'],
  ],
  [
    'G-nonadjacent',
    'list',
    [
      [
        ['ok', a('A', 1)],
        ['ok', r('A', [1]), r('B', null)],
        ['ok', a('B', 1)],
        ['ok', r('B', [1]), r('A', null)],
      ],
    ],
    ['G-nonadjacent-item'],
  ],
  [
    'G2-item',
    'list',
    [
      [
        ['ok', r('A', null), a('B', 1)],
        ['ok', r('B', null), a('A', 1)],
      ],
    ],
    ['G2-item'],
  ],
  [
    'lost update',
    'list',
    [
      [['ok', a('A', 1)]],
      [
        ['ok', r('A', [1]), a('A', 2)],
        ['ok', r('A', [1]), a('A', 3)],
      ],
    ],
    ['G2-item', 'lost-update'],
  ],
  [
    'dirty update',
    'list',
    [[['fail', a('A', 1)]], [['ok', a('A', 2)]], [['ok', r('A', [1, 2])]]],
    ['G1a', 'dirty-update'],
  ],
  [
    'internal',
    'list',
    [
      [
        ['ok', a('A', 1), r('A', [2])],
        ['ok', a('A', 2)],
      ],
    ],
    ['internal'],
  ],
  ['future read', 'list', [[['ok', r('A', [1]), a('A', 1)]]], ['future-read']],
  [
    'incompatible order',
    'list',
    [
      [
        ['ok', a('A', 1)],
        ['ok', a('A', 2)],
        ['ok', a('A', 3)],
      ],
      [
        ['ok', r('A', [1, 2])],
        ['ok', r('A', [1, 3, 2])],
      ],
    ],
    ['incompatible-order'],
  ],
  [
    'stale read',
    'list',
    [[['ok', a('A', 1)]], [['ok', r('A', null)]], [['ok', r('A', [1])]]],
    ['G-single-item-realtime'],
  ],
  [
    'lost append',
    'list',
    [[['ok', a('A', 1)]], [['ok', a('A', 2)]], [['ok', r('A', [1])]]],
    ['G-single-item-realtime'],
  ],
  ['thin air', 'list', [[['ok', r('A', [7])]]], ['thin-air-read']],
  [
    'G1c',
    'register',
    [
      [
        ['ok', w('A', 1), r('B', 1)],
        ['ok', w('B', 1), r('A', 1)],
      ],
    ],
    ['G1c'],
  ],
  [
    'G-single',
    'register',
    [
      [
        ['ok', w('A', 1), w('B', 1)],
        ['ok', r('A', 1), r('B', null)],
      ],
    ],
    ['G-single-item'],
  ],
  [
    'fractured read',
    'register',
    [
      [
        ['ok', w('A', 1), w('B', 1)],
        ['ok', w('A', 2), w('B', 2)],
      ],
      [['ok', r('A', 2), r('B', 1)]],
    ],
    ['G-single-item'],
  ],
  ['future read', 'register', [[['ok', r('A', 1), w('A', 1)]]], ['future-read']],
  [
    'stale read',
    'register',
    [[['ok', w('A', 1)]], [['ok', w('A', 2)]], [['ok', r('A', 1)]]],
    ['G-single-item-realtime'],
  ],
];

/** The history with the stages in its middle, every key and process of theirs their own. */
function withPlanted(kind: Kind, stages: readonly Stage[]): string {
  const lines = [...simulatedHistory({ kind, transactions: 2000, concurrency: 20, seed: 3 })];
  const events = stages.flatMap((stage, at) => [
    ...stage.map(([, ...did], number) =>
      event(
        'invoke',
        at,
        number,
        did.map(([f, key, value]) => [f, key, f === 'r' ? null : value]),
      ),
    ),
    ...stage.map(([type, ...did], number) => event(type, at, number, did)),
  ]);
  lines.splice(lines.length / 2, 0, ...events);
  return `${lines.join('\n')}\n`;
}

const event = (type: string, stage: number, number: number, value: readonly (readonly Json[])[]): string =>
  JSON.stringify({ type, process: 900_000 + 100 * stage + number, f: 'txn', value });

async function judge(kind: Kind, text: string): Promise<Verdict> {
  const { history } = await readAnyHistory(Buffer.from(text));
  return checkers[kind].check(history, patient);
}

describe('in a history of 2,000 transactions', () => {
  it.each(['list', 'register'] as const)('of a %s nothing is found that is not there', async (kind) => {
    expect(await judge(kind, withPlanted(kind, []))).toMatchObject({ validity: 'valid', anomalies: [] });
  });

  it.each(planted)('a planted %s of a %s is found', async (_, kind, stages, found) => {
    const { validity, anomalies } = await judge(kind, withPlanted(kind, stages));
    expect(validity).toBe('invalid');
    expect([...new Set(anomalies.map(({ name }) => name))].sort()).toEqual(found);
  });
});
