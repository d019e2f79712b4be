/** The thread that watches whether another one still lives; it counts its own time, since both may be made to stand still. */

import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { RealClock } from './clock.ts';
import { BEAT_MS } from './stuck.ts';

/** After so many beats that did not come it is stuck: faults and requests are over long before. */
const MOST_MISSED = 30;

const beats = workerData as Int32Array;
const clock = new RealClock();
let last = -1;
let missed = 0;

function look(): void {
  const now = Atomics.load(beats, 0);
  missed = now === last ? missed + 1 : 0;
  last = now;
  if (missed >= MOST_MISSED) end();
  clock.after(BEAT_MS, look);
}

function end(): void {
  const seconds = (missed * BEAT_MS) / 1000;
  writeSync(
    2,
    `\nordeal: nothing but one function has run for ${seconds} s, in a nemesis or workload of one's own perhaps: ended. Faults in force are undone by their watchdogs; what a run wrote is kept.\n`,
  );
  process.kill(process.pid, 'SIGKILL');
}

look();
