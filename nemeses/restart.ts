/** Ends nodes in other ways than by one kill: by a polite request, again and again, or with the whole machine. */

import { defineNemesis } from '../rig/define.ts';
import { listed } from './listed.ts';
import { chooseTargets, type Targets, type TargetWeights } from './targets.ts';

const are = (nodes: readonly string[]): string => `${listed(nodes)} ${nodes.length === 1 ? 'is' : 'are'}`;
/** Longer than any fault lasts. */
const FOR_GOOD_MS = 86_400_000;

/** A nemesis that asks the targets of these weights to end. */
const terminating = (name: string, summary: string, weights: TargetWeights) =>
  defineNemesis<'processes', Targets>({
    name,
    summary,
    controls: ['processes'],
    choose: (context) => chooseTargets(context, weights),
    inject: ({ nodes }, { processes }) => processes.terminate(nodes),
    describe: ({ nodes }) => `${are(nodes)} asked to end`,
  });

export const terminate = terminating(
  'terminate',
  'SIGTERM to one node, a minority, the primaries or, rarely, all; started again later on the same data.',
  { one: 4, minority: 3, primaries: 4, all: 1 },
);
export const terminateOne = terminating('terminate-one', 'SIGTERM to one node; started again on the same data.', {
  one: 1,
});

export const restart = defineNemesis<'processes', Targets>({
  name: 'restart',
  summary: 'One node, or the primaries, is killed and started again at once.',
  controls: ['processes'],
  choose: (context) => chooseTargets(context, { one: 2, primaries: 1 }),
  inject: ({ nodes }, { processes }) => processes.loop(nodes, FOR_GOOD_MS),
  describe: ({ nodes }) => `${are(nodes)} killed and started again at once`,
});

export const crashLoop = defineNemesis<'processes', Targets & { readonly upMs: number }>({
  name: 'crash-loop',
  summary: 'One node, or a minority, is killed again and again, a moment after it was started.',
  controls: ['processes'],
  choose: (context) => ({
    ...chooseTargets(context, { one: 3, minority: 1 }),
    upMs: context.rng.integer(100, 1500),
  }),
  inject: ({ nodes, upMs }, { processes }) => processes.loop(nodes, upMs),
  describe: ({ nodes, upMs }) => `${are(nodes)} killed again and again, each time ${upMs} ms after the start`,
});

export const hostRestart = defineNemesis<'processes', { readonly members: readonly string[] }>({
  name: 'host-restart',
  summary: 'The whole machine goes down: every node, and what the nodes need; needs --beyond-quorum.',
  controls: ['processes'],
  choose: ({ nodes, parties }) => ({
    members: [...new Set([...parties.filter((party) => party !== 'clients'), ...nodes])],
  }),
  inject: ({ members }, { processes }) => processes.kill(members),
  describe: ({ members }) => `the machine of ${listed(members)} is restarted`,
});
