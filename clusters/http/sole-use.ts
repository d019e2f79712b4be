/**
 * One run at a time on a service that runs already: two that meddle with it at once would each blame it for the other.
 * A lock for each address, among the temporary files of this machine, under a lease: whoever has not renewed it has died.
 */

import { createHash } from 'node:crypto';
import { link, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Clock } from '../../rig/clock.ts';

const LEASE_MS = 10_000;
const RENEW_MS = 2_000;
/** A lock that is taken over may be gone before that is done. */
const TRIES = 5;

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
  const file = path.join(tmpdir(), `ordeal-lock-${name}`);
  const own = `${file}-${runId}`;
  await writeFile(own, runId);
  try {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (await becomes(own, file)) return file;
      // Both times are told by the clock of one file system.
      const [ours, theirs] = await Promise.all([stat(own), stat(file).catch(() => null)]);
      if (theirs && ours.mtimeMs - theirs.mtimeMs < LEASE_MS) break;
      await unlink(file).catch(() => {});
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

const ownerOf = (file: string): Promise<string | null> =>
  readFile(file, 'utf8').then(
    (text) => (/^[\w-]{1,64}$/.test(text) ? text : null),
    () => null,
  );

/** Whoever writes to a file makes it as old as its file system says that now is. */
async function renew(file: string, runId: string): Promise<void> {
  if ((await ownerOf(file)) === runId) await writeFile(file, runId).catch(() => {});
}
