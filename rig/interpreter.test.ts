/** The interpreter's promises, kept on virtual time with plug-ins that break theirs. */

import { describe, expect, it } from 'vitest';
import { memory } from '../clusters/memory/memory.ts';
import { kill, partition, pause } from '../nemeses/index.ts';
import { register } from '../workloads/register.ts';
import type { HistoryEvent, Input, Nemesis, RunningCluster, Workload } from './contract.ts';
import { defineNemesis, defineWorkload, RequestError, Refused } from './define.ts';
import { VirtualClock } from './clock.ts';
import { drawSchedule } from './schedule.ts';
import { type Rehearsal, rehearsalSpec, rehearse } from './rehearsal.ts';

const cluster = memory;
const brief = { timeLimitMs: 3000, workerCount: 3, ratePerSecond: 50 };
const forever = new Promise<never>(() => {});

describe('processes', () => {
  const stormy = rehearse({ cluster, workload: register as Workload, nemeses: [partition, kill, pause] });

  it('have one request open at most, and none after an `info`', async () => {
    const state = new Map<number, 'idle' | 'open' | 'retired'>();
    let retired = 0;
    for (const event of (await stormy).events) {
      if (!('process' in event)) continue;
      const before = state.get(event.process) ?? 'idle';
      expect(before).toBe(event.type === 'invoke' ? 'idle' : 'open');
      if (event.type === 'info') retired++;
      state.set(event.process, event.type === 'invoke' ? 'open' : event.type === 'info' ? 'retired' : 'idle');
    }
    expect(retired).toBeGreaterThan(10);
    expect([...state.values()]).not.toContain('open');
  });

  it('talk to one node for each worker', async () => {
    const { workerCount, nodeCount } = rehearsalSpec;
    for (const event of (await stormy).events)
      if (event.type === 'invoke') expect(event.node).toBe(`n${((event.process % workerCount) % nodeCount) + 1}`);
  });

  it('leave a history in which every index and time follows the one before', async () => {
    const { events } = await stormy;
    for (const [at, event] of events.entries()) {
      expect(event.index).toBe(at);
      expect(event.timeNs).toBeGreaterThanOrEqual(events[at - 1]?.timeNs ?? 0);
    }
  });
});

describe('open-loop load', () => {
  const dueTimes = ({ events }: Rehearsal) => {
    const end = events.findIndex((event) => event.type === 'phase' && event.phase === 'heal');
    return events.slice(0, end).flatMap((event) => (event.type === 'invoke' ? [event.dueNs as number] : []));
  };

  it('is due at the same times whatever the system does, and is never sent before', async () => {
    const calm = await rehearse({ cluster, workload: register as Workload, nemeses: [] });
    const stormy = await rehearse({ cluster, workload: register as Workload, nemeses: [kill] });
    const due = dueTimes(calm);
    expect(due.length).toBeGreaterThan(1900);
    expect([...due].sort((a, b) => a - b)).toEqual(due);
    const stormyDue = dueTimes(stormy);
    expect(stormyDue).toEqual(due.slice(0, stormyDue.length));
    for (const event of stormy.events)
      if (event.type === 'invoke' && event.dueNs !== undefined) expect(event.dueNs).toBeLessThanOrEqual(event.timeNs);
  });

  it('that nobody was free for is counted, not forgotten', async () => {
    const workload = asking({ f: 'slow' }, () => forever);
    const { events } = await rehearse({ cluster, workload, nemeses: [] }, { ...brief, requestTimeoutMs: 500 });
    expect(notesOf(events, 'heal').join()).toMatch(
      /^1\d\d requests that were due were never sent: all 3 workers were busy$/,
    );
  });
});

