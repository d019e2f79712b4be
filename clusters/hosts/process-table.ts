/**
 * Processes of this machine as Linux shows them in /proc: whose they are by network namespace or by the run's id in
 * their environment, and whether they run. Found anew each time, so that nothing is lost when the rig is.
 */

import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { ProcessState } from './host.ts';

/** Every process inside the network namespace bound to this file, by id. */
export function processesInside(namespaceFile: string): readonly number[] {
  let inode: number;
  try {
    inode = statSync(namespaceFile).ino;
  } catch {
    return [];
  }
  const link = `net:[${inode}]`;
  return processIds().filter((pid) => attempt(() => readlinkSync(`/proc/${pid}/ns/net`)) === link && isAlive(pid));
}

/** Every process that was started for this run, or with `null` for any run, by `ORDEAL_RUN` in its environment. */
export function processesOfRun(runId: string | null): readonly number[] {
  return processIds().filter((pid) => pid !== process.pid && isOfRun(pid, runId) && isAlive(pid));
}

/** What the processes of that node hold in memory together, in bytes; `null` where none of them can be seen here. */
export function residentBytes(runId: string, node: string): number | null {
  let bytes: number | null = null;
  for (const pid of processesOfRun(runId)) {
    const environment = attempt(() => readFileSync(`/proc/${pid}/environ`, 'latin1')) ?? '';
    if (!`\0${environment}`.includes(`\0ORDEAL_NODE=${node}\0`)) continue;
    const status = attempt(() => readFileSync(`/proc/${pid}/status`, 'latin1')) ?? '';
    const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
    bytes = (bytes ?? 0) + 1024 * kilobytes;
  }
  return bytes;
}

/** Whether this process of this machine is a container's; an engine elsewhere counts processes of its own. */
export const isInCgroupOf = (pid: number, containerId: string): boolean =>
  attempt(() => readFileSync(`/proc/${pid}/cgroup`, 'latin1'))?.includes(containerId) ?? false;

/** Every process of this machine that is a container's. */
export const processesInCgroup = (containerId: string): readonly number[] =>
  processIds().filter((pid) => isInCgroupOf(pid, containerId) && isAlive(pid));

/** Whether this process carries the run's id in its environment. */
function isOfRun(pid: number, runId: string | null): boolean {
  const environment = attempt(() => readFileSync(`/proc/${pid}/environ`, 'latin1'));
  const wanted = `\0ORDEAL_RUN=${runId === null ? '' : `${runId}\0`}`;
  return environment !== undefined && `\0${environment}`.includes(wanted);
}

export function stateOf(pid: number): ProcessState {
  const letter = stateLetter(pid);
  if (letter === undefined || letter === 'Z' || letter === 'X') return 'gone';
  return letter === 'T' || letter === 't' ? 'stopped' : 'running';
}

/** No error if it has ended meanwhile. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const isAlive = (pid: number): boolean => stateOf(pid) !== 'gone';

/** The third field of `stat`; the second, the name in brackets, may hold anything. */
function stateLetter(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  return stat === undefined ? undefined : stat.charAt(stat.lastIndexOf(')') + 2);
}

const processIds = (): readonly number[] =>
  (attempt(() => readdirSync('/proc')) ?? []).filter((name) => /^\d+$/.test(name)).map(Number);

/** Processes end while one looks at them. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
