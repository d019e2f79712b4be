/** What happens to the disks on which nodes keep their data: full, read-only, slow, failing, without power, or damaged. */

import type { DiskCall, DiskControl, Json, NodeId } from '../rig/contract.ts';
import { defineNemesis } from '../rig/define.ts';
import type { Random } from '../rig/random.ts';
import { listed } from './listed.ts';
import { chooseTargets, subjectsOf, type TargetWeights } from './targets.ts';

type Struck = { readonly nodes: readonly NodeId[] };
const few: TargetWeights = { one: 3, minority: 2, primaries: 3 };
const possessive = ({ nodes }: Struck): string => `the disk${nodes.length === 1 ? '' : 's'} of ${listed(nodes)}`;
const are = ({ nodes }: Struck): string => (nodes.length === 1 ? 'is' : 'are');

interface DiskTrouble<Detail extends Readonly<Record<string, Json>>> {
  readonly name: string;
  readonly summary: string;
  readonly weights?: TargetWeights;
  detail?(rng: Random): Detail;
  strike(disks: DiskControl, fault: Struck & Detail): Promise<void>;
  describe(fault: Struck & Detail): string;
}

/** A nemesis that strikes the disks of some of those that have one. */
const striking = <Detail extends Readonly<Record<string, Json>>>(trouble: DiskTrouble<Detail>) =>
  defineNemesis<'disks', Struck & Detail>({
    name: trouble.name,
    summary: trouble.summary,
    controls: ['disks'],
    choose: (context) => {
      const { nodes } = chooseTargets({ ...context, nodes: subjectsOf(context, 'disks') }, trouble.weights ?? few);
      return { nodes, ...trouble.detail?.(context.rng) } as Struck & Detail;
    },
    inject: (fault, { disks }) => trouble.strike(disks, fault),
    describe: trouble.describe,
  });

export const fullDisk = striking({
  name: 'full-disk',
  summary: 'Nothing more can be written to the disks of some nodes: ENOSPC.',
  strike: (disks, { nodes }) => disks.fill(nodes),
  describe: (fault) => `${possessive(fault)} ${are(fault)} full`,
});

export const readOnlyDisk = striking({
  name: 'read-only-disk',
  summary: 'Nothing can be changed on the disks of some nodes: EROFS.',
  strike: (disks, { nodes }) => disks.makeReadOnly(nodes),
  describe: (fault) => `${possessive(fault)} can only be read`,
});

export const slowDisk = striking<{ ms: number }>({
  name: 'slow-disk',
  summary: 'Every call of the disks of some nodes takes some milliseconds to half a second longer.',
  detail: (rng) => ({ ms: rng.integer(5, 500) }),
  strike: (disks, { nodes, ms }) => disks.slow(nodes, ms),
  describe: (fault) => `each call of ${possessive(fault)} takes ${fault.ms} ms longer`,
});

export const failingDisk = striking<{ calls: readonly DiskCall[]; chance: number; seed: number }>({
  name: 'failing-disk',
  summary: 'Some reads, writes or syncs of the disks of some nodes fail: EIO.',
  detail: (rng) => ({
    calls: rng.pick([['sync'], ['write'], ['read', 'write', 'sync']] as const),
    chance: rng.integer(2, 50) / 100,
    seed: rng.integer(0, 2 ** 31 - 1),
  }),
  strike: (disks, { nodes, calls, chance, seed }) => disks.fail(nodes, calls, chance, seed),
  describe: (fault) =>
    `${Math.round(fault.chance * 100)} % of the ${listed(fault.calls)} calls of ${possessive(fault)} fail`,
});

/** A nemesis that cuts the power of the targets of these weights. */
const darkening = (name: string, summary: string, weights: TargetWeights) =>
  striking({
    name,
    summary,
    weights,
    strike: (disks, { nodes }) => disks.losePower(nodes),
    describe: ({ nodes }) => `the power fails at ${listed(nodes)}: what was not made durable is lost`,
  });

export const powerCut = darkening(
  'power-cut',
  'The power fails at some nodes, or all: what they had not made durable is lost; started again on the rest.',
  { one: 2, minority: 2, primaries: 3, all: 3 },
);
export const powerCutAll = darkening(
  'power-cut-all',
  'The power fails everywhere: what was not made durable is lost; needs --beyond-quorum.',
  { all: 1 },
);

/** A nemesis that damages a file of one node. */
const damaging = (name: string, how: 'flip' | 'truncate', summary: string, says: string) =>
  striking<{ seed: number }>({
    name,
    summary,
    weights: { one: 1 },
    detail: (rng) => ({ seed: rng.integer(0, 2 ** 31 - 1) }),
    strike: (disks, { nodes, seed }) => disks.damage(nodes, how, seed),
    describe: ({ nodes }) => `${listed(nodes)} is killed and ${says}, for ever`,
  });

export const flippedBits = damaging(
  'flipped-bits',
  'flip',
  'Bits of a file of one node are turned over while it is down. Cannot be undone: at most a minority over a whole run.',
  'bits of one of its files are turned over',
);
export const truncatedFile = damaging(
  'truncated-file',
  'truncate',
  'The end of a file of one node is cut off while it is down. Cannot be undone: at most a minority over a whole run.',
  'the end of one of its files is cut off',
);
