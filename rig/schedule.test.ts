/** The schedule: the same from the same seed, within its limits, and what a run then does. */

import { describe, expect, it } from 'vitest';
import { memory } from '../clusters/memory/memory.ts';
import { flippedBits, kill, killAll, killInElection, partition, pause, truncatedFile } from '../nemeses/index.ts';
import { register } from '../workloads/register.ts';
import { VirtualClock } from './clock.ts';
import type { Layout, Limits, Nemesis, PlannedFault, RunSpec, Workload } from './contract.ts';
import { rehearsalSpec, rehearse } from './rehearsal.ts';
import { drawSchedule, faultsEndMs, mostDown, type Schedule } from './schedule.ts';

const nemeses = [partition, kill, pause] as unknown as Nemesis[];
const three: Layout = { nodes: ['n1', 'n2', 'n3'], parties: ['n1', 'n2', 'n3', 'clients'] };
const limits: Limits = { beyondQuorum: false, longestFaultMs: 60_000, abortWhen: [], stopFile: null };
const seeds = Array.from({ length: 20 }, (_, seed) => seed);

const spec = (changes: Partial<RunSpec> = {}): RunSpec => ({
  ...rehearsalSpec,
  timeLimitMs: 30_000,
  limits,
  ...changes,
});
const draw = (changes: Partial<RunSpec> = {}, layout = three, some = nemeses): Promise<Schedule> =>
  drawSchedule(spec(changes), some, layout, new VirtualClock());

describe('a schedule', () => {
  it('is the same for the same seed, and another for another', async () => {
    expect(await draw({ seed: 1 })).toEqual(await draw({ seed: 1 }));
    expect((await draw({ seed: 1 })).faults).not.toEqual((await draw({ seed: 2 })).faults);
  });

  it('is JSON', async () => {
    const { faults } = await draw();
    expect(JSON.parse(JSON.stringify(faults))).toEqual(faults);
  });

  it('lets each nemesis have its own faults, whoever else is there', async () => {
    const alone = await draw({ limits: { ...limits, beyondQuorum: true } }, three, [kill as unknown as Nemesis]);
    const together = await draw({ limits: { ...limits, beyondQuorum: true } });
    expect(together.faults.filter(({ nemesis }) => nemesis === 'kill')).toEqual(alone.faults);
  });

  it('leaves quiet times between the faults of a nemesis, and at the end', async () => {
    for (const seed of seeds) {
      const { faults } = await draw({ seed });
      for (const { name } of nemeses) {
        const own = faults.filter(({ nemesis }) => nemesis === name);
        for (const [at, fault] of own.entries())
          expect(fault.atMs).toBeGreaterThanOrEqual(endOf(own[at - 1]) + rehearsalSpec.calmMs[0]);
      }
      for (const fault of faults) expect(endOf(fault)).toBeLessThanOrEqual(faultsEndMs(spec()));
    }
  });

  it('damages the data of no more than a minority over a whole run, whatever is allowed', async () => {
    const damaging = [flippedBits, truncatedFile] as unknown as Nemesis[];
    const beyond = { timeLimitMs: 120_000, limits: { ...limits, beyondQuorum: true } };
    for (const seed of seeds) {
      const { faults, omitted } = await draw({ seed, ...beyond }, three, damaging);
      expect(new Set(faults.flatMap(({ damaged = [] }) => damaged)).size).toBe(1);
      expect(omitted.some(({ reason }) => reason.startsWith('it cannot be undone'))).toBe(true);
      const single = await draw({ seed, ...beyond }, { ...three, subjects: { disks: ['store'] } }, damaging);
      expect(single.faults).toEqual([]);
    }
  });

  it('never has more than a minority down at once, unless that is allowed', async () => {
    const worst = { within: 0, beyond: 0 };
    for (const seed of seeds) {
      worst.within = Math.max(worst.within, mostDown((await draw({ seed })).faults, spec()).nodes.length);
      const beyond = await draw({ seed, limits: { ...limits, beyondQuorum: true } });
      worst.beyond = Math.max(worst.beyond, mostDown(beyond.faults, spec()).nodes.length);
    }
    expect(worst).toEqual({ within: 1, beyond: 3 });
  });

  it('keeps no fault from striking while another waits for its moment', async () => {
    for (const seed of seeds) {
      const some = [partition, killInElection] as unknown as Nemesis[];
      const { faults } = await draw({ seed }, three, some);
      const alone = await draw({ seed }, three, [partition as unknown as Nemesis]);
      expect(faults.filter(({ nemesis }) => nemesis === 'partition')).toEqual(alone.faults);
      expect(faults.some(({ nemesis }) => nemesis === 'kill-in-election')).toBe(true);
      expect(mostDown(faults, spec()).nodes.length).toBe(1);
    }
  });

  it('never has a fault that lasts longer than any may', async () => {
    const { faults } = await draw({ limits: { ...limits, longestFaultMs: 700 } });
    for (const { forMs } of faults) expect(forMs).toBeLessThanOrEqual(700);
  });

  it('says why a nemesis that cannot keep within the limits does nothing', async () => {
    const { faults, omitted } = await draw({}, three, [killAll as unknown as Nemesis]);
    expect(faults).toEqual([]);
    expect(omitted[0]?.reason).toMatch(/took down 3 of 3 nodes or more, and no more than 1 may be; --beyond-quorum/);
  });

  it('keeps what it drew before a nemesis broke', async () => {
    let count = 0;
    const fragile = {
      ...kill,
      choose(context: Parameters<typeof kill.choose>[0]) {
        if (++count > 40) throw new Error('worn out');
        return kill.choose(context);
      },
    } as unknown as Nemesis;
    const { faults, broken } = await draw({}, three, [fragile]);
    expect(faults).not.toEqual([]);
    expect(broken).toMatchObject([{ nemesis: 'kill' }]);
  });
});

