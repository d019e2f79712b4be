/**
 * What is asked of a checker of transactions, and how its name says it: `rw-register:serializable+sequential-keys`
 * judges by serializability and takes for granted that each key by itself is sequentially consistent.
 */

import { UsageError } from '../../rig/exit.ts';
import { type ConsistencyModel, models } from './consistency-models.ts';

/** What may be taken for granted of each register by itself: it tells of two versions which is the older. */
export const assumptions = {
  'wfr-keys': 'who reads a key and then writes it has overwritten what it read',
  'sequential-keys': 'each process meets the versions of a key in their order',
  'linearizable-keys': 'real time meets the versions of a key in their order',
} as const;

export type Assumption = keyof typeof assumptions;

export interface Options {
  readonly model: ConsistencyModel;
  readonly assumed: readonly Assumption[];
}

/** One order of all transactions, in keeping with real time, and nothing taken for granted. */
export const STRICT: Options = { model: 'strict-serializable', assumed: [] };

/** `''` for `STRICT`; otherwise as `optionsIn` reads it. */
export const nameWith = (checker: string, { model, assumed }: Options): string => {
  const said = [...(model === STRICT.model ? [] : [model]), ...assumed];
  return said.length === 0 ? checker : `${checker}:${said.join('+')}`;
};

/** Reads the part of a checker's name after the colon. Throws a `UsageError` that names what there is. */
export function optionsIn(text: string, checker: string, knows: readonly Assumption[]): Options {
  let model: ConsistencyModel | undefined;
  const assumed: Assumption[] = [];
  for (const word of text.split('+')) {
    const [asModel, assumption] = [models.find((one) => one === word), knows.find((one) => one === word)];
    if (assumption) assumed.push(assumption);
    else if (asModel && model === undefined) model = asModel;
    else
      throw new UsageError(
        asModel
          ? `${checker} judges by one consistency model, found ${model} and ${word}`
          : `${checker} knows no "${word}"; there are ${[...models, ...knows].join(', ')}`,
      );
  }
  return { model: model ?? STRICT.model, assumed: [...new Set(assumed)] };
}
