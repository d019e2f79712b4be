/**
 * What judging a history takes of the rooms: models, checkers, and words for what they found. Whoever only judges has it
 * from here: to load all the other rooms takes longer than most judgements.
 */

import { linearizable } from '../checkers/linearizable.ts';
import { models } from '../checkers/models/index.ts';
import type { Checker, Model, Verdict } from './contract.ts';
import type { History } from './history.ts';

export { CAS_MISMATCH } from '../checkers/models/register.ts';
export { renamedFor, unfamiliar } from '../checkers/vocabulary.ts';
export { findings } from '../reports/summary.ts';

/** Who judges: a model or a checker by its own name, and what it does. */
export interface Judge {
  readonly kind: 'model' | 'checker';
  readonly name: string;
  readonly checker: Checker;
}

/** Whoever goes by exactly this name; `null` if nobody does. What users wrote is known to the registry alone. */
export async function judgeNamed(name: string, kind: Judge['kind']): Promise<Judge | null> {
  const checker = kind === 'model' ? linearizableNamed(name) : await checkerNamed(name);
  return checker ? { kind, name, checker } : null;
}

function linearizableNamed(modelName: string): Checker | undefined {
  const model = (Object.values(models) as readonly object[] as readonly Model[]).find(({ name }) => name === modelName);
  return model && (linearizable(model) as Checker);
}

/** One that is registered, or one of transactions with options in its name. */
async function checkerNamed(name: string): Promise<Checker | undefined> {
  const room = await import('../checkers/index.ts');
  const members = Object.values(room) as readonly object[] as readonly Checker[];
  return members.find((member) => 'check' in member && member.name === name) ?? room.isolationBy(name) ?? undefined;
}

/** The page of a history that has no run. */
export async function findingsPage(name: string, history: History, verdicts: readonly Verdict[]): Promise<string> {
  const page = await import('../reports/html/findings.ts');
  return page.findingsPage(name, history, verdicts);
}
