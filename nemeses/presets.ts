/** Troubles as operators know them, each a composition of nemeses with its own rhythm: data, nothing more. */

import type { Preset } from '../rig/contract.ts';

const clockTrouble: Preset = {
  name: 'clock-trouble',
  summary: 'Clocks jump, drift, and jump there and back: what must not depend on them, must not.',
  nemeses: ['clock-jump', 'clock-drift', 'clock-strobe'],
  calm: ['1s', '3s'],
  fault: ['2s', '5s'],
};

const diskTrouble: Preset = {
  name: 'disk-trouble',
  summary: 'Disks are full, slow, or fail now and then, one trouble after another.',
  nemeses: ['full-disk', 'slow-disk', 'failing-disk'],
  calm: ['2s', '5s'],
  fault: ['1s', '4s'],
};

const flakyNetwork: Preset = {
  name: 'flaky-network',
  summary: 'Packets are lost or late, connections break, and one node is cut off, for moments and in quick succession.',
  nemeses: ['packet-loss', 'partition-one', 'reset-connections', 'slow-network'],
  calm: ['300ms', '2s'],
  fault: ['300ms', '1500ms'],
};

const noisyNeighbour: Preset = {
  name: 'noisy-neighbour',
  summary: 'Some nodes get hardly any processor, or a slow disk, and one none at all for moments, over and over.',
  nemeses: ['pause-one', 'processor-shortage', 'slow-disk'],
  calm: ['200ms', '1500ms'],
  fault: ['200ms', '2s'],
};

const powerLoss: Preset = {
  name: 'power-loss',
  summary: 'The power fails everywhere: what was not made durable is lost; needs --beyond-quorum.',
  nemeses: ['power-cut-all'],
  calm: ['4s', '7s'],
  fault: ['1s', '2s'],
};

const rollingRestart: Preset = {
  name: 'rolling-restart',
  summary: 'One node after another is asked to end and started again, with time to catch up in between.',
  nemeses: ['terminate-one'],
  calm: ['2500ms', '4s'],
  fault: ['500ms', '1s'],
};

const splitBrain: Preset = {
  name: 'split-brain',
  summary: 'Primaries are cut off alone, and the network is cut in two, for long enough to elect others.',
  nemeses: ['partition-halves', 'partition-primaries'],
  calm: ['1s', '3s'],
  fault: ['4s', '8s'],
};

export const presets: readonly Preset[] = [
  clockTrouble,
  diskTrouble,
  flakyNetwork,
  noisyNeighbour,
  powerLoss,
  rollingRestart,
  splitBrain,
];
