/**
 * One run at a time on a service that runs already: two that meddle with it at once would each blame it for the other.
 * A lock for each address, among the temporary files of this machine, under a lease: whoever has not renewed it has died.
 */

import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { link, mkdtemp, readdir, readFile, rename, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Clock, RealClock } from '../../rig/clock.ts';

const LEASE_MS = 10_000;
const RENEW_MS = 2_000;
const LOOK_MS = 250;
/** A lock that is taken over may be gone before that is done. */
const TRIES = 5;
const PREFIX = 'ordeal-lock-';

/** @param addresses `host:port`. Rejects, naming the run that has one of them and what to do. */
export async function takeAlone(addresses: readonly string[], runId: string, clock: Clock): Promise<AsyncDisposable> {
  const taken: string[] = [];
  const release = async () => {
    for (const file of taken) if ((await ownerOf(file)) === runId) await unlink(file).catch(() => {});
  };
  try {
    for (const address of [...addresses].sort()) taken.push(await take(address, runId));
  } catch (error) {
    await release();
    throw error;
  }
  let cancel = () => {};
  const renewLater = () => {
    cancel = clock.after(RENEW_MS, () => {
      for (const file of taken) void renew(file, runId);
      renewLater();
    });
  };
  renewLater();
  return {
    async [Symbol.asyncDispose]() {
      cancel();
      await release();
    },
  };
}

async function take(address: string, runId: string): Promise<string> {
  const name = createHash('sha256').update(address).digest('hex').slice(0, 16);
  const file = path.join(tmpdir(), `${PREFIX}${name}`);
  const own = `${file}-${runId}`;
  await writeFile(own, runId);
  try {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (await becomes(own, file)) return file;
      // Both times are told by the clock of one file system.
      const [ours, theirs] = await Promise.all([stat(own), stat(file).catch(() => null)]);
      if (theirs && ours.mtimeMs - theirs.mtimeMs < LEASE_MS) break;
      if (theirs) await takeAway(file, theirs);
    }
    throw new Error(
      `${address} is in use by run ${(await ownerOf(file)) ?? 'unknown'}: one run at a time; wait until it has ended, or, if its rig is gone, ${LEASE_MS / 1000} s (${file})`,
    );
  } finally {
    await unlink(own).catch(() => {});
  }
}

/** Whether the lock was free; there is no moment in which two can have it. */
const becomes = (own: string, file: string): Promise<boolean> =>
  link(own, file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );

/** Removes the lock if it is still as it was seen; whoever has taken or renewed it meanwhile keeps it. */
async function takeAway(file: string, seen: Stats): Promise<boolean> {
  const aside = `${file}-${seen.ino}-${process.pid}`;
  try {
    await rename(file, aside);
  } catch {
    return false; // Somebody else was quicker.
  }
  const found = await stat(aside);
  const isSame = found.ino === seen.ino && found.mtimeMs === seen.mtimeMs;
  if (!isSame) await link(aside, file).catch(() => {});
  await unlink(aside);
  return isSame;
}

/**
 * Removes the locks that rigs which died have left, of that run or of all; a line for each. One that was renewed a moment
 * ago may be a living rig's: whether it is renewed again is waited for, until its lease would be over.
 */
export async function sweepLocks(runId: string | null, clock: Clock = new RealClock()): Promise<readonly string[]> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX));
  const lines = names.map(async (name) => {
    const file = path.join(tmpdir(), name);
    const owner = await ownerOf(file);
    if (owner === null || (runId !== null && owner !== runId)) return [];
    const first = await stat(file).catch(() => null);
    if (!first || !(await isOver(file, first, clock)) || !(await takeAway(file, first))) return [];
    return [`lock ${file} of run ${owner}`];
  });
  return (await Promise.all(lines)).flat();
}

/** Resolves to whether the lease runs out, as soon as that is known. */
async function isOver(file: string, { mtimeMs }: Stats, clock: Clock): Promise<boolean> {
  const ageMs = (await fileSystemNowMs()) - mtimeMs;
  for (let leftMs = LEASE_MS - ageMs; leftMs > 0; leftMs -= LOOK_MS) {
    await clock.sleep(LOOK_MS);
    if ((await stat(file).catch(() => null))?.mtimeMs !== mtimeMs) return false;
  }
  return true;
}

/** Now, by the clock that dates the temporary files. */
async function fileSystemNowMs(): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ordeal-now-'));
  try {
    return (await stat(folder)).mtimeMs;
  } finally {
    await rmdir(folder);
  }
}

const ownerOf = (file: string): Promise<string | null> =>
  readFile(file, 'utf8').then(
    (text) => (/^[\w-]{1,64}$/.test(text) ? text : null),
    () => null,
  );

/** Whoever writes to a file makes it as old as its file system says that now is. */
async function renew(file: string, runId: string): Promise<void> {
  if ((await ownerOf(file)) === runId) await writeFile(file, runId).catch(() => {});
}
