/**
 * Gives programs another time: a jump, different times for different nodes, a clock that is too fast or too slow, or one
 * that cannot make up its mind. No machine's clock is touched, and monotonic time goes on as it should.
 */

import type { ChooseContext, ClockShift, NodeId } from '../rig/contract.ts';
import { defineNemesis } from '../rig/define.ts';
import type { Random } from '../rig/random.ts';
import { chooseTargets, subjectsOf } from './targets.ts';

type Shifts = { readonly shifts: readonly { readonly node: NodeId; readonly shift: ClockShift }[] };

const LEAST_JUMP_MS = 200;
const LARGEST_JUMP_MS = 300_000;

/** From a fifth of a second to five minutes, small ones as often as large ones; forwards or back. */
function jumpMs(rng: Random): number {
  const size = LEAST_JUMP_MS * (LARGEST_JUMP_MS / LEAST_JUMP_MS) ** (rng.integer(0, 1000) / 1000);
  return Math.round(size) * rng.pick([1, -1]);
}

/** A nemesis that gives its targets the time that `draw` draws: each its own, or all the same. */
const shifting = (name: string, summary: string, draw: (rng: Random) => ClockShift, whom: 'some' | 'all' = 'some') =>
  defineNemesis<'clocks', Shifts>({
    name,
    summary,
    controls: ['clocks'],
    choose: (context) => {
      const shared = draw(context.rng);
      const shifts = struck(context, whom).map((node) => ({
        node,
        shift: whom === 'all' ? draw(context.rng) : shared,
      }));
      return { shifts };
    },
    inject: async ({ shifts }, { clocks }) => {
      for (const { node, shift } of shifts) await clocks.shift([node], shift);
    },
    describe: ({ shifts }) => shifts.map(({ node, shift }) => `the clock of ${node} ${described(shift)}`).join(', '),
  });

function struck(context: ChooseContext, whom: 'some' | 'all'): readonly NodeId[] {
  const nodes = subjectsOf(context, 'clocks');
  if (whom === 'all') return nodes;
  return chooseTargets({ ...context, nodes }, { one: 3, minority: 2, primaries: 2 }).nodes;
}

function described({ byMs, driftPerMille = 0, everyMs }: ClockShift): string {
  const jump = `${Math.abs(byMs) / 1000} s ${byMs < 0 ? 'back' : 'ahead'}`;
  if (everyMs !== undefined) return `jumps ${jump} and right again, every ${everyMs} ms`;
  if (driftPerMille === 0) return `jumps ${jump}`;
  return `goes ${Math.abs(driftPerMille) / 10} % too ${driftPerMille < 0 ? 'slow' : 'fast'}`;
}

export const clockJump = shifting(
  'clock-jump',
  'The clocks of some nodes jump, by a fifth of a second to five minutes.',
  (rng) => ({
    byMs: jumpMs(rng),
  }),
);
export const clockSkew = shifting(
  'clock-skew',
  'Every node has another time, up to five minutes off.',
  (rng) => ({ byMs: jumpMs(rng) }),
  'all',
);
export const clockDrift = shifting('clock-drift', 'The clocks of some nodes are too fast or too slow.', (rng) => ({
  byMs: 0,
  driftPerMille: rng.integer(100, 900) * rng.pick([1, -1]),
}));
export const clockStrobe = shifting(
  'clock-strobe',
  'The clocks of some nodes jump there and back, many times a second.',
  (rng) => ({
    byMs: rng.integer(200, 10_000) * rng.pick([1, -1]),
    everyMs: rng.integer(60, 500),
  }),
);
