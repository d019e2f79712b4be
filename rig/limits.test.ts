/** What ends a run early or makes a fault wait: turns, the pulse of the cluster, and conditions to abort on. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { memory } from '../clusters/memory/memory.ts';
import { kill, killAll } from '../nemeses/index.ts';
import { register } from '../workloads/register.ts';
import type { HistoryEvent, Limits, Nemesis, RunSpec, Workload } from './contract.ts';
import { abortConditionOf, Pulse } from './pulse.ts';
import { rehearse } from './rehearsal.ts';
import { Turns } from './turns.ts';

const limits: Limits = { beyondQuorum: true, longestFaultMs: 60_000, abortWhen: [], stopFile: null };
const strike = (nemesis: object, changes: Partial<RunSpec>) =>
  rehearse({ cluster: memory, workload: register as Workload, nemeses: [nemesis as Nemesis] }, changes);
const never = new AbortController().signal;

describe('turns', () => {
  it('let faults strike together for as long as there is room, and one wait for the next end', async () => {
    const turns = new Turns(2);
    const order: string[] = [];
    const strikes = (hold: string, ...down: string[]) =>
      turns.begin(hold, down, never).then((isMine) => order.push(`${hold} ${isMine}`));
    await Promise.all([strikes('a', 'n1'), strikes('b', 'n2'), strikes('c', 'n1', 'n2')]);
    const late = strikes('d', 'n3');
    const later = strikes('e', 'n1');
    turns.end('a');
    await Promise.resolve();
    expect(order).toEqual(['a true', 'b true', 'c true']);
    turns.end('c');
    await late;
    expect(order.at(-1)).toBe('d true');
    turns.end('b');
    await later;
    expect(order.at(-1)).toBe('e true');
  });

  it('are given up when the time for them is over', async () => {
    const turns = new Turns(1);
    await turns.begin('a', ['n1'], never);
    const impatient = new AbortController();
    const waiting = turns.begin('b', ['n2'], impatient.signal);
    impatient.abort();
    expect(await waiting).toBe(false);
    turns.end('a');
    expect(await turns.begin('c', ['n3'], never)).toBe(true);
  });
});

describe('conditions to abort on', () => {
  it.each(['errors>50', 'errors>100%', 'error>5%', 'silence>5', '', 'errors>50%/30'])('"%s" is none', (text) => {
    expect(() => abortConditionOf(text)).toThrow(`"${text}" is no condition to abort when; there are errors>50%`);
  });

  it('count errors among the latest answers only', () => {
    const condition = abortConditionOf('errors>50%/10s');
    const pulse = new Pulse([condition]);
    const answer = (type: 'ok' | 'info', second: number) =>
      pulse.see(
        type === 'ok'
          ? { type, process: 0, node: 'n1', output: null }
          : { type, process: 0, node: 'n1', error: 'timeout' },
        second * 1e9,
      );
    for (let second = 0; second < 20; second++) answer('info', second / 10);
    expect(pulse.exceeds(condition, 2e9)).toMatch(/100 % of 20 answers in 10 s were errors, more than 50 %/);
    for (let second = 0; second < 20; second++) answer('ok', 15 + second / 10);
    expect(pulse.exceeds(condition, 17e9)).toBe(null);
  });

  it('do not take a cluster that nobody asks for a silent one', () => {
    const condition = abortConditionOf('silence>2s');
    const pulse = new Pulse([condition]);
    expect(pulse.exceeds(condition, 60e9)).toBe(null);
    pulse.see({ type: 'invoke', process: 0, node: 'n1', input: { f: 'read' } }, 60e9);
    expect(pulse.exceeds(condition, 61e9)).toBe(null);
    expect(pulse.exceeds(condition, 63e9)).toMatch(/no success for 3 s, more than 2 s/);
  });
});

describe('a run', () => {
  const dark = { calmMs: [500, 500], faultMs: [4000, 4000], timeLimitMs: 12_000 } as const;

  it.each(['silence>1s', 'errors>60%/2s'])('ends and heals at once when %s', async (condition) => {
    const { aborted, events, stuck, errors } = await strike(killAll, {
      ...dark,
      limits: { ...limits, abortWhen: [condition] },
    });
    expect(aborted).toMatch(/^(no success|\d+ % of)/);
    expect({ stuck, errors }).toEqual({ stuck: [], errors: [] });
    expect(actionsOf(events)).toEqual(['inject', 'injected', 'release', 'released']);
    expect((events.at(-1) as HistoryEvent).timeNs).toBeLessThan(5e9);
    expect(events.some((event) => event.type === 'phase' && event.note?.startsWith('aborted: '))).toBe(true);
  });

  it('goes on while no condition holds', async () => {
    const { aborted } = await strike(kill, { limits: { ...limits, abortWhen: ['silence>9s', 'errors>99%'] } });
    expect(aborted).toBe(null);
  });

  it('ends when its stop file appears', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ordeal-stop-'));
    const stopFile = join(directory, 'stop');
    const late = { ...killAll, describe: () => (writeFileSync(stopFile, ''), 'all are killed') };
    const { aborted } = await strike(late, { ...dark, limits: { ...limits, stopFile } });
    rmSync(directory, { recursive: true });
    expect(aborted).toBe(`the file ${stopFile} is there`);
  });

  it('injects nothing into a cluster that does not answer, and says so', async () => {
    const { events } = await strike(killAll, {
      calmMs: [50, 50],
      faultMs: [1500, 1500],
      timeLimitMs: 12_000,
      limits,
    });
    const waits = events.filter((event) => event.type === 'phase' && event.note?.includes('for the cluster to answer'));
    expect(waits).not.toEqual([]);
    for (const [at, event] of events.entries()) {
      if (event.type !== 'nemesis' || event.action !== 'inject') continue;
      const lately = events.slice(0, at).findLast(({ type }) => type === 'ok');
      expect(event.timeNs - (lately?.timeNs ?? 0)).toBeLessThan(1.3e9);
    }
  });
});

const actionsOf = (events: readonly HistoryEvent[]) =>
  events.flatMap((event) => (event.type === 'nemesis' ? [event.action] : []));
