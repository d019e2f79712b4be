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
export const processesOfRun = (runId: string | null): readonly number[] => processesWith('ORDEAL_RUN', runId);

/** Every process with that variable in its environment: with that value, or with `null` any. */
export const processesWith = (variable: string, value: string | null): readonly number[] =>
  processIds().filter((pid) => pid !== process.pid && carries(pid, variable, value) && isAlive(pid));

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

/** Every process of that group. */
export const processesInGroup = (leader: number): readonly number[] =>
  processIds().filter((pid) => Number(fieldsOf(pid)?.[2]) === leader && isAlive(pid));

/** Whether this variable has this value, or with `null` any, in the environment of the process. */
export function carries(pid: number, variable: string, value: string | null): boolean {
  const environment = attempt(() => readFileSync(`/proc/${pid}/environ`, 'latin1'));
  const wanted = `\0${variable}=${value === null ? '' : `${value}\0`}`;
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

function stateLetter(pid: number): string | undefined {
  return fieldsOf(pid)?.[0];
}

/** Of `stat`, from the third on: state, parent, group. The second, the name in brackets, may hold anything. */
function fieldsOf(pid: number): readonly string[] | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
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

/** Who traces this process, by id; 0: nobody. */
export const tracerOf = (pid: number): number =>
  Number(/^TracerPid:\s*(\d+)/m.exec(attempt(() => readFileSync(`/proc/${pid}/status`, 'latin1')) ?? '')?.[1] ?? 0);

/** How many descriptors this process has open, and how many it may; `null` if it has ended. */
export function descriptorsOf(
  pid: number,
): { readonly open: number; readonly soft: number; readonly hard: number } | null {
  const limits = attempt(() => readFileSync(`/proc/${pid}/limits`, 'latin1'));
  const open = attempt(() => readdirSync(`/proc/${pid}/fd`).length);
  const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits ?? '') ?? [];
  if (soft === undefined || hard === undefined || open === undefined || stateOf(pid) === 'gone') return null;
  const count = (text: string) => (text === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(text));
  return { open, soft: count(soft), hard: count(hard) };
}

/** The value of a variable in the environment that this process was started with. */
export const variableOf = (pid: number, variable: string): string | undefined =>
  attempt(() => readFileSync(`/proc/${pid}/environ`, 'latin1'))
    ?.split('\0')
    .find((pair) => pair.startsWith(`${variable}=`))
    ?.slice(variable.length + 1);

/** What this process calls itself, or was called with. */
export const titleOf = (pid: number): string =>
  (attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1')) ?? '').replaceAll('\0', ' ').trim();