describe('an answer', () => {
  const outcome = async (semantics: 'safe' | 'unsafe', invoke: () => Promise<never>) => {
    const workload = asking({ f: 'f' }, invoke, semantics);
    const { history } = await rehearse({ cluster, workload, nemeses: [] }, { ...brief, requestTimeoutMs: 300 });
    return {
      ...history.completion(0),
      afterMs: (history.endedNs(0) - (history.invokedNs[0] as number)) / 1e6,
    };
  };

  it.each([
    ['fail', 'safe', 'that never comes', () => forever, 'timeout'],
    ['info', 'unsafe', 'that never comes', () => forever, 'timeout'],
    ['fail', 'unsafe', 'that refuses', () => Promise.reject(new Refused('busy')), 'busy'],
    ['fail', 'unsafe', 'of a class without effect', () => Promise.reject(new RequestError('no-leader')), 'no-leader'],
    ['info', 'unsafe', 'of any other class', () => Promise.reject(new RequestError('reset')), 'reset'],
    ['fail', 'safe', 'of any other class', () => Promise.reject(new RequestError('reset')), 'reset'],
    ['info', 'unsafe', 'that is an unknown error', () => Promise.reject(new Error('what?')), 'error'],
  ] as const)('is `%s` for a request that is %s and one %s', async (type, semantics, _, invoke, error) => {
    expect(await outcome(semantics, invoke)).toMatchObject({ type, error });
  });

  it('is waited for no longer than the request may take', async () => {
    expect((await outcome('unsafe', () => forever)).afterMs).toBe(300);
  });
});

describe('a plug-in that throws', () => {
  const explode = (): never => {
    throw new Error('the plug-in exploded');
  };
  const bang = async () => explode();
  const explosion = [expect.stringContaining('the plug-in exploded')];

  it('as a generator ends the run with everything that was recorded, and nothing held', async () => {
    const workload = generating(function* () {
      for (let count = 0; count < 40; count++) yield { f: 'get' };
      explode();
    });
    const rehearsal = await rehearse({ cluster, workload, nemeses: [kill] }, brief);
    expect(rehearsal.errors).toEqual(explosion);
    expect(rehearsal.history.length).toBeGreaterThan(40);
    expectNothingHeld(rehearsal);
    expect(phasesOf(rehearsal.events)).not.toContain('final');
  });

  it('as a client ends the run only for a mistake of its own', async () => {
    const mistaken = asking({ f: 'f' }, () => Promise.reject(new TypeError('x is undefined')));
    expect((await rehearse({ cluster, workload: mistaken, nemeses: [] }, brief)).errors).not.toEqual([]);
    const unlucky = asking({ f: 'f' }, () => Promise.reject(new Error('x is down')));
    expect((await rehearse({ cluster, workload: unlucky, nemeses: [] }, brief)).errors).toEqual([]);
  });

  it.each([
    ['chooses', { choose: explode }],
    ['describes', { describe: explode }],
    ['injects', { inject: bang }],
  ])('as it %s a fault ends the run with nothing held', async (_, part) => {
    const nemesis = { ...kill, ...part } as Nemesis;
    const rehearsal = await rehearse({ cluster, workload: register as Workload, nemeses: [nemesis, partition] }, brief);
    expect(rehearsal.errors).toEqual(explosion);
    expect(rehearsal.history.length).toBeGreaterThan(5);
    expectNothingHeld(rehearsal);
  });

  it('halfway through a fault has what it did undone', async () => {
    const nemesis = defineNemesis<'processes', string>({
      ...kill,
      choose: () => 'n1',
      describe: (node) => `${node} is killed`,
      span: () => undefined,
      async inject(node, { processes }) {
        await processes.kill([node]);
        explode();
      },
    }) as unknown as Nemesis;
    let up: RunningCluster | undefined;
    const rehearsal = await rehearse(
      { cluster, workload: register as Workload, nemeses: [nemesis], prepare: (running) => (up = running) },
      brief,
    );
    expectNothingHeld(rehearsal);
    expect(await up?.inspect('kill-1')).toMatchObject({ effective: true });
  });
});

