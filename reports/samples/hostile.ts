/** A sample run of a system that answers with strings made to break a report. */

import type { Anomaly, FaultRecord, RunRecord } from '../../rig/contract.ts';
import { invalid } from '../../rig/define.ts';
import { failed, historyOf, ok, recordOf, type Sample } from './making.ts';

/** Tries to leave its place, wherever a system or its environment can put it. */
export const HOSTILE =
  '</script><script>window.hurt=1</script><img src=x onerror="window.hurt=1">\u001b[31m\u0007\u202e"\'`<!--';

const HUGE = 'x<'.repeat(500_000);

export function hostileRun(directory: string): RunRecord {
  const history = historyOf(
    [...samplesOf(HOSTILE, 100), ...samplesOf(`${HOSTILE}2`, 120), ...samplesOf(HUGE, 140)],
    [HOSTILE],
  );
  const anomaly = anomalyOf([...history.operations()].map(({ index }) => index));
  return recordOf(
    {
      name: HOSTILE,
      cluster: HOSTILE,
      workload: HOSTILE,
      history,
      faults: [fault],
      verdicts: [invalid(HOSTILE, HOSTILE, [anomaly], { [HOSTILE]: HUGE })],
      summary: HOSTILE,
      environment: { [HOSTILE]: HUGE },
    },
    directory,
  );
}

function samplesOf(text: string, atMs: number): Sample[] {
  const write = { f: 'write', key: text, value: text };
  const process = atMs;
  return [
    {
      process,
      node: HOSTILE,
      atMs,
      tookMs: 5,
      input: { f: `read${HOSTILE}`, key: text },
      answer: ok({ [HOSTILE]: text }),
    },
    { process, node: HOSTILE, atMs: atMs + 10, tookMs: 5, input: write, answer: failed(HOSTILE, text) },
    { process, node: 'n1', atMs: atMs + 100, tookMs: null, input: write, answer: failed(HOSTILE, text) },
  ];
}

const anomalyOf = (operations: readonly number[]): Anomaly => ({
  name: HOSTILE,
  explanation: HOSTILE + HUGE,
  witnesses: operations,
  counterexample: {
    subject: HOSTILE,
    operations,
    order: operations.slice(0, 3).map((index) => ({ index, state: HOSTILE })),
    impossible: operations.slice(4, 5).map((index) => ({ index, reason: HOSTILE + HUGE })),
  },
  detail: { [HOSTILE]: [{ [HOSTILE]: HUGE }], plain: HOSTILE },
});

const fault: FaultRecord = {
  nemesis: HOSTILE,
  hold: HOSTILE,
  fault: HOSTILE,
  sentence: HOSTILE,
  injectNs: 120e6,
  injectedNs: 130e6,
  releaseNs: 160e6,
  releasedNs: 170e6,
  evidence: { effective: true, observed: HOSTILE + HUGE },
  stuck: null,
  recoveryMs: { [HOSTILE]: null },
};
