/** Faults that begin and end at what happens, on virtual time; and what is said where that never happens. */

import { describe, expect, it } from 'vitest';
import { exercised } from '../checkers/exercised.ts';
import { memory } from '../clusters/memory/memory.ts';
import { killAfterAck, killInElection, partitionPrimaries } from '../nemeses/index.ts';
import { register } from '../workloads/register.ts';
import { VirtualClock } from './clock.ts';
import type { HistoryEvent, Nemesis, RunSpec, Span, Verdict, Workload } from './contract.ts';
import { defineNemesis } from './define.ts';
import { momentText } from './moments.ts';
import { planOf, planText } from './plan.ts';
import { rehearsalSpec, rehearse } from './rehearsal.ts';
import { drawSchedule } from './schedule.ts';

const limits = { beyondQuorum: true, longestFaultMs: 20_000, abortWhen: [], stopFile: null };
const spec: RunSpec = { ...rehearsalSpec, timeLimitMs: 30_000, limits };
const layout = { nodes: ['n1', 'n2', 'n3'], parties: ['n1', 'n2', 'n3', 'clients'] };

/** Cuts n1 off between these moments. */
const cut = (span: unknown, states = ['far-behind', 'election']) =>
  defineNemesis<'network', { readonly node: string }>({
    name: 'cut',
    summary: 'Cuts n1 off.',
    controls: ['network'],
    states,
    choose: () => ({ node: 'n1' }),
    span: () => span as Span,
    async inject({ node }, { network }) {
      const others = ['n2', 'n3', 'n4', 'n5'];
      await network.drop(others, [node]);
      await network.drop([node], others);
    },
    describe: ({ node }) => `${node} is cut off`,
  }) as unknown as Nemesis;

const run = (nemeses: readonly unknown[], changes: Partial<RunSpec> = {}) =>
  rehearse(
    { cluster: memory, workload: register as Workload, nemeses: nemeses as Nemesis[] },
    { timeLimitMs: 12_000, limits, ...changes },
  );
const faultEvents = (events: readonly HistoryEvent[]) => events.filter((event) => event.type === 'nemesis');
const unlimited = { exhausted: () => false, reason: () => '' };

describe('a fault that lasts until a state', () => {
  const until = { until: { state: 'far-behind', of: 'n1' } };
  const recorded = run([cut(until)]);

  it('is held until then, however long it was reckoned to take, and tells what was seen', async () => {
    const { events } = await recorded;
    const injected = faultEvents(events).find(({ action }) => action === 'injected');
    const released = faultEvents(events).find(({ action }) => action === 'released');
    expect(released?.sentence).toBe('n1 is cut off, until n1 is in the state far-behind');
    expect(released?.evidence).toMatchObject({ effective: true, reached: true });
    expect(released?.evidence?.observed).toMatch(
      /messages dropped; it lasted \d+\.\d s, until .* \(n1 has \d+ entries/,
    );
    expect((released?.timeNs ?? 0) - (injected?.timeNs ?? 0)).toBeGreaterThan(500e6);
  });

  it('leaves a run that is exercised', async () => {
    expect(exercised.check((await recorded).history, unlimited)).toMatchObject({ validity: 'valid' });
  });

  it('lasts no longer than any fault may, and a run in which it never came to that is unknown', async () => {
    const { events, history } = await run([cut(until)], {
      limits: { ...limits, longestFaultMs: 600 },
      ratePerSecond: 50,
    });
    const [first] = faultEvents(events).filter(({ action }) => action === 'released');
    expect(first?.evidence).toMatchObject({ effective: true, reached: false });
    expect(first?.evidence?.observed).toMatch(/in 0\.6 s it was not seen that n1 is in the state far-behind/);
    const verdict = (await exercised.check(history, unlimited)) as Verdict;
    expect(verdict.validity).toBe('unknown');
    expect(verdict.summary).toMatch(/until n1 is in the state far-behind" ended before that/);
  });

  it('is in the plan with its moment and the longest it may take', async () => {
    const schedule = await drawSchedule(spec, [cut(until)], layout, new VirtualClock());
    const text = planText(planOf(spec, layout, schedule), ['network']);
    expect(text).toMatch(/≤20\.0 s {2}n1 is cut off, until n1 is in the state far-behind \(cut-1\)/);
    expect(schedule.faults[0]).toMatchObject({ span: until });
  });
});

describe('a fault that begins', () => {
  it('with an election waits for one, and is skipped where none comes', async () => {
    const { events } = await run([partitionPrimaries, killInElection]);
    const kills = faultEvents(events).filter(({ nemesis }) => nemesis === 'kill-in-election');
    const released = kills.filter(({ action }) => action === 'released');
    expect(released.length).toBeGreaterThan(0);
    for (const { evidence } of released)
      expect(evidence?.observed).toMatch(/it began when the cluster is in the state election \(nobody leads\)/);
    const calm = await run([killInElection]);
    expect(faultEvents(calm.events).map(({ action }) => action)).toContain('skipped');
    expect(exercised.check(calm.history, unlimited)).toMatchObject({
      validity: 'unknown',
      summary: expect.stringMatching(/every fault of kill-in-election was skipped: until the end it was not seen that/),
    });
  });

  it('with an acknowledgement strikes the node that gave it, before it gives another', async () => {
    const { events } = await run([killAfterAck]);
    const injected = faultEvents(events).filter(({ action }) => action === 'inject');
    expect(injected.length).toBeGreaterThan(2);
    for (const { fault, index } of injected) {
      const before = events[index - 1];
      expect(before).toMatchObject({ type: 'ok', node: (fault as { node: string }).node });
    }
  });
});

describe('a span', () => {
  it.each([
    ['soon', /its span "soon" is none/],
    [{ after: { state: 'election' } }, /has after; it may have from and until/],
    [{ until: { state: 'sleepy' } }, /a state that is not one of its states, far-behind, election/],
    [{ until: { state: 'far-behind', of: 'n9' } }, /names n9; there are n1, n2, n3/],
    [{ from: { acknowledged: 0 } }, /neither a state nor a number of acknowledged requests/],
    [{ from: {} }, /neither a state nor a number/],
  ])('such as %j is refused with a sentence', async (span, message) => {
    const { broken } = await drawSchedule(spec, [cut(span)], layout, new VirtualClock());
    expect(String(broken[0]?.error)).toMatch(message);
  });

  it('is told in words', () => {
    expect(momentText({ acknowledged: 17, by: 'n2' })).toBe('n2 has acknowledged 17 more requests');
    expect(momentText({ state: 'election', ends: true })).toBe('the cluster is no longer in the state election');
  });
});