describe('faults', () => {
  it('are told before, while and after they are in force, and gone before the final requests', async () => {
    const rehearsal = await rehearse({ cluster, workload: register as Workload, nemeses: [partition, kill, pause] });
    expectNothingHeld(rehearsal);
    const { events } = rehearsal;
    const lives = new Map<string, string[]>();
    for (const event of events)
      if (event.type === 'nemesis') lives.set(event.hold, [...(lives.get(event.hold) ?? []), event.action]);
    expect(lives.size).toBeGreaterThan(10);
    for (const life of lives.values()) expect(life).toEqual(['inject', 'injected', 'release', 'released']);
    const last = events.findLastIndex(({ type }) => type === 'nemesis');
    expect(last).toBeLessThan(events.findIndex((event) => event.type === 'phase' && event.phase === 'recovery'));
  });

  it('that cannot be undone are said to be stuck, and to be gone once their cluster is', async () => {
    const { stuck, events } = await rehearse(
      {
        cluster,
        workload: register as Workload,
        nemeses: [pause],
        prepare: (up) => overriding(up, { release: () => Promise.reject(new Error('the node does not answer')) }),
      },
      { ...brief, recoveryTimeoutMs: 1000 },
    );
    expect(stuck.join()).toContain('could not be undone: the node does not answer');
    expect(events.some((event) => event.type === 'nemesis' && event.action === 'stuck')).toBe(true);
    expect(events.at(-1)).toMatchObject({
      action: 'released',
      evidence: {
        effective: true,
        observed: expect.stringMatching(/; it went with its cluster, which was taken down$/),
      },
    });
  });
});

describe('a nemesis that had no effect', () => {
  const load = { timeLimitMs: 6000, ratePerSecond: 20, workerCount: 2 };
  /** No fault of partition that was drawn has an effect; any further one has. */
  const hidden = async (nemeses: readonly unknown[]) => {
    let drawn = Infinity;
    const prepare = (up: RunningCluster) =>
      overriding(up, {
        async inspect(hold) {
          const [name, number] = hold.split('-');
          return { effective: name !== 'partition' || Number(number) > drawn, observed: 'something' };
        },
      });
    const cast = { cluster, workload: register as Workload, nemeses: nemeses as Nemesis[] };
    const spec = { ...rehearsalSpec, ...load };
    const layout = { nodes: ['n1', 'n2', 'n3', 'n4', 'n5'], parties: ['n1', 'n2', 'n3', 'n4', 'n5'] };
    const { faults } = await drawSchedule(spec, cast.nemeses, layout, new VirtualClock());
    drawn = faults.filter(({ nemesis }) => nemesis === 'partition').length;
    return { drawn, events: (await rehearse({ ...cast, prepare }, load)).events };
  };

  it('because of others strikes once more, alone, and the load goes on for it', async () => {
    const { events, drawn } = await hidden([partition, kill]);
    expect(notesOf(events, 'load')).toEqual([
      'the load goes on: beside other faults, partition has had no effect so far',
    ]);
    const hold = `partition-${drawn + 1}`;
    const from = events.findIndex((event) => event.type === 'nemesis' && event.hold === hold);
    const rest = events.slice(from);
    expect(rest.findIndex(({ type }) => type === 'invoke')).toBeLessThan(
      rest.findIndex((event) => event.type === 'phase' && event.phase === 'heal'),
    );
    expect(rest.filter((event) => event.type === 'nemesis').map((event) => event.hold)).toEqual(Array(4).fill(hold));
  });

  it('though it was alone does not', async () => {
    const { events } = await hidden([partition]);
    expect(notesOf(events, 'load')).toEqual([]);
  });
});

describe('every wait is bounded:', () => {
  const endsBy = (events: readonly HistoryEvent[], ms: number) =>
    expect((events.at(-1) as HistoryEvent).timeNs).toBeLessThan(ms * 1e6);

  it('an endless row of delayed requests ends with the load', async () => {
    const workload = generating(function* () {
      for (;;) yield { ask: { f: 'get' }, afterMs: 5 };
    });
    endsBy((await rehearse({ cluster, workload, nemeses: [] }, brief)).events, 6000);
  });

  it('a request that is to be made in an hour does not keep the load from ending', async () => {
    const workload = generating(function* () {
      yield { ask: { f: 'get' }, afterMs: 3_600_000 };
    });
    endsBy((await rehearse({ cluster, workload, nemeses: [] }, brief)).events, 6000);
  });

  it.each([
    ['never says whether it recovered', () => forever],
    ['says that it did not recover', () => Promise.reject(new Error('n2 is lost'))],
  ])('a cluster that %s is asked no final requests', async (_, recovered) => {
    const prepare = (up: RunningCluster) => overriding(up, { recovered });
    const { events } = await rehearse({ cluster, workload: register as Workload, nemeses: [], prepare }, brief);
    expect(phasesOf(events)).toEqual(['warm-up', 'load', 'heal', 'recovery', 'recovery']);
    expect(notesOf(events, 'recovery').join()).toContain('the cluster did not recover');
    endsBy(events, 20_000);
  });

  it('endless final requests end, and it is noted', async () => {
    const workload = generating(
      function* () {},
      function* () {
        for (;;) yield { f: 'get' };
      },
    );
    const { events } = await rehearse({ cluster, workload, nemeses: [] }, { ...brief, finalTimeoutMs: 500 });
    expect(notesOf(events, 'final')).toEqual(['the time for the final requests ran out']);
    endsBy(events, 6000);
  });

  it('a nemesis that never comes to an end is given up', async () => {
    const nemesis = { ...kill, inject: () => forever } as unknown as Nemesis;
    const { errors, events } = await rehearse({ cluster, workload: register as Workload, nemeses: [nemesis] }, brief);
    expect(errors).toEqual([expect.stringContaining('nemesis kill: nothing within')]);
    endsBy(events, 60_000);
  });
});

