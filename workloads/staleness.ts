/** Writes and reads of registers, judged by how old what is read may be, and by what is left in the end. */

import { convergence } from '../checkers/convergence.ts';
import { lostWrites } from '../checkers/lost-writes.ts';
import type { RegisterOutput } from '../checkers/models/register.ts';
import { freshReads } from '../checkers/staleness.ts';
import { defineWorkload } from '../rig/define.ts';
import { type Asked, readOrWrite, readsAndWrites, readsByAll } from './unique-writes.ts';

export const staleness = defineWorkload<'kv', Asked, RegisterOutput>({
  name: 'staleness',
  summary: 'writes and reads registers; nothing acknowledged may be missed or lost, and in the end all nodes agree',
  api: 'kv',
  checkers: [freshReads, lostWrites, convergence],
  semantics: { read: 'safe', write: 'unsafe' },
  generator: readsAndWrites,
  finalGenerator: readsByAll,
  invoke: readOrWrite,
});
