/** Writes and reads of registers, judged by what each process may conclude from what it has seen. */

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
  generator: readsAndWrites,
  invoke: readOrWrite,
});
