/** Sample runs that end in each way short of a finding: valid, unknown, interrupted, failed. */

import type { FaultRecord, RunRecord } from '../../rig/contract.ts';
import { unknown, valid } from '../../rig/define.ts';
import { Random } from '../../rig/random.ts';
import { exercised, faultsUntil, historyOf, recordOf, registerSamples } from './making.ts';

export function validRun(directory: string, count = 100_000): RunRecord {
  const faults = faultsUntil(60_000);
  const history = historyOf(registerSamples(count, 60_000, faults, new Random('valid')));
  const judged = valid(
    'linearizable',
    `All ${count.toLocaleString('en-GB')} operations on 41 keys can be put in a legal order.`,
    {
      keys: 41,
      statesVisited: 412_098,
      elapsedMs: 1840,
    },
  );
  const summary = 'Every key behaved like one register while 5 faults were in force.';
  return recordOf(
    {
      name: 'etcd-register',
      cluster: 'etcd',
      workload: 'register',
      history,
      faults,
      verdicts: [judged, exercised],
      summary,
    },
    directory,
  );
}

export function unknownRun(directory: string): RunRecord {
  const [first, second] = faultsUntil(30_000) as [FaultRecord, FaultRecord];
  const idle = { ...second, evidence: { effective: false, observed: 'no packet met a rule' } };
  const history = historyOf(registerSamples(3000, 30_000, [first], new Random('unknown')));
  const verdicts = [
    unknown('linearizable', 'Not decided for 2 of 41 keys: the search ran out of its budget of 60 s of time.', {
      undecided: ['7', '19'],
    }),
    unknown('exercised', 'Fault 2 (kill) had no effect that could be seen, so nothing is known about it.'),
  ];
  const summary = 'No violation was found, but 2 keys were not decided and a fault had no effect.';
  return recordOf(
    { name: 'etcd-register', cluster: 'etcd', workload: 'register', history, faults: [first, idle], verdicts, summary },
    directory,
  );
}

/** Stopped by hand in the middle of a fault that could not be undone. */
export function interruptedRun(directory: string): RunRecord {
  const [first, second] = faultsUntil(30_000) as [FaultRecord, FaultRecord];
  const open = {
    ...second,
    releasedNs: null,
    evidence: null,
    recoveryMs: {},
    stuck: 'n2 did not answer within 30 s of being started again',
  };
  const history = historyOf(registerSamples(1700, 17_000, [first], new Random('interrupted')), [
    'the last line is torn: 43 bytes left out',
  ]);
  const verdicts = [
    valid('linearizable', 'All 1,700 operations can be put in a legal order.'),
    unknown('exercised', 'The run ended before the cluster had recovered.'),
  ];
  const summary = 'Stopped by hand after 17 s; nothing wrong in what had been recorded.';
  return recordOf(
    {
      name: 'etcd-register',
      cluster: 'etcd',
      workload: 'register',
      history,
      faults: [first, open],
      verdicts,
      summary,
      ending: 'interrupted',
    },
    directory,
  );
}

/** The cluster never answered, so nothing was asked. */
export function failedRun(directory: string): RunRecord {
  const error = 'the cluster did not come up within 60 s: n2 answers 503';
  return recordOf(
    {
      name: 'etcd-register',
      cluster: 'etcd',
      workload: 'register',
      history: historyOf([]),
      faults: [],
      verdicts: [],
      errors: [error],
      summary: error,
      ending: 'failed',
    },
    directory,
  );
}
