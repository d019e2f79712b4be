import { describe, expect, it } from 'vitest';
import type { HistoryEvent, Verdict } from '../rig/contract.ts';
import { History } from '../rig/history.ts';
import { exercised } from './exercised.ts';

const patient = { exhausted: () => false, reason: () => 'nothing' };

const read = (node = 'n1') => [
  { type: 'invoke', process: 0, node, input: { f: 'read' } },
  { type: 'ok', process: 0, node, output: null },
];
const failedRead = [
  { type: 'invoke', process: 0, node: 'n1', input: { f: 'read' } },
  { type: 'fail', process: 0, node: 'n1', error: 'timeout' },
];
const phase = (name: string) => ({ type: 'phase', phase: name });
const fault = (action: string, evidence?: object) => ({
  type: 'nemesis',
  nemesis: 'kill',
  hold: 'f1',
  action,
  fault: {},
  sentence: 'n1 is killed',
  ...(evidence && { evidence }),
});
const seen = { effective: true, observed: 'n1 was gone' };
const begun = [fault('inject'), fault('injected')];
const undone = [fault('release'), fault('released', seen)];
const back = [phase('recovery'), phase('final')];

function verdictOf(...events: object[]): Verdict {
  const history = new History(events.map((event, index) => ({ ...event, index, timeNs: index * 1e9 }) as HistoryEvent));
  return exercised.check(history, patient) as Verdict;
}

describe('exercised', () => {
  it('accepts a run whose fault met load, had an effect and was recovered from', () => {
    const verdict = verdictOf(...begun, ...read(), ...undone, ...back);
    expect(verdict).toMatchObject({
      validity: 'valid',
      summary: 'every function succeeded, the one fault met load and had an effect',
    });
  });

  it('accepts a fault that met load while it came into force, as a restore does', () => {
    expect(verdictOf(fault('inject'), ...read(), fault('injected'), ...undone, ...back).validity).toBe('valid');
  });

  const cut = (hold: string, action: string, evidence?: object) => ({
    ...fault(action, evidence),
    nemesis: 'partition',
    hold,
    sentence: 'n1 is cut off',
  });
  const nothing = { effective: false, observed: '0 packets' };
  const hiddenCut = [
    ...begun,
    cut('p1', 'inject'),
    cut('p1', 'injected'),
    ...read(),
    cut('p1', 'release'),
    cut('p1', 'released', nothing),
    ...undone,
  ];
  const seenCut = [
    cut('p2', 'inject'),
    cut('p2', 'injected'),
    ...read(),
    cut('p2', 'release'),
    cut('p2', 'released', seen),
  ];

  it('accepts a fault without effect that another one hid, if its nemesis had an effect at another time', () => {
    const verdict = verdictOf(...hiddenCut, ...seenCut, ...back);
    expect(verdict).toMatchObject({
      validity: 'valid',
      summary:
        'every function succeeded, each of 2 faults met load and had an effect; 1 more could have none beside another fault',
    });
  });

  it('does not accept a nemesis whose every fault was hidden, nor a fault without effect that nothing hid', () => {
    expect(verdictOf(...hiddenCut, ...back).validity).toBe('unknown');
    const alone = [...begun, ...read(), ...undone, cut('p1', 'inject'), cut('p1', 'injected'), ...read()];
    const unhidden = [...alone, cut('p1', 'release'), cut('p1', 'released', nothing), ...seenCut, ...back];
    expect(verdictOf(...unhidden).validity).toBe('unknown');
  });

  it('accepts a run without faults', () => {
    expect(verdictOf(...read(), ...back).validity).toBe('valid');
  });

  it.each([
    ['no request was made', []],
    ['no read ever succeeded', failedRead],
    [
      'no request was made while the fault "n1 is killed" was in force',
      [...read(), ...begun, ...undone, ...read(), ...back],
    ],
    ['the fault "n1 is killed" never came into force', [fault('inject'), ...read(), ...undone, ...back]],
    ['the fault "n1 is killed" was never seen to be undone', [...begun, ...read(), ...back]],
    [
      'nothing was observed of the fault "n1 is killed"',
      [...begun, ...read(), fault('release'), fault('released'), ...back],
    ],
    [
      'the fault "n1 is killed" had no effect: n1 ran on',
      [...begun, ...read(), fault('release'), fault('released', { effective: false, observed: 'n1 ran on' }), ...back],
    ],
    [
      'the fault "n1 is killed" may still be in force: no such process',
      [
        ...begun,
        ...read(),
        fault('release'),
        fault('stuck', { effective: true, observed: 'no such process' }),
        ...back,
      ],
    ],
    ['the cluster was not seen to recover: the run ended before that', [...begun, ...read(), ...undone]],
    [
      'the cluster did not recover: n2 answered nothing after the last fault was undone',
      [...read('n2'), ...begun, ...read(), ...undone, phase('recovery'), ...read(), phase('down')],
    ],
  ])('is unknown: %s', (reason, events) => {
    const verdict = verdictOf(...events);
    expect(verdict.validity).toBe('unknown');
    expect(verdict.summary).toContain(reason);
  });

  it('accepts a recovery without a final phase once every node has answered', () => {
    const run = [
      ...read('n2'),
      ...begun,
      ...read(),
      ...undone,
      phase('recovery'),
      ...read(),
      ...read('n2'),
      phase('down'),
    ];
    expect(verdictOf(...run).validity).toBe('valid');
  });
});
