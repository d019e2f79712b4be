import { describe, expect, it } from 'vitest';
import type { Completion, Directed, WorkerContext } from '../rig/contract.ts';
import { Random } from '../rig/random.ts';
import { finalRequests, KeysInTurn } from './rounds.ts';

const ROUNDS = { keys: 3, requests: 20 };
const context = (worker: number): WorkerContext => ({
  worker,
  workerCount: 2,
  nodes: ['n1'],
  node: 'n1',
  rng: new Random(worker),
  shared: new Random(0),
});

type Read = { readonly f: 'read'; readonly key: string };

/** The keys that a worker reads in the end, if those of the first rounds were used and each answer is `answer`. */
function finalKeys(worker: number, usedRounds: readonly number[], answer?: Completion<boolean>): string[] {
  const requests = finalRequests<Read, boolean>(ROUNDS, context(worker), (key) => ({ f: 'read', key }), {
    isUsed: (output) => output,
    again: () => false,
  });
  const keys: string[] = [];
  for (let step = requests.next(); !step.done; ) {
    const { key } = (step.value as Directed<Read>).ask;
    keys.push(key);
    const isUsed = usedRounds.includes(Number(/^r(\d+)k/.exec(key)?.[1]));
    step = requests.next(answer ?? { type: 'ok', output: isUsed });
  }
  return keys;
}

describe('keys in turn', () => {
  it('are those of one round until so many requests were spent, and then those of the next', () => {
    const keys = new KeysInTurn(ROUNDS, context(0));
    const drawn = Array.from({ length: 40 }, () => {
      const key = keys.draw();
      keys.spend();
      return key;
    });
    expect(new Set(drawn.slice(0, 20))).toEqual(new Set(['r0k0', 'r0k1', 'r0k2']));
    expect(new Set(drawn.slice(20))).toEqual(new Set(['r1k0', 'r1k1', 'r1k2']));
  });

  it('stay in their round as long as nothing is spent', () => {
    const keys = new KeysInTurn(ROUNDS, context(0));
    expect(Array.from({ length: 100 }, () => keys.draw()).every((key) => key.startsWith('r0'))).toBe(true);
  });
});

describe('final requests', () => {
  it('are of every key of every round that was used, shared among the workers', () => {
    const keys = [...finalKeys(0, [0, 1]), ...finalKeys(1, [0, 1])];
    for (const round of [0, 1]) for (const key of [0, 1, 2]) expect(keys).toContain(`r${round}k${key}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('go past a round that nobody used, and end', () => {
    expect(finalKeys(0, [0, 2])).toContain('r2k0');
    expect(finalKeys(0, []).length).toBeLessThan(20);
  });

  it('are asked again when they fail, and not for ever', () => {
    const failed = finalKeys(1, [0], { type: 'fail', error: 'timeout' });
    expect(failed.filter((key) => key === 'r0k1').length).toBeGreaterThan(3);
    expect(failed.length).toBeLessThan(100);
  });

  it('are none for workers beyond the keys', () => {
    expect(finalKeys(3, [0])).toEqual([]);
  });
});
