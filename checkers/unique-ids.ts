/** Is no identifier ever given twice? One pass over the answers. */

import type { Input, Json } from '../rig/contract.ts';
import { defineChecker } from '../rig/define.ts';
import { OK } from '../rig/history.ts';
import { Anomalies, count } from './anomalies.ts';
import { said, Values } from './values.ts';
import { nameOf } from './wording.ts';

export type UniqueIdsInput = Input & { readonly f: 'generate' };

/** The identifier, any value but `null`. */
export type UniqueIdsOutput = Json;

export const uniqueIds = defineChecker<UniqueIdsInput, UniqueIdsOutput>({
  name: 'unique-ids',
  check(history) {
    const found = new Anomalies(history);
    const ids = new Values();
    const firstAt: number[] = [];
    let given = 0;
    let empty = 0;
    for (let at = 0; at < history.length; at++) {
      if (history.type[at] !== OK || history.input(at).f !== 'generate') continue;
      const id = history.output(at) ?? null;
      if (id === null) {
        empty++;
        continue;
      }
      given++;
      const number = ids.of(id);
      if (number === firstAt.length) firstAt.push(at);
      else
        found.add('duplicate-id', () => ({
          subject: `id ${said(id)}`,
          explanation: `id ${said(id)} was given twice: to ${nameOf(history, firstAt[number] as number)}, and to ${nameOf(history, at)}`,
          operations: [firstAt[number] as number, at],
        }));
    }
    const missing = empty > 0 ? [`${count(empty, 'answer')} held no id`] : [];
    if (given === 0) missing.push('no id was given');
    return found.conclude({
      checker: 'unique-ids',
      guarantee: 'no id is given twice',
      seen: `${given} ids, all different`,
      missing,
      statistics: { given, different: ids.size },
    });
  },
});