describe('a run that is stopped', () => {
  it('gives up what is open, heals, and asks nothing more', async () => {
    const stop = new AbortController();
    let asked = 0;
    const workload = generating(function* () {
      for (;;) {
        if (asked++ === 40) stop.abort(new Error('SIGINT'));
        yield { f: 'get' };
      }
    });
    const rehearsal = await rehearse(
      { cluster, workload, nemeses: [kill], stop: stop.signal },
      { ...brief, calmMs: [0, 10] },
    );
    expect(rehearsal.errors).toEqual([]);
    expect(rehearsal.history.length).toBeLessThan(45);
    expectNothingHeld(rehearsal);
    expect(phasesOf(rehearsal.events)).not.toContain('recovery');
  });
});

describe('generators', () => {
  it('are closed when the load ends', async () => {
    let closed = 0;
    const workload = generating(function* () {
      try {
        for (;;) yield { f: 'get' };
      } finally {
        closed++;
      }
    });
    await rehearse({ cluster, workload, nemeses: [] }, brief);
    expect(closed).toBe(brief.workerCount);
  });

  it('may come to an end before the load does', async () => {
    const workload = generating(function* () {
      yield { f: 'get' };
    });
    const { history, errors, events } = await rehearse({ cluster, workload, nemeses: [] }, brief);
    expect(history.length).toBe(brief.workerCount);
    expect(errors).toEqual([]);
    expect(phasesOf(events)).toEqual(['warm-up', 'load', 'heal', 'recovery', 'final']);
  });
});

/** Every worker asks the same over and over. */
function asking(input: Input, invoke: () => Promise<never>, semantics: 'safe' | 'unsafe' = 'unsafe'): Workload {
  const workload = generating(function* () {
    for (;;) yield input;
  });
  return { ...workload, semantics: { [input.f]: semantics }, invoke };
}

/** Reads one key, as often as the generator says. */
function generating(generator: Workload['generator'], finalGenerator?: Workload['generator']): Workload {
  return defineWorkload({
    name: 'inline',
    summary: 'A workload of this test.',
    api: 'kv',
    checkers: [],
    semantics: { get: 'safe' },
    generator,
    ...(finalGenerator ? { finalGenerator } : {}),
    invoke: (kv, _, signal) => kv.get('key', signal),
  }) as unknown as Workload;
}

function overriding(up: RunningCluster, parts: Partial<RunningCluster>): RunningCluster {
  return new Proxy(up, {
    get(target, name) {
      const part = parts[name as keyof RunningCluster] ?? target[name as keyof RunningCluster];
      return typeof part === 'function' ? part.bind(target) : part;
    },
  });
}

const phasesOf = (events: readonly HistoryEvent[]) =>
  events.flatMap((event) => (event.type === 'phase' ? [event.phase] : []));

const notesOf = (events: readonly HistoryEvent[], phase: string) =>
  events.flatMap((event) => (event.type === 'phase' && event.phase === phase && event.note ? [event.note] : []));

function expectNothingHeld({ events, stuck }: Rehearsal): void {
  const held = new Set<string>();
  for (const event of events) {
    if (event.type !== 'nemesis') continue;
    if (event.action === 'inject') held.add(event.hold);
    if (event.action === 'released') held.delete(event.hold);
  }
  expect([...held]).toEqual([]);
  expect(stuck).toEqual([]);
}
