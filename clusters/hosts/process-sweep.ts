/** Finds and ends what a run left running on this machine, by `ORDEAL_RUN` in its environment alone. */

import { setTimeout as sleep } from 'node:timers/promises';
import { LeftBehind } from '../../rig/left-behind.ts';
import { processesOfRun, signalProcess } from './process-table.ts';
import { runCommand } from './run-command.ts';

const END_MS = 5_000;
const LOOK_MS = 20;

/** Ends the processes of that run, or of every run; returns a line for each. Rejects if one does not end. */
export async function sweepProcesses(runId: string | null): Promise<readonly string[]> {
  const ended = new Set<number>();
  for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
    const left = await find(runId);
    if (left.length === 0) return [...ended].map((pid) => `process ${pid}`);
    if (waitedMs > END_MS) {
      const what = `process ${left.join(', ')} has not ended ${END_MS / 1000} s after SIGKILL`;
      throw new LeftBehind(what, `kill -KILL ${left.join(' ')}`);
    }
    for (const pid of left) {
      signalProcess(pid, 'SIGKILL');
      ended.add(pid);
    }
    await sleep(LOOK_MS);
  }
}

async function find(runId: string | null): Promise<readonly number[]> {
  if (process.platform === 'linux') return processesOfRun(runId);
  if (process.platform === 'win32') return [];
  // `-E` appends the environment to the command, for one's own processes.
  const lines = (await runCommand(['ps', '-axEww', '-o', 'pid=,command='])).split('\n');
  const wanted = runId === null ? ' ORDEAL_RUN=' : ` ORDEAL_RUN=${runId} `;
  return lines
    .filter((line) => `${line} `.includes(wanted))
    .map((line) => Number.parseInt(line, 10))
    .filter((pid) => pid > 0 && pid !== process.pid);
}
