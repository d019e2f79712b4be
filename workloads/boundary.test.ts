import { describe, expect, it } from 'vitest';
import type { BoundaryInput, BoundaryOutput } from '../checkers/boundary.ts';
import type { Completion, Directed, ServiceTerms, Spoiling, WorkerContext } from '../rig/contract.ts';
import { Random } from '../rig/random.ts';
import { boundary } from './boundary.ts';

const TERMS = {
  operations: { pay: { values: { amount: { integer: [1, 9] } } } },
  keyPrefix: 'run-',
  longestKey: 64,
  scope: [],
  ok: [201],
  fail: [400],
} as unknown as ServiceTerms;

function contextOf(seed: number): WorkerContext {
  const rng = new Random(seed);
  return {
    worker: 0,
    workerCount: 1,
    nodes: ['n1', 'n2'],
    node: 'n1',
    rng: rng.fork('worker 0'),
    shared: rng.fork('shared'),
  };
}

/** What the first `count` requests spoil, of a service that answers so. */
function spoilingsOf(
  seed: number,
  count: number,
  statusFor: (spoilt: Spoiling) => number = () => 400,
): readonly Spoiling[] {
  const spoilt: Spoiling[] = [];
  const requests = boundary.generator(contextOf(seed));
  let step = requests.next();
  for (let nth = 0; !step.done && nth < count; nth++) {
    const ask = 'ask' in step.value ? (step.value as Directed<BoundaryInput>).ask : step.value;
    if (ask.f === 'probe') spoilt.push(ask.spoilt);
    const output: BoundaryOutput =
      ask.f === 'terms'
        ? TERMS
        : ask.f === 'probe'
          ? { status: statusFor(ask.spoilt), detail: '' }
          : { status: 201, id: null };
    step = requests.next({ type: 'ok', output } as Completion<BoundaryOutput>);
  }
  return spoilt;
}

describe('a worker at the boundary', () => {
  it('asks the same from the same seed, and something else from another', () => {
    expect(spoilingsOf(1, 200)).toEqual(spoilingsOf(1, 200));
    expect(spoilingsOf(1, 200)).not.toEqual(spoilingsOf(2, 200));
  });

  it('spoils in every way, and sends sound requests too', () => {
    const all = [1, 2, 3].flatMap((seed) => spoilingsOf(seed, 400));
    const ways =
      'value twice unknown literal missing deep large large-header many-headers cut short bytes type split chunk line smuggle';
    expect([...new Set(all.map(({ how }) => how))].sort()).toEqual(ways.split(' ').sort());
    expect(all.length).toBeLessThan(3 * 400 * 0.85);
  });

  it('makes smaller what does harm, down to the smallest that does', () => {
    const isHarmful = (one: Spoiling) => one.how === 'deep' && one.depth > 700;
    const asked = spoilingsOf(4, 600, (one) => (isHarmful(one) ? 500 : 400));
    const harmful = asked.flatMap((one) => (one.how === 'deep' && one.depth > 700 ? [one.depth] : []));
    expect(Math.min(...harmful)).toBe(701);
  });
});
