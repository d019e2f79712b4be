/**
 * What a dead rig left behind, found by its tags and removed. A run that is still going is left alone: each rig
 * marks its run's directory with its process for as long as it lives.
 */

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sentenceOf } from './outcome.ts';
import { hostDrivers } from './rooms.ts';
import { idOf, Store } from './store.ts';

const MARK = 'rig.pid';

/** Marks the run as going, until the returned function is called. */
export function markAsGoing(directory: string): () => void {
  const path = join(directory, MARK);
  writeFileSync(path, `${process.pid}\n`);
  return () => rmSync(path, { force: true });
}

/** Whether the rig of that run is alive. */
export function isGoing(directory: string): boolean {
  const path = join(directory, MARK);
  if (!existsSync(path)) return false;
  const pid = Number(readFileSync(path, 'utf8'));
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  // The number may have been given to another program since.
  const commandLine = `/proc/${pid}/cmdline`;
  return !existsSync(commandLine) || readFileSync(commandLine, 'utf8').includes('ordeal');
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
  const store = new Store();
  const directories = wanted === null ? store.runs() : /^[0-9a-f]{8}$/.test(wanted) ? [] : [store.find(wanted)];
  const known = wanted === null ? null : directories[0] ? idOf(directories[0]) : wanted;
  const concerned =
    directories.length > 0 ? directories : store.runs().filter((directory) => idOf(directory) === known);
  const going = concerned.filter(isGoing).map(idOf);
  if (going.length > 0 && !force)
    return {
      removed: [],
      problems: [],
      refused: `run ${going.join(', ')} is still going; stop it first, or say --force`,
    };

  const removed: string[] = [];
  const problems: string[] = [];
  for (const driver of hostDrivers) {
    try {
      removed.push(...(await driver.sweep(known)));
    } catch (error) {
      problems.push(`${driver.name}: ${sentenceOf(error)}`);
    }
  }
  return { removed, problems, refused: null };
}
