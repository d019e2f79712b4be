/**
 * What a dead rig left behind, found by its tags and removed. A run that is still going is left alone: for as long
 * as it lives, its rig bears the run's id as its process title.
 */

import { execFileSync } from 'node:child_process';
import { sentenceOf } from './outcome.ts';
import { sweepers } from './rooms.ts';
import { idOf, Store } from './store.ts';

/** Makes this process known, to everybody on the machine, as the rig of that run. */
export function bearTitle(runId: string): void {
  process.title = `ordeal ${runId}`;
}

/** The ids of all runs whose rigs are alive on this machine, in whatever store. */
export const runsGoing = (): readonly string[] => idsIn(/^ordeal ([0-9a-f]{8})\s*$/gm);

/** The same of their watchdogs, each of which ends when it has nothing left to undo. */
export const runsGuarded = (): readonly string[] => idsIn(/^ordeal guardian ([0-9a-f]{8})\s*$/gm);

function idsIn(title: RegExp): readonly string[] {
  const titles = execFileSync('ps', ['-A', '-ww', '-o', 'args='], { encoding: 'utf8', maxBuffer: 64 << 20 });
  return [...titles.matchAll(title)].map(([, id]) => id as string);
}

export interface Healing {
  /** What was removed, a line each. */
  readonly removed: readonly string[];
  /** What could not be removed, a sentence each. */
  readonly problems: readonly string[];
  /** Why nothing was done, or `null`. */
  readonly refused: string | null;
}

/** @param wanted a run as the store finds it, an id the store has never heard of, or `null` for every run. */
export async function healRuns(wanted: string | null, force: boolean): Promise<Healing> {
  const id = wanted === null || /^[0-9a-f]{8}$/.test(wanted) ? wanted : idOf(new Store().find(wanted));
  const going = runsGoing().filter((other) => id === null || other === id);
  if (going.length > 0 && !force) {
    const runs = going.length === 1 ? `run ${going[0]} is` : `runs ${going.join(', ')} are`;
    return { removed: [], problems: [], refused: `${runs} still going; stop it first, or say --force` };
  }
  const removed: string[] = [];
  const problems: string[] = [];
  for (const { sweep } of sweepers) {
    try {
      removed.push(...(await sweep(id)));
    } catch (error) {
      problems.push(...sentenceOf(error).split('\n'));
    }
  }
  return { removed, problems, refused: null };
}
