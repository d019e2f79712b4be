/** Workers draw identifiers from shared sequences, each the next number by compare-and-set. */

import { uniqueIds as allDifferent, type UniqueIdsInput, type UniqueIdsOutput } from '../checkers/unique-ids.ts';
import { defineWorkload } from '../rig/define.ts';
import { update } from './update.ts';

/** Sequences: their numbers are told apart by the sequence's name. */
const SEQUENCES = 4;

export const uniqueIds = defineWorkload<'kv', UniqueIdsInput & { readonly sequence: number }, UniqueIdsOutput>({
  name: 'unique-ids',
  summary: 'draws ids from sequences by compare-and-set; none may be given twice',
  api: 'kv',
  checkers: [allDifferent],
  semantics: { generate: 'unsafe' },

  *generator({ rng }) {
    for (;;) yield { f: 'generate', sequence: rng.integer(0, SEQUENCES - 1) };
  },

  async invoke(kv, { sequence }, signal) {
    const next = await update(
      kv,
      `sequence ${sequence}`,
      (value) => (typeof value === 'number' ? value : 0) + 1,
      signal,
    );
    return `${sequence}-${String(next.after)}`;
  },
});
