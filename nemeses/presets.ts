/** Troubles as operators know them, each a composition of nemeses with its own rhythm: data, nothing more. */

import type { Preset } from '../rig/contract.ts';

const flakyNetwork: Preset = {
  name: 'flaky-network',
  summary: 'Short cuts in quick succession, one way or around one node.',
  nemeses: ['partition-one', 'partition-one-way'],
  calm: ['300ms', '2s'],
  fault: ['300ms', '1500ms'],
};

const noisyNeighbour: Preset = {
  name: 'noisy-neighbour',
  summary: 'One node at a time gets no processor for moments, over and over.',
  nemeses: ['pause-one'],
  calm: ['200ms', '1500ms'],
  fault: ['200ms', '2s'],
};

const powerLoss: Preset = {
  name: 'power-loss',
  summary: 'All nodes die at once and start again; needs --beyond-quorum.',
  nemeses: ['kill-all'],
  calm: ['4s', '7s'],
  fault: ['1s', '2s'],
};

const rollingRestart: Preset = {
  name: 'rolling-restart',
  summary: 'One node after another is killed and started again, with time to catch up in between.',
  nemeses: ['kill-one'],
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

export const presets: readonly Preset[] = [flakyNetwork, noisyNeighbour, powerLoss, rollingRestart, splitBrain];
