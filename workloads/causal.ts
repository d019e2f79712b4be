/**
 * Writes and reads of registers through one node after another, judged by what each process may conclude from what it has
 * seen: it takes what it knows with it, so that a node that lags behind is found out by whoever comes from one that does not.
 */

import { causal as causality } from '../checkers/causal.ts';
import type { RegisterOutput } from '../checkers/models/register.ts';
import { sessions } from '../checkers/sessions.ts';
import { defineWorkload } from '../rig/define.ts';
import { type Asked, readOrWrite, readsAndWrites } from './unique-writes.ts';

export const causal = defineWorkload<'kv', Asked, RegisterOutput>({
  name: 'causal',
  summary: 'writes and reads registers; no process may see what is older than what it knows of',
  api: 'kv',
  checkers: [causality, sessions],
  semantics: { read: 'safe', write: 'unsafe' },
  generator: (context) => readsAndWrites(context, () => context.rng.pick(context.nodes)),
  invoke: readOrWrite,
});
