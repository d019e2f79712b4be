import { describe, expect, it } from 'vitest';
import type { Completion, Directed, Json, KeyValue, WorkerContext } from '../rig/contract.ts';
import { Refused } from '../rig/define.ts';
import { Random } from '../rig/random.ts';
import type { RegisterInput } from '../checkers/models/register.ts';
import { register } from './register.ts';

const context = (worker: number, seed = 1): WorkerContext => ({
  worker,
  workerCount: 4,
  nodes: ['n1', 'n2', 'n3'],
  node: 'n1',
  rng: new Random(seed).fork(`worker ${worker}`),
  shared: new Random(seed),
});

/** What a worker asks when every request ends as `answer` says. */
function asked(worker: number, count: number, answer: (input: RegisterInput) => Completion<Json>): RegisterInput[] {
  const requests = register.generator(context(worker));
  const inputs: RegisterInput[] = [];
  let step = requests.next();
  while (!step.done && inputs.length < count) {
    const input = 'ask' in step.value ? (step.value as Directed<RegisterInput>).ask : step.value;
    inputs.push(input);
    step = requests.next(answer(input));
  }
  return inputs;
}

const ok = (): Completion<Json> => ({ type: 'ok', output: null });

describe('register', () => {
  it('asks the same given the same seed and the same answers', () => {
    expect(asked(1, 500, ok)).toEqual(asked(1, 500, ok));
    expect(asked(1, 500, ok)).not.toEqual(asked(2, 500, ok));
  });

  it('never writes a value twice, whoever writes', () => {
    const written = [0, 1, 2, 3].flatMap((worker) =>
      asked(worker, 2000, ok).flatMap((input) =>
        input.f === 'write' ? [input.value] : input.f === 'cas' ? [input.to] : [],
      ),
    );
    expect(new Set(written).size).toBe(written.length);
  });

  it('spreads a few thousand requests over few keys, and then moves on', () => {
    const keys = new Set(asked(0, 1200, ok).map(({ key }) => key));
    expect(keys.size).toBe(32);
  });

  it('swaps from what it saw last', () => {
    const inputs = asked(0, 300, (input) => ({
      type: 'ok',
      output: input.f === 'read' ? `seen ${String(input.key)}` : null,
    }));
    expect(inputs.some((input) => input.f === 'cas' && input.from === `seen ${String(input.key)}`)).toBe(true);
  });

  it('reads in the end every key that anybody may have written, and no more', () => {
    const rounds = 2;
    const read = new Set<string>();
    for (let worker = 0; worker < 4; worker++) {
      const requests = (register.finalGenerator as NonNullable<typeof register.finalGenerator>)({
        ...context(worker),
        unsettled: [],
      });
      for (let step = requests.next(); !step.done; ) {
        const { key } = (step.value as Directed<RegisterInput>).ask;
        read.add(String(key));
        step = requests.next({ type: 'ok', output: Number(/\d+/.exec(String(key))?.[0]) < rounds ? 1 : null });
      }
    }
    expect(read.size).toBe(16 * (rounds + 1));
  });

  it('refuses a swap that did not match, and lets one through that did', async () => {
    const kv = (swapped: boolean): KeyValue => ({
      get: () => Promise.resolve(5),
      put: () => Promise.resolve(),
      cas: () => Promise.resolve(swapped),
    });
    const { signal } = new AbortController();
    const swap = { f: 'cas', key: 'x', from: 1, to: 2 } as const;
    await expect(register.invoke(kv(false), swap, signal)).rejects.toThrow(Refused);
    await expect(register.invoke(kv(true), swap, signal)).resolves.toBeNull();
    await expect(register.invoke(kv(true), { f: 'read', key: 'x' }, signal)).resolves.toBe(5);
  });
});
