/**
 * Ends a rig whose thread does not come back from a function, such as a nemesis that never stops choosing: it would heed
 * no signal any more, and could not say why. What is in force then is undone by the watchdogs of the hosts.
 */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { RealClock } from './clock.ts';

/** How often the thread tells that it is alive, and how often it is asked. */
export const BEAT_MS = 1_000;

let watcher: Worker | null = null;

/** From now on, until {@link trustAgain}; not where this runs from source, since the other thread is compiled. */
export function endWhenStuck(): void {
  const program = new URL('stuck-worker.js', import.meta.url);
  if (watcher || !existsSync(fileURLToPath(program))) return;
  const clock = new RealClock();
  const beats = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const beat = () => {
    Atomics.add(beats, 0, 1);
    clock.after(BEAT_MS, beat);
  };
  beat();
  watcher = new Worker(program, { workerData: beats });
}

export function trustAgain(): void {
  void watcher?.terminate();
}
