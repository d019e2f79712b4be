/** A nemesis that breaks a promise is told which, and how. */

import { describe, expect, it } from 'vitest';
import { memory } from '../clusters/memory/memory.ts';
import { kill, partition } from '../nemeses/index.ts';
import { nemesisDuties, tryDuty } from './conformance.ts';
import type { Nemesis } from './contract.ts';

let draws = 0;
const forever = new Promise<never>(() => {});

/** `kill`, with one part broken. */
const broken = (part: object): Nemesis => ({ ...kill, ...part }) as unknown as Nemesis;

describe('a nemesis', () => {
  it.each([kill, partition] as unknown as Nemesis[])('that keeps its promises is told nothing', async (nemesis) => {
    for (const duty of nemesisDuties) expect(await tryDuty(duty, nemesis, memory)).toBe(null);
  });

  it.each([
    ['draws from elsewhere', { choose: () => ({ nodes: [`n${++draws}`] }) }, /two different faults for one seed/],
    [
      'chooses a function',
      { choose: () => ({ nodes: ['n1'], how: () => 1 }) },
      /the fault\.how is function, which is not JSON/,
    ],
    ['chooses NaN', { choose: () => ({ nodes: ['n1'], at: [NaN] }) }, /the fault\.at\[0\] is NaN/],
    ['chooses a date', { choose: () => ({ nodes: ['n1'], at: new Date(0) }) }, /the fault\.at is no plain object/],
    ['chooses a circle', { choose: circle }, /circular|call stack/i],
    ['throws as it chooses', { choose: explode }, /the plug-in exploded/],
    ['is silent about whom it strikes', { describe: () => 'something happens' }, /does not name n\d/],
    ['describes nothing', { describe: () => '' }, /which is no sentence/],
    ['does nothing', { inject: async () => {} }, /inject asked nothing of processes/],
    ['never comes to an end', { inject: () => forever }, /inject: nothing within 5 s/],
    [
      'strikes who is not there',
      { inject: (_: unknown, { processes }: Levers) => processes.kill(['n9']) },
      /asked for n9, which is not there/,
    ],
    ['throws as it injects', { inject: () => Promise.reject(new Error('no luck')) }, /inject: no luck/],
    ['heals what it did', { inject: undoing }, /had no effect/],
  ])('that %s is told so', async (_, part, problem) => {
    const problems: (string | null)[] = [];
    for (const duty of nemesisDuties) problems.push(await tryDuty(duty, broken(part), memory));
    expect(problems.join('\n')).toMatch(problem);
  });
});

type Levers = { processes: { kill(nodes: readonly string[]): Promise<void> } };

async function undoing(_: unknown, { processes }: Levers): Promise<void> {
  await processes.kill([]);
}

function circle() {
  const fault: { nodes: string[]; self?: object } = { nodes: ['n1'] };
  fault.self = fault;
  return fault;
}

function explode(): never {
  throw new Error('the plug-in exploded');
}