describe('a run', () => {
  const strike = (changes: Partial<RunSpec>) =>
    rehearse(
      { cluster: memory, workload: register as Workload, nemeses },
      { ...spec({ timeLimitMs: 15_000 }), ...changes },
    );

  it('injects what the schedule says, at its times', async () => {
    const layout = memory.layout?.(5, 'memory') ?? { nodes: [], parties: [] };
    const { faults } = await drawSchedule(spec({ timeLimitMs: 15_000 }), nemeses, layout, new VirtualClock());
    const { events } = await strike({});
    const beganNs = events.find((event) => event.type === 'phase' && event.phase === 'load')?.timeNs ?? 0;
    const injected = events.flatMap((event) => (event.type === 'nemesis' && event.action === 'inject' ? [event] : []));
    for (const planned of faults.filter(({ dependsOnPrimaries }) => !dependsOnPrimaries)) {
      const done = injected.find(({ hold }) => hold === planned.hold);
      if (!done) continue; // Something before it took too long.
      expect(done.fault).toEqual(planned.fault);
      expect((done.timeNs - beganNs) / 1e6).toBeGreaterThanOrEqual(planned.atMs - 1);
    }
    expect(injected.length).toBeGreaterThan(faults.length / 2);
  });

  it('of a plan has the faults of the plan and no others', async () => {
    const plan: PlannedFault[] = [
      {
        nemesis: 'kill',
        hold: 'kill-7',
        number: 7,
        atMs: 2000,
        forMs: 1500,
        fault: { targets: 'one', nodes: ['n4'] },
        sentence: 'n4 is killed',
        dependsOnPrimaries: false,
        down: ['n4'],
      },
    ];
    const { history } = await strike({ plan });
    expect(history.faults.map(({ hold, action, sentence }) => [hold, action, sentence])).toEqual(
      ['inject', 'injected', 'release', 'released'].map((action) => ['kill-7', action, 'n4 is killed']),
    );
  });

  it('refuses a plan for a node that is not there', async () => {
    const [one] = (await draw()).faults;
    const { errors } = await strike({ plan: [{ ...(one as PlannedFault), down: ['n9'] }] });
    expect(errors.join()).toMatch(/the plan is for a node n9, which is not there; there are n1, n2, n3, n4, n5/);
  });

  it('that is dry records every fault as skipped and touches nothing', async () => {
    const { history } = await strike({ dryRun: true });
    expect(new Set(history.faults.map(({ action }) => action))).toEqual(new Set(['skipped']));
    expect(history.faults.length).toBeGreaterThan(3);
  });
});

const endOf = (fault: PlannedFault | undefined): number => (fault ? fault.atMs + fault.forMs : 0);
